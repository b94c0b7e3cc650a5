import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from storage import FORMAT, BadName, DamageError, DataDirectory, Locked, NewerFormat, NoDataDirectory

HOLDER = """
import sys, time
from pathlib import Path
from storage import DataDirectory
directory = DataDirectory.open(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""


def test_workspaces_are_isolated(directory: DataDirectory) -> None:
    one, two = directory.create("one"), directory.create("two")
    one.append([b"a"])
    one.documents.put("jobs", "1", b"x")
    one.blocks.write("part", {})
    assert directory.workspaces() == ["one", "two"]
    assert two.last_seq == 0
    assert two.documents.items("jobs") == []
    assert two.blocks.names() == []


def test_creating_a_workspace_again_gives_the_one_there_is(directory: DataDirectory) -> None:
    store = directory.create("one")
    assert directory.create("one") is store
    assert directory.store("one") is store
    with pytest.raises(KeyError):
        directory.store("other")


@pytest.mark.parametrize("name", ["", "A", "-a", "_a", ".a", "a/b", "..", "a" * 64, "é", "a\n"])
def test_names_that_are_none_are_refused(directory: DataDirectory, name: str) -> None:
    with pytest.raises(BadName):
        directory.create(name)
    with pytest.raises(KeyError):
        directory.store(name)


def test_the_catalog_and_the_workspaces_are_there_after_reopening(directory: DataDirectory) -> None:
    directory.create("default")
    directory.catalog.put("keys", "k", b"secret")
    directory.close()
    again = DataDirectory.open(directory.path, create=False)
    assert again.catalog.get("keys", "k") == b"secret"
    assert again.catalog.get("keys", "other") is None
    assert again.workspaces() == ["default"]
    again.catalog.delete("keys", "k")
    assert again.catalog.items("keys") == []


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(NoDataDirectory, match=r"letter\.txt"):
        DataDirectory.open(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_nothing_is_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(NoDataDirectory, match="no data directory"):
        DataDirectory.open(tmp_path / "data", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_second_opening_is_refused_and_names_the_holder(directory: DataDirectory) -> None:
    with pytest.raises(Locked, match=f"process {os.getpid()}"):
        DataDirectory.open(directory.path)
    directory.close()
    DataDirectory.open(directory.path).close()


def test_the_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Locked) as refused:
            DataDirectory.open(tmp_path)
        assert refused.value.pid == holder.pid
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    DataDirectory.open(tmp_path).close()


def test_a_newer_format_is_refused_in_so_many_words(directory: DataDirectory) -> None:
    directory.close()
    content = f'{{"format": {FORMAT + 1}, "layout": "other"}}'
    (directory.path / "format.json").write_text(f'{content[:-1]}, "checksum": {zlib.crc32(content.encode())}}}\n')
    with pytest.raises(NewerFormat, match=f"data format {FORMAT + 1}; this version of Tamis reads formats up to"):
        DataDirectory.open(directory.path)


def test_a_directory_of_an_older_format_is_opened_and_becomes_one_of_this_format(directory: DataDirectory) -> None:
    file = directory.path / "format.json"
    directory.create("default")
    directory.close()
    ours, older = file.read_text(), '{"format": 1}'
    file.write_text(f'{older[:-1]}, "checksum": {zlib.crc32(older.encode())}}}\n')
    again = DataDirectory.open(directory.path)
    assert again.workspaces() == ["default"]
    again.close()
    assert file.read_text() == ours


@pytest.mark.parametrize("name", ["format.json", "catalog.db", "catalog.witness"])
def test_a_missing_file_is_named(directory: DataDirectory, name: str) -> None:
    directory.create("default")
    directory.close()
    (directory.path / name).unlink()
    with pytest.raises(DamageError, match="the file is missing") as damage:
        DataDirectory.open(directory.path)
    assert damage.value.path == directory.path / name
