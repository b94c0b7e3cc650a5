"""Every query, asked of Tamis and of its peers with constants of its own each time, none over a network.

Answers come first: all must count the same over several constants before any is timed. Then each is asked for a while,
Tamis and the peers one after the other for each query, so that a machine that changes its speed changes all of theirs.
Each peer is in a process of its own, which takes its times. Of Tamis, what reading, checking and planning take is told
apart from what the planned query takes, and what first questions take from what all later ones do.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from itertools import islice
from math import ceil
from time import perf_counter
from typing import Protocol

from bench.constants import Data
from bench.course import COMPARED, FIRST, Course, Result, first_asked, timed_asked
from bench.peers import Absent, Failed, TooLong
from bench.peers.apart import Apart, Counted
from bench.peers.tamis import InProcess
from bench.telling import duration, ratio
from bench.timing import LEAST, MOST, TELLING, Times, repeated, timed
from bench.workload import Ask, Dialect, Query

SLOW = 0.2
"""Of the most that a count may take."""
PHASES = ("prepare", "execute")
"""Reading, checking and planning; counting what the plan selects."""
SPARE = 3
"""How many times as many constants are drawn as a peer would get to at the speed it was compared with."""


class Contender(Protocol):
    """A peer whose times are taken where it is."""

    def knows(self, query: Query) -> bool: ...

    def count(self, ask: Ask) -> Counted: ...

    def times(self, asks: Sequence[Ask], seconds: float) -> list[float]: ...


class Disagreement(Exception):
    """Tamis and a peer count differently: no time counts then."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    with ExitStack() as closing:
        tamis = InProcess.open(course.files, course.folder)
        closing.callback(tamis.close)
        tamis.limit(course.most_seconds)
        result: Result = {"versions": {"tamis": tamis.version}, "loading_seconds": {}, "absent": {}, "queries": []}
        peers: dict[str, Contender] = {}
        for name in course.peers:
            yield opened(name, course, peers, result, closing), result
        gc.collect()
        gc.freeze()
        closing.callback(gc.unfreeze)
        data = Data(course.files)
        first = [first_seconds(query, tamis, data, course) for query in course.queries]
        tamis.settle()
        for query, seconds in zip(course.queries, first, strict=True):
            result["queries"].append({"first_ms": seconds * 1000} | run(query, tamis, peers, data, course))
            yield line(result["queries"][-1]), result


def opened(name: str, course: Course, peers: dict[str, Contender], result: Result, closing: ExitStack) -> str:
    """Puts a peer among `peers` if it is here, which `closing` will close; says what came of it."""
    try:
        seconds, peer = timed(partial(Apart, name, course.files, course.folder, course.most_seconds))
    except Absent as reason:
        result["absent"][name] = str(reason)
        return f"{name} is absent: {reason}"
    closing.callback(peer.close)
    peers[name] = peer
    version, loading = peer.ready.version, peer.ready.loading_seconds
    result["versions"][name], result["loading_seconds"][name] = version, loading
    return f"{name} {version} is ready after {seconds:.1f} s; loading took {loading:.1f} s"


def first_seconds(query: Query, tamis: InProcess, data: Data, course: Course) -> float:
    """The slowest of the first asks, of which some make what all others find; 0 when there is no answer."""
    try:
        asks = first_asked(query, data)
        return max(repeated(lambda ask: timed(partial(tamis.count, ask))[0], asks, 0, course.most_seconds, FIRST))
    except Failed:  # told when it is compared
        return 0.0


def run(query: Query, tamis: InProcess, peers: Mapping[str, Contender], data: Data, course: Course) -> Result:
    """One query: its answers compared, then its times. `untimed` says why a contender has none; none has any after
    a disagreement."""
    first = list(islice(query.asks(data), COMPARED))
    result: Result = {"family": query.family, "name": query.name, "expression": first[0].expression}
    result |= {"counts": [], "times": {}, "phases": {}, "ratios": {}, "untimed": {}}
    try:
        result["counts"] = [tamis.count(ask) for ask in first]
        able = agreeing(query, first, result, peers, course)
    except (Disagreement, Failed) as reason:
        return result | {"untimed": {"tamis": str(reason)}}
    ours = repeated(partial(phases, tamis), timed_asked(query, data), course.seconds, course.most_seconds, TELLING)
    result["phases"] = {
        name: asdict(Times.of(each)) for name, each in zip(PHASES, zip(*ours, strict=True), strict=True)
    }
    result["times"]["tamis"] = asdict(Times.of([sum(each) for each in ours]))
    for name, compared in able.items():
        try:
            taken = compared if is_slow(compared, course) else timed_alone(peers[name], query, data, course, compared)
            result["times"][name] = asdict(Times.of(taken))
            result["ratios"][name] = result["times"][name]["p50"] / result["times"]["tamis"]["p50"]
        except Failed as reason:
            result["untimed"][name] = why(reason, course.most_seconds)
    return result


def agreeing(
    query: Query, asks: Sequence[Ask], result: Result, peers: Mapping[str, Contender], course: Course
) -> dict[str, list[float]]:
    """The peers that count the same, each with the seconds that took; `result` is told why others have no time.
    Raises Disagreement."""
    able = {}
    for name, peer in peers.items():
        if peer.knows(query):
            try:
                able[name] = compare(name, peer, asks, result["counts"], course)
            except Failed as reason:
                result["untimed"][name] = why(reason, course.most_seconds)
    return able


def compare(name: str, peer: Contender, asks: Sequence[Ask], counts: Sequence[int], course: Course) -> list[float]:
    """Over all constants, or as many as a slow one gets to; the seconds of each. Raises Disagreement with what was
    asked and what each answered, and Failed."""
    taken: list[float] = []
    for ask, ours in zip(asks, counts, strict=True):
        if is_slow(taken, course):
            break
        theirs = peer.count(ask)
        if theirs.count != ours:
            raise Disagreement(
                f"tamis counts {ours:,}, {name} counts {theirs.count:,}\n"
                f"  {ask.expression}\n  {ask.sql(Dialect.DUCKDB)}"
            )
        taken.append(theirs.seconds)
    return taken


def is_slow(taken: Sequence[float], course: Course) -> bool:
    """Whether comparing took so long that a peer is not asked again: these are its times then."""
    return len(taken) >= LEAST and sum(taken) > course.most_seconds * SLOW


def timed_alone(peer: Contender, query: Query, data: Data, course: Course, compared: Sequence[float]) -> list[float]:
    """Constants are drawn beforehand, as many as it can get to by what it took when `compared`."""
    enough = min(MOST, max(LEAST, ceil(SPARE * course.seconds / min(compared))))
    return peer.times(list(islice(timed_asked(query, data), enough)), course.seconds)


def phases(tamis: InProcess, ask: Ask) -> tuple[float, float]:
    """Seconds of each of `PHASES`."""
    started = perf_counter()
    query = tamis.prepare(ask)
    prepared = perf_counter()
    tamis.answer(query)
    return prepared - started, perf_counter() - prepared


def why(reason: Exception, most_seconds: float) -> str:
    return f"> {most_seconds:g} s" if isinstance(reason, TooLong) else str(reason)


def line(measured: Result) -> str:
    """A query and its medians, each peer's with its ratio to that of Tamis."""
    which, times = f"{measured['family']}, {measured['name']}", measured["times"]
    if "tamis" not in times:
        return f"{which}: {measured['untimed']['tamis']}"
    parts = [f"{which:<48} tamis {duration(times['tamis']['p50'])}"]
    parts += [f"of which the plan {duration(measured['phases']['execute']['p50'])}"]
    parts += [f"{name} {duration(times[name]['p50'])} ({ratio(each)})" for name, each in measured["ratios"].items()]
    parts += [f"{name} {reason}" for name, reason in measured["untimed"].items()]
    return "  ".join(parts)
