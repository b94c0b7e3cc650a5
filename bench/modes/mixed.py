"""Counts while events are added: 500 counts a second beside 20,000 durable events a second, both in open loops, so that
neither waits for the other; then the counts alone at the same rate, to compare."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult

from bench.constants import Data
from bench.course import Course, Result
from bench.load import Load, open_loop
from bench.mixes import event_batches, everyday
from bench.modes.openloop import warm_up
from bench.serving import serving
from bench.telling import duration, rate
from bench.writable import copied

COUNTS, BATCHES, BATCH = 500, 21, 1_000
"""Counts a second; batches of events a second, a little more than is asked; events a batch."""
COUNTING, ADDING = 16, 4
"""Connections."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """Events come from a process of their own, whose work does not count as waiting for a count."""
    data, result = Data(course.files), Result()
    contacts, seconds = course.size.contacts, course.load_seconds
    with copied(course) as directory, serving(directory) as server, get_context("spawn").Pool(1) as pool:
        requests = everyday(course, data)
        warm_up(server, requests)
        due = list(islice(requests, round(COUNTS * seconds)))
        gc.freeze()
        result["alone"] = open_loop(server.port, due, COUNTS, COUNTING).told()
        yield f"counts alone: {told(result['alone'])}", result
        due = list(islice(requests, round(COUNTS * seconds)))
        pool.apply(prepare, (contacts,))
        adding: AsyncResult[Load] = pool.apply_async(add, (server.port, seconds, contacts))
        result["counts"] = open_loop(server.port, due, COUNTS, COUNTING).told()
        added = adding.get()
    result["events"] = added.told() | {"done_a_second": added.done * BATCH / added.elapsed, "batch": BATCH}
    yield f"counts while events are added: {told(result['counts'])}", result
    yield f"events: {rate(result['events']['done_a_second'])}, batches of {BATCH:,}: {told(result['events'])}", result


def add(port: int, seconds: float, contacts: int) -> Load:
    again_and_again = cycle(bodies(contacts))
    return open_loop(port, list(islice(again_and_again, round(BATCHES * seconds))), BATCHES, ADDING)


@cache
def bodies(contacts: int) -> list[bytes]:
    return event_batches(BATCH, contacts)


def prepare(contacts: int) -> None:
    """Makes what will be added before the clock runs."""
    bodies(contacts)


def told(found: Result) -> str:
    times = found["times"]
    return f"{found['rate']:,.0f}/s, p50 {duration(times['p50'])}, p99 {duration(times['p99'])}"
