from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from storage import DataDirectory, Store


def reopened(directory: DataDirectory) -> Store:
    directory.close()
    return DataDirectory.open(directory.path, create=False).store("default")


def test_appended_records_are_numbered_from_one_without_gaps(store: Store) -> None:
    assert store.last_seq == 0
    assert store.append([b"a", b"b"]) == 2
    assert store.append([]) == 2
    assert store.append([b"c"]) == 3
    assert list(store.replay(0)) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert list(store.replay(2)) == [(3, b"c")]
    assert list(store.replay(3)) == []


def test_records_are_there_after_reopening(directory: DataDirectory, store: Store) -> None:
    store.append([b"a"] * 200)
    again = reopened(directory)
    assert again.last_seq == 200
    assert again.append([b"b"]) == 201
    assert len(list(again.replay(0))) == 201


def test_a_checkpoint_stands_for_the_records_it_covers(directory: DataDirectory, store: Store) -> None:
    assert store.checkpoint() is None
    store.append([b"a", b"b", b"c"])
    block = store.blocks.write("part", {"x": np.arange(3)})
    store.commit_checkpoint(2, b"state", [block])
    with pytest.raises(ValueError, match="covered by the checkpoint"):
        list(store.replay(0))
    again = reopened(directory)
    checkpoint = again.checkpoint()
    assert checkpoint is not None
    assert (checkpoint.seq, checkpoint.state, checkpoint.blocks) == (2, b"state", (block,))
    assert list(again.replay(2)) == [(3, b"c")]


def test_numbering_goes_on_after_a_checkpoint_of_everything(directory: DataDirectory, store: Store) -> None:
    store.append([b"a", b"b"])
    store.commit_checkpoint(2, b"", [])
    again = reopened(directory)
    assert again.last_seq == 2
    assert again.append([b"c"]) == 3


@pytest.mark.parametrize("seq", [0, 4])
def test_a_checkpoint_of_other_records_is_refused(store: Store, seq: int) -> None:
    store.append([b"a", b"b", b"c"])
    store.commit_checkpoint(2, b"", [])
    with pytest.raises(ValueError, match="is not between 2 and 3"):
        store.commit_checkpoint(seq, b"", [])


def test_a_checkpoint_naming_a_block_that_is_not_there_is_refused(store: Store) -> None:
    block = store.blocks.write("part", {})
    store.commit_checkpoint(0, b"", [])
    store.blocks.discard([block.name])
    with pytest.raises(ValueError, match="is not a block of this store"):
        store.commit_checkpoint(0, b"", [block])


def test_blocks_left_out_of_a_checkpoint_are_removed(store: Store) -> None:
    old, new = store.blocks.write("old", {}), store.blocks.write("new", {})
    store.commit_checkpoint(0, b"", [old])
    store.commit_checkpoint(0, b"", [new])
    assert store.blocks.names() == [new.name]


def test_blocks_that_a_later_record_names_survive_a_checkpoint(store: Store) -> None:
    store.append([b"a"])
    block = store.blocks.write("bulk", {})
    store.commit_checkpoint(1, b"", [])
    assert store.blocks.names() == [block.name], "an import under way keeps its blocks"
    store.append([b"names bulk"], blocks=[block.name])
    store.commit_checkpoint(1, b"", [])
    assert store.blocks.names() == [block.name], "the record after the checkpoint names it"
    store.commit_checkpoint(2, b"", [])
    assert store.blocks.names() == []


def test_collecting_removes_only_what_a_crash_left_behind(directory: DataDirectory, store: Store) -> None:
    kept = store.blocks.write("kept", {})
    store.commit_checkpoint(0, b"", [kept])
    named, orphan = store.blocks.write("named", {}), store.blocks.write("orphan", {})
    store.append([b"names named"], blocks=[named.name])
    again = reopened(directory)
    fresh = again.blocks.write("fresh", {})
    again.append([b"names fresh"], blocks=[fresh.name])
    assert orphan.name in again.blocks.names()
    again.collect({named.name})
    assert again.blocks.names() == sorted([kept.name, named.name, fresh.name])


def test_without_collecting_nothing_that_a_record_may_name_is_removed(directory: DataDirectory, store: Store) -> None:
    named = store.blocks.write("named", {})
    store.append([b"a", b"names named"], blocks=[named.name])
    again = reopened(directory)
    again.commit_checkpoint(1, b"", [])
    assert again.blocks.names() == [named.name]
    again.commit_checkpoint(2, b"", [])
    assert again.blocks.names() == []


def test_threads_share_a_store(directory: DataDirectory, store: Store) -> None:
    def append(writer: int) -> None:
        for number in range(30):
            store.append([f"{writer}.{number}".encode()] * 3)

    def checkpoint() -> None:
        for _ in range(15):
            block = store.blocks.write("part", {"x": np.arange(10)})
            store.commit_checkpoint(store.last_seq, b"state", [block])

    def document() -> None:
        for number in range(30):
            store.documents.put("jobs", "one", str(number).encode())
            assert store.documents.get("jobs", "one") == str(number).encode()

    with ThreadPoolExecutor(5) as pool:
        for done in [*map(pool.submit, [append] * 3, range(3)), pool.submit(checkpoint), pool.submit(document)]:
            done.result()
    assert store.last_seq == 270
    again = reopened(directory)
    checkpointed = again.checkpoint()
    assert checkpointed is not None
    assert again.last_seq == 270
    assert again.documents.items("jobs") == [("one", b"29")]
    assert len(list(again.replay(checkpointed.seq))) == 270 - checkpointed.seq


def test_a_long_journal_is_emptied_from_the_log_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.LOG_LIMIT", 1 << 20)
    store = DataDirectory.open(tmp_path).create("default")
    log = tmp_path / "workspaces/default/tamis.db-wal"
    sizes = [log.stat().st_size for _ in range(40) if store.append([bytes(100_000)])]
    assert max(sizes) < 2 << 20
    assert len(list(store.replay(0))) == 40
