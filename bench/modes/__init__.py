"""The ways of measuring, one a file, each in a process of its own: what one breaks or fills, no other meets.

Each has `measure`: from what is to be measured and what other modes have found, it yields lines for people, each with
all that is found so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from bench.course import Course, Result

Measure = Callable[[Course, Result], Iterator[tuple[str, Result]]]

MODES: Mapping[str, str] = {
    "import": "importing",
    "startup": "startup",
    "inprocess": "inprocess",
    "profile": "profile",
    "http": "http",
    "reading": "reading",
    "membership": "membership",
    "memory": "memory",
    "openloop": "openloop",
    "workers": "workers",
    "mixed": "mixed",
    "ingest": "ingest",
    "completion": "completion",
    "costs": "costs",
}
"""The module of each, in the order in which they run."""


def measure_of(mode: str) -> Measure:
    """Imported when it is asked for, as what a mode imports takes memory in its process."""
    measure: Measure = import_module(f"bench.modes.{MODES[mode]}").measure
    return measure
