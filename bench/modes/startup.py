"""Opening a data directory in process, and `tamis serve` until it takes requests; files are in the page cache."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict

from bench.course import Course, Result
from bench.peers.tamis import ready_directory
from bench.serving import serving, with_bytecode
from bench.telling import duration
from bench.timing import Times

RUNS = 3
OPENING = """
import sys
from time import perf_counter
from pathlib import Path
from engine.directory import Tamis
started = perf_counter()
tamis = Tamis.open(Path(sys.argv[1]))
print(perf_counter() - started)
tamis.close()
"""
"""Run in processes of their own, which know nothing yet."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    directory, result = ready_directory(course.files, course.folder), Result()
    command = [sys.executable, "-c", OPENING, str(directory)]
    opening = [
        float(subprocess.run(command, stdout=subprocess.PIPE, env=with_bytecode(), check=True).stdout)
        for _ in range(RUNS)
    ]
    result["open"] = asdict(Times.of(opening))
    yield f"opening in process: {duration(result['open']['p50'])}", result
    ready = []
    for _ in range(RUNS):
        with serving(directory) as server:
            ready.append(server.ready_seconds)
    result["serve"] = asdict(Times.of(ready))
    yield f"the server, from its start until it takes requests: {duration(result['serve']['p50'])}", result
