"""What was deleted is not in any file once a checkpoint has dropped it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import DataDirectory, Store

SECRET = b"marie.durand@example.org"


def holders(path: Path, value: bytes) -> list[str]:
    return sorted(file.name for file in path.rglob("*") if file.is_file() and value in file.read_bytes())


def test_an_erased_value_is_in_no_file_after_a_checkpoint_that_drops_it(directory: DataDirectory, store: Store) -> None:
    store.append([b"before", SECRET * 3, SECRET * 1000])
    store.documents.put("jobs", "1", SECRET)
    store.documents.put("jobs", "2", SECRET * 1000)
    block = store.blocks.write("part", {}, {"email": SECRET.decode()})
    store.commit_checkpoint(1, b"state" + SECRET * 500, [block])
    assert holders(directory.path, SECRET) == [block.name, "tamis.db"]
    store.documents.delete("jobs", "1")
    store.documents.put("jobs", "2", b"short")
    store.append([b"erase"])
    assert holders(directory.path, SECRET) != []
    store.commit_checkpoint(4, b"state", [])
    assert holders(directory.path, SECRET) == []


def test_a_clean_close_leaves_nothing_deleted(directory: DataDirectory) -> None:
    directory.catalog.put("keys", "1", SECRET)
    directory.catalog.delete("keys", "1")
    directory.close()
    assert holders(directory.path, SECRET) == []


secrets = st.lists(st.tuples(st.sampled_from(["journal", "documents"]), st.integers(1, 9000)), min_size=1, max_size=25)


@settings(max_examples=25, deadline=None)
@given(secrets, st.data())
def test_no_order_of_writes_and_deletions_leaves_a_trace(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, int]], data: st.DataObject
) -> None:
    directory = DataDirectory.open(tmp_path_factory.mktemp("erasure"))
    store = directory.create("default")
    for number, (kind, size) in enumerate(values):
        value = b"<secret %d>" % number + bytes(size)
        if kind == "journal":
            store.append([value])
        else:
            store.documents.put("people", str(number), value)
        if data.draw(st.booleans()):
            store.scrub()
    kept = data.draw(st.sets(st.sampled_from(range(len(values)))))
    for number in range(len(values)):
        if number not in kept:
            store.documents.delete("people", str(number))
    store.commit_checkpoint(store.last_seq, b"", [])
    for number, (kind, _) in enumerate(values):
        expected = ["tamis.db"] if kind == "documents" and number in kept else []
        assert holders(directory.path, b"<secret %d>" % number) == expected
    directory.close()
