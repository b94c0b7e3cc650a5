"""What is asked of Tamis, as data: each row names what it is judged by, and how much that may be at a size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.judging import (
    AboveConstant,
    AgainstFloor,
    Beyond,
    Execution,
    Found,
    Judge,
    Named,
    Share,
    Unit,
    WorstTail,
    measured,
)
from bench.ratios import Run

TAIL = 3.0
"""How many times the median the 99th percentile of a query may be."""


@dataclass(frozen=True, slots=True)
class Target:
    """`limits` by the names of sizes, in `unit`; `least` where more is better."""

    work: str
    judge: Judge
    limits: Mapping[str, float]
    unit: Unit = Unit.MILLISECONDS
    least: bool = False

    def at(self, size: str) -> tuple[str, float]:
        """(the size that is judged by, the limit there): the size itself, else the first that has one."""
        chosen = size if size in self.limits else next(iter(self.limits))
        return chosen, self.limits[chosen]


def execution(family: str, *names: str) -> Execution:
    return Execution((Named(family, names),))


ATTRIBUTES = Execution(
    (Named("attributes"), Named("negation", ("not equal", "neither of two, nor a language", "except")))
)
COMBINED = Named("attributes", ("two attributes", "three attributes", "four attributes with or and not"))
RANGES = Execution((Named("ranges", ("above", "between")), Named("dates", ("last days", "between two days"))))
AGGREGATES = execution("aggregates", "sum", "average", "largest", "smallest")

TARGETS: Sequence[Target] = (
    Target("up to 4 indexed attributes with and, or, not", ATTRIBUTES, {"L": 0.06}),
    Target("the same, against bitmaps combined by hand", AgainstFloor((COMBINED,)), {"L": 2.0}, Unit.TIMES),
    Target("a range on a number or date", RANGES, {"L": 0.08}),
    Target("tags: any, all, none", execution("tags"), {"L": 0.06}),
    Target("contains, on as many values as contacts", execution("text", "contains"), {"L": 5.0}),
    Target("starts with, ends with", execution("text", "starts with", "ends with"), {"L": 1.0}),
    Target("did X in the last N days", execution("windows", "did"), {"L": 0.3}),
    Target("did X(property = value) in a window", execution("windows", "did with a property"), {"L": 0.5}),
    Target("received X and not opened X", execution("zero", "received and not opened"), {"L": 0.5}),
    Target("at least k times in N days", execution("frequency", "at least"), {"L": 1.5}),
    Target("exactly 0 times", execution("zero", "exactly 0 times"), {"L": 0.4}),
    Target("sum, avg, min, max in a window", AGGREGATES, {"L": 2.0}),
    Target("first, last before a moment", execution("first_last", "last before", "first in the last days"), {"L": 1.0}),
    Target("distinct values of a property", execution("distinct"), {"L": 5.0}),
    Target("a sequence with a selective first step", execution("sequences", "selective first step"), {"L": 2.0}),
    Target("an unselective sequence of two steps", execution("sequences", "two steps"), {"L": 60.0}),
    Target("one contact in 500 segments", Found("membership.plain.p50"), {"L": 1.0}),
    Target("read, check and plan a text never seen", Found("reading.new_shape.p50"), {"L": 0.7}),
    Target("a count over HTTP, above the constant and the query", AboveConstant(), {"L": 0.3}),
    Target(
        "a repeated count over HTTP, above the constant",
        Beyond("http.again.p50", ("http.again_floor.p50", "http.again_alive.p50")),
        {"L": 0.1},
    ),
    Target("99th percentile of the slowest query", WorstTail(), {"XL": 100.0}),
    Target("memory, serving", Found("memory.serving.resident"), {"L": 3 << 30, "XL": 14 << 30}, Unit.BYTES),
    Target("start-up of the server", Found("startup.serve.p50"), {"L": 2_000.0, "XL": 8_000.0}),
    Target("import of contacts from CSV", Found("import.contacts_seconds"), {"L": 8.0}, Unit.SECONDS),
    Target("import of events from Parquet", Found("import.events_a_second"), {"L": 600_000.0}, Unit.RATE, least=True),
    Target(
        "durable events while counting", Found("mixed.1.events.done_a_second"), {"L": 20_000.0}, Unit.RATE, least=True
    ),
    Target("500 counts/s meanwhile, 99th percentile", Found("mixed.1.counts.times.p99"), {"L": 20.0}),
    Target("the same with 2 workers", Found("mixed.2.counts.times.p99"), {"L": 20.0}),
    Target(
        "counts with 2 workers, against 1",
        Share("workers.2.rate", "workers.1.rate"),
        {"L": 1.7},
        Unit.TIMES,
        least=True,
    ),
    Target(
        "DuckDB against Tamis over HTTP, smallest",
        Found("ratios.http.duckdb.smallest"),
        {"M": 2.0},
        Unit.TIMES,
        least=True,
    ),
    Target("the same, geometric mean", Found("ratios.http.duckdb.geometric_mean"), {"M": 25.0}, Unit.TIMES, least=True),
)
"""Of each query's plan alone in process, where nothing else is said."""


def judged(run: Run) -> Iterator[dict[str, Any]]:
    """Each row with what was measured, if it was, and whether that is what is asked."""
    for target in TARGETS:
        asked_at, limit = target.at(run["size"])
        row = {"work": target.work, "asked": target.unit.told(limit), "asked_at": asked_at, "least": target.least}
        figure = measured(target.judge, run)
        if figure is None:
            yield row | {"measured": None}
            continue
        met = figure.value >= limit if target.least else figure.value <= limit
        yield row | {
            "measured": target.unit.told(figure.value),
            "value": figure.value,
            "limit": limit,
            "met": met,
            "worst": figure.worst,
            "tail": figure.tail,
            "tail_at": figure.tail_at,
            "few": figure.few,
            "long_tail": figure.tail is not None and figure.tail > TAIL,
        }
