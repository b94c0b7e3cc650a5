"""What is asked beside what runs at several sizes measured, each figure judged at the sizes that it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.comparing import BEYOND_DATA, GROWTH, changes
from bench.ratios import Key, Run
from bench.targets import TARGETS, Target
from bench.telling import exact_ratio

GROWN = ("L", "XL")
"""The sizes between which growth is asked for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`met` is None where nothing is asked at that size."""

    told: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """`asked` by size; `measured` by run, None where it was not. `where` is the query that it is judged by, and `tail`
    how many times its median a 99th percentile is at most, at the last size that is judged, else at the last."""

    work: str
    least: bool
    asked: Mapping[str, str]
    measured: Sequence[Measured | None]
    where: str = ""
    tail: str = ""
    tail_at: str = ""
    long_tail: bool = False

    @property
    def bound(self) -> str:
        return "≥" if self.least else "≤"


def rows(runs: Sequence[Run]) -> list[Row]:
    """Of runs that are concluded, the smallest first."""
    sizes = [run["size"] for run in runs]
    by_target = zip(TARGETS, *(run["targets"] for run in runs), strict=True)
    return [row(target, sizes, found) for target, *found in by_target] + list(grown_most(runs))


def row(target: Target, sizes: Sequence[str], found: Sequence[Mapping[str, Any]]) -> Row:
    asked = {size: target.unit.told(limit) for size, limit in target.limits.items()}
    measured = [figure(each, size in asked) for size, each in zip(sizes, found, strict=True)]
    there = [number for number, each in enumerate(measured) if each is not None]
    if not there:
        return Row(target.work, target.least, asked, measured)
    last = found[max(there, key=lambda number: (sizes[number] in asked, number))]
    return Row(
        target.work,
        target.least,
        asked,
        measured,
        last["worst"],
        "" if last["tail"] is None else exact_ratio(last["tail"]) + of_few(last),
        last["tail_at"],
        last["long_tail"],
    )


def figure(found: Mapping[str, Any], is_asked: bool) -> Measured | None:
    if found["measured"] is None:
        return None
    told = found["measured"] + (of_few(found) if found["tail"] is None else "")
    return Measured(told, found["met"] if is_asked else None)


def of_few(found: Mapping[str, Any]) -> str:
    """A 99th percentile of few times is the longest of them."""
    return f" of {found['few']}" if found["few"] else ""


def grown_most(runs: Sequence[Run]) -> Iterator[Row]:
    """How much the query grew that grew most, where there are runs of both sizes."""
    for number, (smaller, larger) in enumerate(pairwise(runs), 1):
        if (smaller["size"], larger["size"]) != GROWN:
            continue
        for figure, of in (("total", "from text to count"), ("execution", "the plan alone")):
            found = changes(smaller, larger, figure)
            work = f"growth from {' to '.join(GROWN)}, {of}"
            if found:
                yield most(work, GROWTH, {each.query: each.factor for each in found}, number, len(runs))
                beyond = {each.query: each.beyond_data for each in found}
                yield most(f"{work}, beyond that of the data read", BEYOND_DATA, beyond, number, len(runs))


def most(work: str, limit: float, factors: Mapping[Key, float], number: int, of: int) -> Row:
    worst = max(factors, key=lambda each: factors[each])
    measured: list[Measured | None] = [None] * of
    measured[number] = Measured(exact_ratio(factors[worst]), factors[worst] <= limit)
    return Row(work, False, {GROWN[1]: exact_ratio(limit)}, measured, ", ".join(worst))


def summed_up(found: Sequence[Row], sizes: Sequence[str]) -> tuple[int, int, int]:
    """(figures that are met, judged, and asked for at these sizes but not measured)."""
    verdicts = [each.met for row in found for each in row.measured if each is not None and each.met is not None]
    return sum(verdicts), len(verdicts), sum(missing(row, sizes) for row in found)


def missing(row: Row, sizes: Sequence[str]) -> int:
    return sum(each is None and size in row.asked for size, each in zip(sizes, row.measured, strict=True))
