"""Where the time of the slowest families goes: their slowest query, profiled, and the plan it has."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Iterator
from itertools import islice

from bench.constants import Data
from bench.course import COMPARED, Course, Result
from bench.modes.inprocess import phases
from bench.peers.tamis import InProcess
from bench.ratios import key
from bench.timing import repeated
from engine.explanation import as_text

FAMILIES = 3
LINES = 40


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """By the query's name: a profile by own time and by time with what is called, and the plan explained."""
    slowest = slowest_queries(so_far)
    chosen = {key({"family": query.family, "name": query.name}): query for query in course.queries}
    tamis, data, result = InProcess.open(course.files, course.folder), Data(course.files), Result()
    for each in slowest:
        asks = chosen[each].asks(data)
        for ask in islice(asks, COMPARED):
            tamis.count(ask)
        profile = cProfile.Profile()
        profile.enable()
        taken = repeated(lambda ask: phases(tamis, ask), asks, course.seconds, course.most_seconds)
        profile.disable()
        ask = next(asks)
        result[", ".join(each)] = {
            "asked": len(taken),
            "expression": ask.expression,
            "plan": as_text(tamis.prepare(ask).explain()),
            "own": told(profile, "tottime"),
            "with_called": told(profile, "cumulative"),
        }
        yield f"{', '.join(each)}: profiled over {len(taken)} counts", result
    tamis.close()


def slowest_queries(so_far: Result) -> list[tuple[str, str]]:
    """The slowest query of each of the slowest families, by the median of what is planned."""
    measured = [each for each in so_far.get("inprocess", {}).get("queries", ()) if "tamis" in each["times"]]
    measured.sort(key=lambda each: float(each["phases"]["execute"]["p50"]), reverse=True)
    slowest = {each["family"]: key(each) for each in reversed(measured)}
    order = dict.fromkeys(each["family"] for each in measured)
    return [slowest[family] for family in order][:FAMILIES]


def told(profile: cProfile.Profile, order: str) -> str:
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats(order).print_stats(LINES)
    return out.getvalue()
