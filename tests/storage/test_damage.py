"""A changed byte in any file is noticed, and the file is named."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from storage import DamageError, DataDirectory
from storage import witness as witnessing

FILES = ["format.json", "catalog.db", "catalog.witness", "tamis.db", "tamis.witness", "*.arrow"]
TRIES = 60


def filled(path: Path) -> DataDirectory:
    directory = DataDirectory.open(path)
    directory.catalog.put("keys", "k", b"secret")
    store = directory.create("default")
    store.append([b"covered" * 100] * 50)
    block = store.blocks.write("part", {"x": np.arange(2000)}, {"kind": "k"})
    store.commit_checkpoint(50, b"state" * 1000, [block])
    store.append([b"record %d" % number for number in range(200)])
    store.documents.put("jobs", "1", b"job")
    store.documents.delete("jobs", "1")
    return directory


def content(path: Path) -> list[object]:
    """Everything a directory says it holds, which is to be the same after any undetected change."""
    directory = DataDirectory.open(path, create=False)
    try:
        store = directory.store("default")
        checkpoint = store.checkpoint()
        assert checkpoint is not None
        arrays = [store.blocks.open(ref).arrays["x"].tolist() for ref in checkpoint.blocks]
        records = list(store.replay(checkpoint.seq))
        return [directory.catalog.items("keys"), store.documents.items("jobs"), checkpoint, arrays, records]
    finally:
        directory.close()


def outcome(path: Path) -> list[object] | Path:
    """What the directory holds, or the file it finds damaged."""
    try:
        return content(path)
    except DamageError as damage:
        return damage.path


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("closed") / "data"
    filled(path).close()
    return path


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files as a crash would leave them, logs included."""
    path = tmp_path_factory.mktemp("crashed") / "data"
    directory = filled(path.with_name("living"))
    shutil.copytree(directory.path, path)
    yield path
    directory.close()


def flipped(path: Path, file: Path, offset: int, change: int) -> Path:
    """`path` as it is, but for one byte of `file`."""
    copy = path.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy)
    changed = copy / file.relative_to(path)
    raw = bytearray(changed.read_bytes())
    raw[offset] ^= change
    changed.write_bytes(raw)
    return changed


def flips(path: Path, pattern: str) -> Iterator[tuple[Path, int, int]]:
    [file] = path.rglob(pattern)
    size, draw = file.stat().st_size, random.Random(1)
    offsets = range(size) if size <= TRIES else sorted(draw.sample(range(size), TRIES))
    return ((file, offset, draw.randrange(1, 256)) for offset in offsets)


@pytest.mark.parametrize("pattern", FILES)
def test_any_flip_after_a_clean_close_is_named(closed: Path, pattern: str) -> None:
    for file, offset, change in flips(closed, pattern):
        changed = flipped(closed, file, offset, change)
        with pytest.raises(DamageError) as damage:
            content(closed.with_name("copy"))
        assert damage.value.path == changed, f"{file.name} at {offset}"


def test_these_are_all_the_files_there_are(closed: Path) -> None:
    files = [file for file in closed.rglob("*") if file.is_file() and file.name != "lock"]
    assert sorted(files) == sorted(file for pattern in FILES for file in closed.rglob(pattern))


@pytest.mark.parametrize("pattern", [*FILES, "tamis.db-wal", "catalog.db-wal"])
def test_any_flip_after_a_crash_is_named_or_changes_nothing(crashed: Path, pattern: str) -> None:
    expected = content(shutil.copytree(crashed, crashed.with_name("intact"), dirs_exist_ok=True))
    named = 0
    for file, offset, change in flips(crashed, pattern):
        changed = flipped(crashed, file, offset, change)
        found = outcome(crashed.with_name("copy"))
        assert found in (changed, expected), f"{file.name} at {offset}"
        named += found == changed
    assert named


def unsealed(path: Path) -> Path:
    """As a crash between emptying the log and taking the checksum would leave the directory."""
    witness = witnessing.Witness(path / "workspaces/default/tamis.witness")
    testimony = witness.read()
    witness.write(witnessing.Testimony(testimony.commit, 0, 0, sealed=False))
    witness.close()
    return path


def test_any_flip_after_a_crash_while_sealing_is_named_or_changes_nothing(closed: Path) -> None:
    path = unsealed(shutil.copytree(closed, closed.parent / "sealing/data"))
    expected = content(shutil.copytree(path, path.with_name("intact")))
    for file, offset, change in flips(path, "tamis.db"):
        changed = flipped(path, file, offset, change)
        assert outcome(path.with_name("copy")) in (changed, expected), f"{file.name} at {offset}"


@pytest.mark.parametrize("pattern", [pattern for pattern in FILES if pattern != "format.json"])
def test_a_shortened_or_missing_file_is_named(closed: Path, pattern: str) -> None:
    for spoil in (lambda file: file.write_bytes(file.read_bytes()[:-1]), Path.unlink):
        copy = closed.with_name("short")
        shutil.copytree(closed, copy)
        [file] = copy.rglob(pattern)
        spoil(file)
        with pytest.raises(DamageError) as damage:
            content(copy)
        assert damage.value.path == file
        shutil.rmtree(copy)


def test_a_lost_log_is_named(crashed: Path) -> None:
    copy = Path(shutil.copytree(crashed, crashed.with_name("lost")))
    log = copy / "workspaces/default/tamis.db-wal"
    log.unlink()
    with pytest.raises(DamageError, match="were acknowledged and cannot be read") as damage:
        content(copy)
    assert damage.value.path == log


def meddled(path: Path, *statements: str) -> None:
    """Change rows behind the back of the store, with the file's checksum made to hold."""
    with apsw.Connection(str(path / "workspaces/default/tamis.db")) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    unsealed(path)


ROWS = [
    ("UPDATE journal SET record = x'00' WHERE seq = 60", "journal record 60 does not have its checksum"),
    ("UPDATE checkpoint SET state = x'00'", "the checkpoint of record 50 does not have its checksum"),
    ("UPDATE checkpoint SET manifest = '[]'", "the checkpoint of record 50 does not have its"),
    ("DELETE FROM journal WHERE seq = 60", "does not hold every record from 51 to 250"),
    ("DELETE FROM journal WHERE seq = 51", "does not hold every record from 51 to 250"),
    ("INSERT INTO documents VALUES ('jobs', '1', 5, x'00')", "document jobs/1 does not have its checksum"),
    ("CREATE TABLE other (x)", "the tables are not those that were made"),
]


@pytest.mark.parametrize(("statement", "what"), ROWS)
def test_rows_have_checksums_of_their_own(closed: Path, tmp_path: Path, statement: str, what: str) -> None:
    copy = Path(shutil.copytree(closed, tmp_path / "data"))
    meddled(copy, statement)
    for _ in range(2):
        with pytest.raises(DamageError, match=what):
            content(copy)
