"""Counts at fixed rates from several connections, each timed from when it was due; two mixes of questions."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import islice

from bench.constants import Data
from bench.course import Course, Result
from bench.load import open_loop
from bench.mixes import every, everyday
from bench.peers.tamis import ready_directory
from bench.serving import Server, serving
from bench.telling import duration

Mix = Callable[[Course, Data], Iterator[bytes]]

MIXES: dict[str, Mix] = {"everyday": everyday, "every": every}
RATES = (25, 50, 100, 200, 400, 600, 800, 1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000)
"""Counts a second, until one cannot be kept up."""
CONNECTIONS = 16
KEPT_UP = 0.98
"""What share of the intended rate must be done."""
PATIENCE_MS = 1_000.0
"""What the 99th percentile may be where a rate counts as kept up."""
WARM_UP = 300


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """By mix: every rate, and `most`, the highest that was kept up."""
    data, directory = Data(course.files), ready_directory(course.files, course.folder)
    result: Result = {"connections": CONNECTIONS, "seconds": course.load_seconds}
    gc.freeze()
    for name, mix in MIXES.items():
        with serving(directory) as server:
            requests = mix(course, data)
            warm_up(server, requests)
            result[name] = {"rates": [], "most": 0.0}
            for rate in RATES:
                found = at_rate(server, requests, rate, course.load_seconds)
                result[name]["rates"].append(found)
                if found["kept_up"]:
                    result[name]["most"] = rate
                yield line(name, found), result
                if not found["kept_up"]:
                    break


def warm_up(server: Server, requests: Iterator[bytes]) -> None:
    connection = server.connect()
    for request in islice(requests, WARM_UP):
        connection.ask(request)
    connection.close()


def at_rate(server: Server, requests: Iterator[bytes], rate: float, seconds: float) -> Result:
    due = list(islice(requests, max(round(rate * seconds), 1)))
    found = open_loop(server.port, due, rate, CONNECTIONS).told()
    slow = found["times"]["p99"] > PATIENCE_MS or found["rate"] < rate * KEPT_UP
    return {"intended": rate, "kept_up": not slow and not found["unanswered"], **found}


def line(mix: str, found: Result) -> str:
    times = found["times"]
    told = ", ".join(f"{name} {duration(times[name])}" for name in ("p50", "p90", "p99", "p999"))
    return f"{mix}, {found['intended']:,}/s: {found['rate']:,.0f}/s done, {told}" + (
        "" if found["kept_up"] else "; that is not kept up"
    )
