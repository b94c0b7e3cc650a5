"""The wheel holds the rooms and nothing else, and works where the sources are not."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("dsl", "engine", "formats", "server", "storage")
LEFT_BEHIND = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")


def run(*command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=LEFT_BEHIND)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps")
    run(*pip, "-w", str(folder), str(folder / "source"))
    [built] = folder.glob("tamis-*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """A function that runs `tamis` from the installed wheel, in a folder without sources."""
    target = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel))
    work = tmp_path_factory.mktemp("work")
    environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}

    def tamis(*arguments):
        return run(str(target / "bin" / "tamis"), *arguments, cwd=work, env=environment)

    tamis.folder = work
    tamis.origin = run(sys.executable, "-c", "import server; print(server.__file__)", cwd=work, env=environment)
    tamis.target = target
    return tamis


def test_the_wheel_holds_the_rooms_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_no_source_or_data_file_of_a_room_is_missing(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    expected = {path.as_posix() for path in sources if "__pycache__" not in path.parts}
    assert expected <= names
    assert "dsl/grammar.lark" in names


def test_the_installed_command_imports_a_file_and_counts_its_contacts(elsewhere):
    assert elsewhere.origin.startswith(str(elsewhere.target))
    assert "tamis" in elsewhere("--version")
    (elsewhere.folder / "people.csv").write_text("id,country,points\nann,FR,31\nbob,BE,12\n", "utf-8")
    elsewhere("import", "people.csv", "--kind", "contacts", "--data", "data", "--yes")
    assert '"count": 1' in elsewhere("count", 'country = "FR" and points > 30', "--data", "data", "--json")
