"""Durable events over HTTP: every connection adds again once it is answered, in batches and one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from bench.course import Course, Result
from bench.load import closed_loop
from bench.mixes import event_batches
from bench.serving import serving
from bench.telling import duration, rate
from bench.writable import copied

WAYS = {"batches": (1_000, 4), "singles": (1, 4), "singles_16": (1, 16)}
"""Events a request, connections."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    result: Result = {}
    with copied(course) as directory, serving(directory) as server:
        for name, (batch, connections) in WAYS.items():
            bodies = cycle(event_batches(batch, course.size.contacts))
            load = closed_loop(server.port, bodies, connections, course.load_seconds)
            a_second = load.done * batch / load.elapsed
            result[name] = load.told() | {"batch": batch, "connections": connections, "events_a_second": a_second}
            p50, p99 = (duration(result[name]["times"][share]) for share in ("p50", "p99"))
            yield f"{batch:,} a request, {connections} connections: {rate(a_second)}; p50 {p50}, p99 {p99}", result
