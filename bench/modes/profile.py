"""Where the time of the slowest families goes: their slowest query, profiled, and the plan it has."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.constants import Data
from bench.course import Course, Result, first_asked, timed_asked
from bench.modes.inprocess import phases
from bench.peers.tamis import InProcess
from bench.ratios import key
from bench.telling import bounded
from bench.timing import TELLING, repeated
from bench.workload import Query
from engine.explanation import as_text
from engine.native import kernels

Place = tuple[str, int, str]
"""Of a function: file, line, name."""
FAMILIES = 3
LINES = 40
BOUNDS = 5
"""Functions that are named as what bounds a query."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """By the query's name: what bounds it, a profile by own time and by time with what is called, and the plan
    explained. Of the threads that share work, the one that asks is profiled."""
    slowest, result = slowest_queries(so_far, course.queries), Result()
    if not slowest:
        yield "nothing to profile: no query has been timed in process; --modes inprocess,profile times and profiles", {}
        return
    tamis, data = InProcess.open(course.files, course.folder), Data(course.files)
    for query in slowest:
        name = f"{query.family}, {query.name}"
        result[name] = profiled(query, tamis, data, course)
        yield f"{name}: {bounded(result[name])}", result
    tamis.close()


def slowest_queries(so_far: Result, queries: list[Query]) -> list[Query]:
    """The slowest query of each of the slowest families, by the median of what is planned."""
    medians = {
        key(each): float(each["phases"]["execute"]["p50"])
        for each in so_far.get("inprocess", {}).get("queries", ())
        if "tamis" in each["times"]
    }
    timed = [query for query in queries if (query.family, query.name) in medians]
    timed.sort(key=lambda query: medians[query.family, query.name], reverse=True)
    slowest: dict[str, Query] = {}
    for query in timed:
        slowest.setdefault(query.family, query)
    return list(slowest.values())[:FAMILIES]


def profiled(query: Query, tamis: InProcess, data: Data, course: Course) -> Result:
    for ask in first_asked(query, data):
        tamis.count(ask)
    tamis.settle()
    asks = timed_asked(query, data)
    profile = cProfile.Profile()
    taken = repeated(
        lambda ask: profile.runcall(phases, tamis, ask), asks, course.seconds, course.most_seconds, TELLING
    )
    ask = next(asks)
    return {
        "asked": len(taken),
        "expression": ask.expression,
        "plan": as_text(tamis.prepare(ask).explain()),
        "kernels": in_kernels(times_of(profile)),
        "bounds": bounds(times_of(profile)),
        "own": told(profile, "tottime"),
        "with_called": told(profile, "cumulative"),
    }


def times_of(profile: cProfile.Profile) -> dict[Place, float]:
    """Seconds that each function took itself."""
    stats: dict[Place, tuple[Any, ...]] = vars(pstats.Stats(profile))["stats"]
    return {place: seconds for place, (_, _, seconds, *_) in stats.items()}


def in_kernels(seconds: dict[Place, float]) -> float:
    """The share of native kernels, which stand in a profile under their own names."""
    native = {(each.function.__code__.co_filename, each.__name__) for each in kernels}
    spent = sum(each for (path, _, function), each in seconds.items() if (path, function) in native)
    return spent / sum(seconds.values())


def bounds(seconds: dict[Place, float]) -> list[Result]:
    """The functions that took most, and their shares."""
    whole = sum(seconds.values())
    most = sorted(seconds, key=lambda place: -seconds[place])[:BOUNDS]
    return [{"function": named(*place), "share": seconds[place] / whole} for place in most]


def named(path: str, line: int, function: str) -> str:
    """`events/pairs.py:122 _find_pair`; what is built in has no file."""
    return f"{'/'.join(Path(path).parts[-2:])}:{line} {function}" if line else function


def told(profile: cProfile.Profile, order: str) -> str:
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats(order).print_stats(LINES)
    return out.getvalue()
