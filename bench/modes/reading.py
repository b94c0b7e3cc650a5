"""Reading, checking and planning: texts never seen, texts seen before, the largest legal ones, and hostile ones."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice

from bench import language
from bench.constants import Data
from bench.course import Course, Result
from bench.generate import NOW_MS
from bench.mixes import in_turn
from bench.peers.tamis import ready_directory
from bench.telling import duration
from bench.timing import Times, times_of
from engine.directory import Tamis
from engine.workspace import Workspace

ROUNDS = 20
"""Times that each query is asked."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """`never_seen` and `new_shape` without caches; `seen_before` and `repeated_count` with them."""
    data, directory, result = Data(course.files), ready_directory(course.files, course.folder), Result()
    asks = in_turn([query.asks(data) for query in course.queries])
    texts = [f"{ask.expression} # {number}" for number, ask in enumerate(islice(asks, len(course.queries) * ROUNDS))]
    tamis = Tamis.open(directory, cache_bytes=0)
    result["never_seen"] = asdict(planning(tamis.workspace("default"), texts))
    yield line("a text never seen, until it is planned", result["never_seen"]), result
    shaped = [indented(text, number) for number, text in enumerate(texts)]
    result["new_shape"] = asdict(planning(tamis.workspace("default"), shaped))
    tamis.close()
    yield line("the same, of a shape that never came either", result["new_shape"]), result
    tamis = Tamis.open(directory)
    workspace = tamis.workspace("default")
    planning(workspace, texts[-500:])
    result["seen_before"] = asdict(times_of(partial(workspace.query, text, at=NOW_MS) for text in texts[-500:]))
    yield line("the same, seen before", result["seen_before"]), result
    result["repeated_count"] = asdict(times_of([partial(count, workspace, texts[-1])] * 1000))
    yield line("a count seen before, in process", result["repeated_count"]), result
    tamis.close()
    result["language"] = language.measure()
    for name in ("typical", "largest", "hostile"):
        yield line(f"reading alone, {name} texts", result["language"][name]), result


def indented(text: str, number: int) -> str:
    """The text after spaces and tabs that no other number has: what parsing remembers of other texts is no help."""
    return f"{number:b}".replace("0", " ").replace("1", "\t") + text


def planning(workspace: Workspace, texts: list[str]) -> Times:
    """After a first round, in which columns are read from disk."""
    few = len(texts) // ROUNDS
    for text in texts[:few]:
        workspace.query(text, at=NOW_MS)
    gc.collect()
    gc.freeze()
    return times_of(partial(workspace.query, text, at=NOW_MS) for text in texts[few:])


def count(workspace: Workspace, text: str) -> int:
    return workspace.query(text, at=NOW_MS).count().count


def line(what: str, times: Result) -> str:
    return f"{what}: p50 {duration(times['p50'])}, p99 {duration(times['p99'])}, worst {duration(times['worst'])}"
