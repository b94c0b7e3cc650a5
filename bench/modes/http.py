"""Every query over HTTP: one connection, one question after the other, beside a route that answers a constant.

The constant is asked before each query, so that a machine that changes its speed changes both; and so is `ALIVE`, as
our server looks for the next request for a moment after an answer, which the constant's does not: it has to be woken.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from itertools import islice, repeat

from bench.connection import Connection, Refused, count_of, count_request, count_requests, get
from bench.constants import Data
from bench.course import COMPARED, FIRST, Course, Result, first_asked, timed_asked
from bench.peers.tamis import ready_directory
from bench.serving import constant, serving
from bench.telling import duration
from bench.timing import TELLING, Times, repeated, timed
from bench.workload import Query

FLOOR_SHARE = 0.25
"""How long the constant is asked, and `ALIVE`, beside each query."""
ALIVE = get("/healthz")
THE_QUESTION = 'country = "FR" and did any event in last 90 days and points > 30'
REMEMBERED = str(64 << 20)
"""Bytes of the caches of a server that has them."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """`above` is the median beyond that of the constant, and beyond that and the same in process."""
    data, directory = Data(course.files), ready_directory(course.files, course.folder)
    result: Result = {"queries": []}
    gc.freeze()
    with constant() as floor, serving(directory) as server:
        ours, theirs = server.connect(), floor.connect()
        for query in course.queries:
            settle(query, data, ours, course)
        for query in course.queries:
            result["queries"].append(run(query, data, ours, theirs, course))
            yield line(result["queries"][-1]), result
        result["floor"] = times_of(theirs, repeat(count_request(THE_QUESTION)), course)
        result["alive"] = times_of(ours, repeat(ALIVE), course)
    with constant() as floor, serving(directory, "--cache-bytes", REMEMBERED) as server:
        again, theirs = server.connect(), floor.connect()
        again.ask(count_request(THE_QUESTION))
        result["again"] = times_of(again, repeat(count_request(THE_QUESTION)), course)
        result["again_alive"] = times_of(again, repeat(ALIVE), course)
        result["again_floor"] = times_of(theirs, repeat(count_request(THE_QUESTION)), course)
    yield f"a count asked again {told(result['again'])}, the constant {told(result['again_floor'])}", result


def settle(query: Query, data: Data, ours: Connection, course: Course) -> None:
    """Ask what makes what all later questions find."""
    with suppress(Refused):  # told when it is compared
        repeated(ours.ask, count_requests(first_asked(query, data)), 0, course.most_seconds, FIRST)


def run(query: Query, data: Data, ours: Connection, theirs: Connection, course: Course) -> Result:
    """Raises Refused when the constant's server does not answer; what Tamis refuses is told in `untimed`."""
    result: Result = {"family": query.family, "name": query.name}
    result["floor"] = asdict(Times.of(taken(theirs, repeat(count_request(THE_QUESTION)), course, FLOOR_SHARE)))
    result["alive"] = asdict(Times.of(taken(ours, repeat(ALIVE), course, FLOOR_SHARE)))
    try:
        result["counts"] = [count_of(ours.ask(request)) for request in compared(query, data)]
        return result | {"times": times_of(ours, count_requests(timed_asked(query, data)), course)}
    except Refused as reason:
        return result | {"counts": [], "untimed": str(reason)}


def compared(query: Query, data: Data) -> Iterator[bytes]:
    return count_requests(islice(query.asks(data), COMPARED))


def times_of(connection: Connection, requests: Iterator[bytes], course: Course) -> Result:
    return asdict(Times.of(taken(connection, requests, course)))


def taken(connection: Connection, requests: Iterator[bytes], course: Course, share: float = 1.0) -> list[float]:
    def seconds(request: bytes) -> float:
        return timed(partial(connection.ask, request))[0]

    return repeated(seconds, requests, course.seconds * share, course.most_seconds, TELLING)


def line(measured: Result) -> str:
    which = f"{measured['family']}, {measured['name']}"
    if "times" not in measured:
        return f"{which}: {measured['untimed']}"
    return f"{which:<48} tamis over HTTP {told(measured['times'])}, the constant {told(measured['floor'])}"


def told(times: Result) -> str:
    return f"{duration(times['p50'])} (p99 {duration(times['p99'])})"
