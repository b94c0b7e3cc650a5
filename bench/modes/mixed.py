"""Counts while events are added: 500 counts a second beside 20,000 durable events a second, both in open loops, so that
neither waits for the other; before, the counts alone at the same rate, to compare. With one worker, and with two."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult

from bench.constants import Data
from bench.course import Course, Result
from bench.load import Load, closed_loop, open_loop
from bench.mixes import event_batches, everyday
from bench.serving import Server, serving
from bench.telling import duration, rate
from bench.writable import copied

COUNTS, BATCHES, BATCH = 500, 21, 1_000
"""Counts a second; batches of events a second, a little more than is asked; events a batch."""
COUNTING, ADDING = 16, 4
"""Connections."""
WORKERS = (1, 2)


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """By the number of workers: counts `alone`, then `counts` and `events` at once."""
    data, result = Data(course.files), Result()
    gc.freeze()
    for workers in WORKERS:
        with copied(course) as directory, serving(directory, "--workers", str(workers)) as server:
            result[str(workers)] = at_once(server, everyday(course, data), course)
        yield line(workers, result[str(workers)]), result


def at_once(server: Server, requests: Iterator[bytes], course: Course) -> Result:
    """Events come from a process of their own, whose work does not count as waiting for a count."""
    contacts, seconds, counts = course.size.contacts, course.load_seconds, round(COUNTS * course.load_seconds)
    with get_context("spawn").Pool(1) as pool:
        closed_loop(server.port, requests, COUNTING, seconds / 4)  # every worker warms up
        alone = open_loop(server.port, list(islice(requests, counts)), COUNTS, COUNTING)
        due = list(islice(requests, counts))
        pool.apply(prepare, (contacts,))
        adding: AsyncResult[Load] = pool.apply_async(add, (server.port, seconds, contacts))
        counted = open_loop(server.port, due, COUNTS, COUNTING)
        added = adding.get()
    events = added.told() | {"done_a_second": added.done * BATCH / added.elapsed, "batch": BATCH}
    return {"alone": alone.told(), "counts": counted.told(), "events": events}


def add(port: int, seconds: float, contacts: int) -> Load:
    again_and_again = cycle(bodies(contacts))
    return open_loop(port, list(islice(again_and_again, round(BATCHES * seconds))), BATCHES, ADDING)


@cache
def bodies(contacts: int) -> list[bytes]:
    return event_batches(BATCH, contacts)


def prepare(contacts: int) -> None:
    """Makes what will be added before the clock runs."""
    bodies(contacts)


def line(workers: int, found: Result) -> str:
    return (
        f"{workers} worker(s): counts alone {told(found['alone'])}; while events are added {told(found['counts'])}; "
        f"events {rate(found['events']['done_a_second'])}, batches of {BATCH:,}: {told(found['events'])}"
    )


def told(found: Result) -> str:
    times = found["times"]
    return f"{found['rate']:,.0f}/s, p50 {duration(times['p50'])}, p99 {duration(times['p99'])}"
