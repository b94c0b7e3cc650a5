"""Counts a second with one worker and with two, from several connections that ask again once they are answered.

Client and servers share the cores of the machine: so questions are made beforehand, and the processor time that each
takes for a count is told, too; what two workers would do on cores of their own, `measures` makes of that.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import chain, islice

from bench.constants import Data
from bench.course import Course, Result
from bench.load import closed_loop
from bench.machine import processes_of, processor_seconds
from bench.measures import processor_time, scaling, times
from bench.mixes import everyday
from bench.peers.tamis import ready_directory
from bench.serving import serving

WORKERS = (1, 2)
CONNECTIONS = (1, 2, 4, 8, 16)
"""The number with the highest rate is told."""
MADE = 5_000
"""Questions made beforehand, for each second of load; where more are asked, the others are made then."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    data, directory, result = Data(course.files), ready_directory(course.files, course.folder), Result()
    gc.freeze()
    for workers in WORKERS:
        with serving(directory, "--workers", str(workers)) as server:
            requests = everyday(course, data)
            closed_loop(server.port, requests, max(CONNECTIONS), course.load_seconds / 4)  # every worker warms up
            tried = [
                at(server.port, server.pid, requests, connections, course.load_seconds / 2)
                for connections in CONNECTIONS
            ]
        result[str(workers)] = max(tried, key=lambda each: float(each["rate"])) | {"tried": tried}
        yield line(workers, result[str(workers)]), result
    for what, told in scaling(result):
        yield f"{what}: {told}", result


def at(port: int, pid: int, requests: Iterator[bytes], connections: int, seconds: float) -> Result:
    made = list(islice(requests, round(MADE * seconds)))
    before = sum(map(processor_seconds, processes_of(pid)))
    load = closed_loop(port, chain(made, requests), connections, seconds)
    spent = sum(map(processor_seconds, processes_of(pid))) - before
    return load.told() | {"connections": connections, "server_ms_each": spent * 1000 / load.done}


def line(workers: int, found: Result) -> str:
    return (
        f"{workers} worker(s): {found['rate']:,.0f} counts/s from {found['connections']} connections, "
        f"{times(found['times'])}; processor time of each: {processor_time(found)}"
    )
