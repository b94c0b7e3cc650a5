"""constraints.txt: pins and nothing else, one for everything that an installation brings."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_there_are_pins_and_nothing_else():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in LINES)


def needed(requirement, extra=""):
    """The names that a requirement brings along here, its own first."""
    found = Requirement(requirement)
    if found.marker is not None and not found.marker.evaluate({"extra": extra}):
        return
    yield canonicalize_name(found.name), tuple(found.extras)


def test_everything_an_installation_brings_is_pinned():
    pinned = {canonicalize_name(line.partition("==")[0]) for line in LINES}
    extras = [text for group in PROJECT["optional-dependencies"].values() for text in group]
    waiting = [item for text in [*PROJECT["dependencies"], *extras] for item in needed(text)]
    seen = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            brought = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [item for text in brought for extra in (*wanted, "") for item in needed(text, extra)]
    assert {name for name, _ in seen} - pinned == set()
