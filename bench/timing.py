"""Times of repeated work, and how they are summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")

LEAST = 3
"""Times of anything, however long they take; fewer only where `most_seconds` ends it."""
TELLING = 30
"""Times of Tamis, likewise: of fewer a 99th percentile says too little, and is told with how many there are."""
PARTS = 5
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds over `count` runs; `low` and `high` are the least and the greatest median of their fifths, in the
    order in which they were run: how far a median moves while a machine is faster or slower than it mostly is."""

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    worst: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """Of at least one."""
        taken = [second * 1000 for second in seconds]
        ordered = sorted(taken)
        p50, p90, p99, p999 = (at_share(ordered, share) for share in (0.5, 0.9, 0.99, 0.999))
        medians = [at_share(sorted(part), 0.5) for part in parts(taken)]
        return cls(len(taken), p50, p90, p99, p999, ordered[-1], min(medians), max(medians))

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms, worst {self.worst:.2f} ms over {self.count}"


def at_share(ordered: list[float], share: float) -> float:
    """The smallest value that is no less than `share` of them."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def parts(values: list[float]) -> list[list[float]]:
    """Fifths one after the other; fewer, of one value each, where there are fewer."""
    many = min(PARTS, len(values))
    ends = [len(values) * number // many for number in range(many + 1)]
    return [values[start:end] for start, end in pairwise(ends)]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """(seconds, result)."""
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


def times_of(works: Iterable[Callable[[], object]]) -> Times:
    return Times.of([timed(work)[0] for work in works])


def repeated(
    work: Callable[[A], T], arguments: Iterable[A], seconds: float, most_seconds: float, least: int = LEAST
) -> list[T]:
    """What `work` gives for one argument after the other, for `seconds`, while there are any: at least so many results,
    unless even they take more than `most_seconds`."""
    results: list[T] = []
    started = perf_counter()
    for argument in islice(arguments, MOST):
        elapsed = perf_counter() - started
        if results and (elapsed >= most_seconds or (elapsed >= seconds and len(results) >= least)):
            break
        results.append(work(argument))
    return results
