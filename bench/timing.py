"""Times of repeated work, and how they are summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds over `count` runs."""

    count: int
    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: list[float]) -> Times:
        ordered = sorted(second * 1000 for second in seconds)
        return cls(len(ordered), at_share(ordered, 0.5), at_share(ordered, 0.99), ordered[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms, worst {self.worst:.2f} ms over {self.count}"


def at_share(ordered: list[float], share: float) -> float:
    """The smallest value that is no less than `share` of them."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """(seconds, result)."""
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


def times_of(works: Iterable[Callable[[], object]]) -> Times:
    return Times.of([timed(work)[0] for work in works])
