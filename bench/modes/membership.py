"""In which of 500 segments a contact is: in process, without caches and with them, and over HTTP."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TypeVar

from numpy.random import default_rng

from bench.connection import W, get
from bench.constants import Data
from bench.course import Course, Result
from bench.mixes import in_turn
from bench.modes.reading import line
from bench.serving import serving
from bench.timing import TELLING, Times, repeated, timed
from bench.writable import copied
from engine.caches import DEFAULT_BYTES
from engine.directory import Tamis

A = TypeVar("A")

SEGMENTS = 500
CONTACTS = 200
OTHERS = frozenset(("cuts",))
"""Families left out: whether a contact is among the first depends on all others."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """`plain` remembers nothing, `remembering` plans."""
    with copied(course) as directory:
        made = make(directory, course)
        result: Result = {"segments": made}
        contacts = some_contacts(course)
        for name, cache_bytes in (("plain", 0), ("remembering", DEFAULT_BYTES)):
            tamis = Tamis.open(directory, cache_bytes=cache_bytes)
            result[name] = asdict(times(tamis.workspace("default").memberships, contacts, course))
            tamis.close()
            yield line(f"a contact in {made} segments, {name}", result[name]), result
        with serving(directory) as server:
            requests = [get(f"{W}/contacts/{contact}/segments") for contact in contacts]
            result["http"] = asdict(times(server.connect().ask, requests, course))
        yield line("the same over HTTP, plain", result["http"]), result


def make(directory: Path, course: Course) -> int:
    """How many segments the directory has then, each of a query with constants of its own."""
    data = Data(course.files)
    asks = in_turn([query.asks(data) for query in course.queries if query.family not in OTHERS])
    tamis = Tamis.open(directory)
    workspace = tamis.workspace("default")
    for number, ask in enumerate(asks):
        if len(list(workspace.snapshot.segments)) >= SEGMENTS:
            break
        workspace.put_segment(f"s{number}", {"name": f"Segment {number}", "expression": ask.expression}).result()
    tamis.close()
    return SEGMENTS


def some_contacts(course: Course) -> list[str]:
    rows = default_rng(1).integers(0, course.size.contacts, CONTACTS)
    return [f"c{row:08d}" for row in rows]


def times(ask: Callable[[A], object], arguments: Sequence[A], course: Course) -> Times:
    """After a first one, in which columns are read from disk."""
    ask(arguments[0])
    gc.collect()
    gc.freeze()

    def seconds(each: A) -> float:
        return timed(partial(ask, each))[0]

    return Times.of(repeated(seconds, cycle(arguments), course.seconds, course.most_seconds, TELLING))
