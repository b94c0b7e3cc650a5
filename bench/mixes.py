"""What a server is asked under load: questions of several families in turn, none of them twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

from bench.connection import W, count_requests, post
from bench.constants import Data
from bench.course import Course
from bench.generate import DAY, NOW
from bench.workload import Ask

EVERYDAY = frozenset(
    ("attributes", "negation", "ranges", "dates", "tags", "company", "windows", "zero", "frequency", "k_of_n")
)
"""Families of questions that people ask all day, and that dashboards repeat."""
BODIES = 64
"""Different batches of events; they are sent again and again, as different events."""


def everyday(course: Course, data: Data) -> Iterator[bytes]:
    chosen = [query for query in course.queries if query.family in EVERYDAY] or course.queries
    return count_requests(in_turn([query.asks(data) for query in chosen]))


def every(course: Course, data: Data) -> Iterator[bytes]:
    return count_requests(in_turn([query.asks(data) for query in course.queries]))


def in_turn(asks: list[Iterator[Ask]]) -> Iterator[Ask]:
    for each in cycle(asks):
        yield next(each)


def event_batches(batch: int, contacts: int, serial: int = 0) -> list[bytes]:
    """Requests that add `batch` events each: what contacts opened, in the last day."""
    return [event_batch(serial * BODIES + number, batch, contacts) for number in range(BODIES)]


def event_batch(number: int, batch: int, contacts: int) -> bytes:
    events = [event(number * 104_729 + row * 31, row, contacts) for row in range(batch)]
    return post(f"{W}/events", {"events": events})


def event(spread: int, row: int, contacts: int) -> dict[str, Any]:
    at = (NOW - timedelta(milliseconds=spread % DAY)).isoformat()
    return {"contact": f"c{spread % contacts:08d}", "type": "open", "at": at, "campaign": f"Spring {row % 30 + 1}"}
