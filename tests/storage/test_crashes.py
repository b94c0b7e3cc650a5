"""A process that dies at any moment leaves a directory that opens, with all that was acknowledged."""

import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import apsw
import numpy as np
import pytest

from storage import DataDirectory, Store, crashpoints

STEPS = 8


def record(seq: int) -> bytes:
    return b"record %d " % seq * 20


def state(seq: int) -> bytes:
    return b"state %d " % seq * 300


def session(path: Path, acknowledge: int) -> None:
    """A life with everything in it; each promise made is written to the descriptor `acknowledge`."""
    directory = DataDirectory.open(path)
    store = directory.create("default")
    for step in range(STEPS):
        bulk = store.blocks.write("bulk", {"x": np.arange(step)})
        last = store.last_seq
        last = store.append([record(last + 1), record(last + 2), bulk.name.encode()], blocks=[bulk.name])
        os.write(acknowledge, b"append %d\n" % last)
        store.documents.put("jobs", "step", b"%d" % last)
        os.write(acknowledge, b"document %d\n" % last)
        if step % 2:
            part = store.blocks.write("part", {"x": np.array([last - 2])})
            store.commit_checkpoint(last - 2, state(last - 2), [part])
            os.write(acknowledge, b"checkpoint %d\n" % (last - 2))
    directory.close()
    os.write(acknowledge, b"closed 1\n")


def verify(path: Path, promises: dict[str, int]) -> Store:
    """Open what a crash left: everything promised is there, nothing is half there."""
    directory = DataDirectory.open(path, create=True)
    store = directory.create("default")
    assert promises.get("append", 0) <= store.last_seq <= promises.get("append", 0) + 3
    checkpoint = store.checkpoint()
    start = checkpoint.seq if checkpoint else 0
    assert start >= promises.get("checkpoint", 0)
    live = set()
    if checkpoint:
        assert checkpoint.state == state(start)
        [part] = checkpoint.blocks
        assert store.blocks.open(part).arrays["x"].tolist() == [start]
        live.add(part.name)
    for seq, found in store.replay(start):
        if seq % 3:
            assert found == record(seq)
        else:
            assert len(store.blocks.open(found.decode()).arrays["x"]) == seq // 3 - 1
            live.add(found.decode())
    assert int(store.documents.get("jobs", "step") or 0) >= promises.get("document", 0)
    store.collect(live)
    assert set(store.blocks.names()) == live
    assert not list(path.rglob("*.part"))
    store.append([b"life goes on"])
    directory.close()
    DataDirectory.open(path, create=False).close()
    return store


def promises_until_death(path: Path, prepare: Callable[[], None]) -> dict[str, int]:
    """Run `session` in a process of its own, after `prepare()`; what it promised before it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            session(path, writing)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        promises = {kind: int(number) for kind, number in (line.split() for line in pipe)}
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return promises


CASES = [(point, 1) for point in crashpoints.POINTS] + [
    (point, 3) for point in crashpoints.POINTS if not point.startswith(("directory.", "workspace.", "close."))
]


@pytest.mark.parametrize(("point", "times"), CASES)
def test_dying_between_two_steps(tmp_path: Path, point: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare() -> None:
        monkeypatch.setattr(crashpoints, "_name", point)
        monkeypatch.setattr(crashpoints, "_left", times)

    promises = promises_until_death(tmp_path / "data", prepare)
    assert "closed" not in promises, f"{point} was not reached {times} times"
    verify(tmp_path / "data", promises)


def test_every_crash_point_is_known_by_name() -> None:
    sources = "".join(file.read_text() for file in Path(crashpoints.__file__).parent.glob("*.py"))
    for point in crashpoints.POINTS:
        assert sources.count(f'reach("{point}")') == 1
    assert sources.count('reach("') == len(crashpoints.POINTS)


def test_the_environment_names_the_crash_point(tmp_path: Path) -> None:
    script = f"from storage import DataDirectory; from pathlib import Path; DataDirectory.open(Path({str(tmp_path)!r}))"
    for point, code in [("directory.catalogued", -signal.SIGKILL), ("directory.catalogued:2", 0)]:
        run = subprocess.run([sys.executable, "-c", script], env={**os.environ, "TAMIS_CRASH_AT": point}, check=False)
        assert run.returncode == code


class DyingFile(apsw.VFSFile):
    """A file whose process dies in the middle of a write, after `left` more operations."""

    left = 0

    def _count(self) -> bool:
        DyingFile.left -= 1
        return DyingFile.left == 0

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._count():
            super().xWrite(data[: len(data) // 2], offset)
            os.kill(os.getpid(), signal.SIGKILL)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if self._count():
            os.kill(os.getpid(), signal.SIGKILL)
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:
        if self._count():
            os.kill(os.getpid(), signal.SIGKILL)
        super().xTruncate(size)


class DyingSystem(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("dying", "", makedefault=True)

    def xOpen(self, name: object, flags: list[int]) -> DyingFile:
        return DyingFile("unix", name, flags)


def test_dying_in_the_middle_of_any_write_to_a_database(tmp_path: Path) -> None:
    systems = []

    def prepare() -> None:
        systems.append(DyingSystem())
        DyingFile.left = left

    left, promises = 1, {}
    while "closed" not in promises:
        path = tmp_path / "data"
        shutil.rmtree(path, ignore_errors=True)
        promises = promises_until_death(path, prepare)
        verify(path, promises)
        left += 7
    assert left > 200
