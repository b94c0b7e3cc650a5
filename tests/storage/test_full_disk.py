"""A full disk refuses writes and nothing else; a failed one refuses until the directory is opened again."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from storage import DataDirectory, StorageFailed, StorageFull, Store


class Faults:
    """What the system below SQLite refuses to do; None where all is well."""

    write: Exception | None = None
    sync: Exception | None = None
    number = 0
    allowed_writes = 0


class FaultyFile(apsw.VFSFile):
    def xWrite(self, data: bytes, offset: int) -> None:
        if Faults.write:
            Faults.allowed_writes -= 1
            if Faults.allowed_writes < 0:
                raise Faults.write
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if Faults.sync:
            raise Faults.sync
        super().xSync(flags)


class FaultySystem(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("faulty", "", makedefault=True)

    def xOpen(self, name: object, flags: list[int]) -> FaultyFile:
        return FaultyFile("unix", name, flags)

    def xGetLastError(self) -> tuple[int, str]:
        return Faults.number, "fault"


@pytest.fixture
def faults() -> Iterator[type[Faults]]:
    system = FaultySystem()
    yield Faults
    Faults.write = Faults.sync = None
    Faults.number = 0
    system.unregister()
    apsw.set_default_vfs("unix")


@pytest.fixture
def store(faults: type[Faults], directory: DataDirectory) -> Store:
    return directory.create("default")


@pytest.mark.parametrize("allowed", [0, 1, 2, 3, 4, 7])
def test_a_write_without_room_leaves_nothing(
    faults: type[Faults], directory: DataDirectory, store: Store, allowed: int
) -> None:
    store.append([b"a"])
    faults.write, faults.allowed_writes = apsw.FullError(), allowed
    with pytest.raises(StorageFull):
        store.append([bytes(50_000)])
    with pytest.raises(StorageFull):
        store.documents.put("jobs", "1", bytes(50_000))
    assert store.failure is None
    assert list(store.replay(0)) == [(1, b"a")]
    assert store.documents.items("jobs") == []
    faults.write = None
    assert store.append([b"b"]) == 2
    directory.close()
    again = DataDirectory.open(directory.path).store("default")
    assert list(again.replay(0)) == [(1, b"a"), (2, b"b")]


def test_an_exhausted_quota_is_a_full_disk(faults: type[Faults], store: Store) -> None:
    faults.write, faults.number, faults.allowed_writes = apsw.IOError(), errno.EDQUOT, 1
    faults.write.extendedresult = apsw.SQLITE_IOERR_WRITE
    with pytest.raises(StorageFull, match="quota"):
        store.append([bytes(50_000)])
    faults.write = None
    assert store.append([b"b"]) == 1


@pytest.mark.parametrize("allowed", range(0, 12, 2))
def test_a_checkpoint_without_room_can_be_made_later(
    faults: type[Faults], directory: DataDirectory, store: Store, allowed: int
) -> None:
    store.append([bytes(10_000)] * 5)
    faults.write, faults.allowed_writes = apsw.FullError(), allowed
    with pytest.raises(StorageFull):
        store.commit_checkpoint(5, bytes(5_000), [])
    faults.write = None
    store.append([b"b"])
    store.commit_checkpoint(6, b"state", [])
    directory.close()
    again = DataDirectory.open(directory.path).store("default")
    checkpoint = again.checkpoint()
    assert checkpoint is not None
    assert (checkpoint.state, again.last_seq) == (b"state", 6)


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_after_a_failure_nothing_is_accepted_until_reopened(
    faults: type[Faults], directory: DataDirectory, store: Store, kind: str
) -> None:
    store.append([b"a"])
    setattr(faults, kind, apsw.IOError())
    with pytest.raises(StorageFailed):
        store.append([b"lost"])
    setattr(faults, kind, None)
    assert store.failure is not None
    for refused in refusals(store):
        with pytest.raises(StorageFailed, match="open the data directory again"):
            refused()
    assert list(store.replay(0)) == [(1, b"a")], "reading goes on"
    directory.close()
    again = DataDirectory.open(directory.path).store("default")
    assert again.failure is None
    # What was not acknowledged may be there whole, or not at all.
    assert again.last_seq in (1, 2)
    again.append([b"b"])


def refusals(store: Store) -> list[Callable[[], object]]:
    return [
        lambda: store.append([b"b"]),
        lambda: store.documents.put("jobs", "1", b"x"),
        lambda: store.documents.delete("jobs", "1"),
        lambda: store.blocks.write("part", {}),
        lambda: store.commit_checkpoint(1, b"", []),
    ]


@pytest.mark.parametrize(
    ("number", "expected", "ends"),
    [(errno.ENOSPC, StorageFull, False), (errno.EDQUOT, StorageFull, False), (errno.EIO, StorageFailed, True)],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_block_that_cannot_be_written_leaves_no_file(
    directory: DataDirectory,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    expected: type[Exception],
    ends: bool,
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(expected):
            store.blocks.write("part", {"x": np.arange(10_000)})
    assert store.blocks.names() == []
    assert list((directory.path / "workspaces/default/blocks").iterdir()) == []
    assert (store.failure is not None) == ends


def test_the_reserve_is_kept_and_what_frees_space_goes_on(directory: DataDirectory) -> None:
    store = directory.create("default")
    store.append([b"a", b"b"])
    store.documents.put("jobs", "1", b"x")
    block = store.blocks.write("part", {"x": np.arange(3)})
    directory.close()
    tight = DataDirectory.open(directory.path, reserve=1 << 60)
    store = tight.store("default")
    for refused in refusals(store)[:2] + refusals(store)[3:4]:
        with pytest.raises(StorageFull, match="are kept in reserve; free some space"):
            refused()
    with pytest.raises(StorageFull):
        tight.create("other")
    assert tight.workspaces() == ["default"]
    assert list(store.replay(0)) == [(1, b"a"), (2, b"b")]
    assert store.blocks.open(block).arrays["x"].tolist() == [0, 1, 2]
    store.documents.delete("jobs", "1")
    store.commit_checkpoint(2, b"state", [])
    assert store.blocks.names() == []
    tight.close()


SMALL_DISK = """
import sys
from pathlib import Path
import numpy as np
from storage import DataDirectory, StorageFull

disk = Path(sys.argv[1])
reserve = int(sys.argv[2])
ballast = disk / "ballast"
directory = DataDirectory.open(disk / "data", reserve=reserve)
store = directory.create("default")
acknowledged = 0
while True:
    try:
        acknowledged = store.append([bytes([acknowledged % 256]) * 100_000])
        store.blocks.write("part", {"x": np.zeros(10_000)})
    except StorageFull:
        break
assert acknowledged > 10
for _ in range(3):
    try:
        store.append([bytes(3_000_000)])
        raise SystemExit("accepted more than there is room for")
    except StorageFull:
        pass
assert store.failure is None
assert len(list(store.replay(0))) == acknowledged == store.last_seq
directory.close()
directory = DataDirectory.open(disk / "data", reserve=reserve)
store = directory.store("default")
assert len(list(store.replay(0))) == acknowledged
store.collect(set())
assert store.append([bytes(200_000)]) == acknowledged + 1
store.commit_checkpoint(acknowledged + 1, b"state", [])
assert store.append([bytes(3_000_000)]) == acknowledged + 2
directory.close()
print("done")
"""


@pytest.mark.parametrize("reserve", [0, 2 << 20])
def test_a_disk_that_really_fills_up(tmp_path: Path, reserve: int) -> None:
    mount = (
        f"mount -t tmpfs -o size=12m none {tmp_path} && exec {sys.executable} -c '{SMALL_DISK}' {tmp_path} {reserve}"
    )
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", tmp_path], check=False).returncode:
        pytest.skip("this system does not let us mount a small disk")
    run = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True, check=False)
    assert run.stdout == "done\n", run.stderr
