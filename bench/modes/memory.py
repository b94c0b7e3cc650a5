"""What a server holds in memory once it is ready, and after every query was asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice

from bench.connection import Refused, count_requests
from bench.constants import Data
from bench.course import Course, Result
from bench.machine import memory_of
from bench.peers.tamis import ready_directory
from bench.serving import serving
from bench.telling import size

CONSTANTS = 5
"""Times that each query is asked."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    data, directory, result = Data(course.files), ready_directory(course.files, course.folder), Result()
    with serving(directory) as server:
        result["ready"] = asdict(memory_of(server.pid))
        yield f"once ready: {told(result['ready'])}", result
        connection = server.connect()
        result["refused"] = []
        for query in course.queries:
            try:
                for request in islice(count_requests(query.asks(data)), CONSTANTS):
                    connection.ask(request)
            except Refused as reason:
                result["refused"].append(str(reason))
        result["serving"] = asdict(memory_of(server.pid))
    yield f"after every query: {told(result['serving'])}", result


def told(memory: Result) -> str:
    return (
        f"{size(memory['resident'])} resident, of which {size(memory['mapped'])} are pages of files; "
        f"{size(memory['proportional'])} where shared pages count in part; {size(memory['peak'])} at most"
    )
