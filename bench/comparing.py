"""Two runs, side by side: what became faster and what slower; or how times grow with the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bench.generate import Size
from bench.ratios import TAMIS, Key, Run, key, medians
from bench.telling import duration, geometric_mean

TAIL_MS = 100.0
"""What the 99th percentile of a query may be at the largest size."""
GROWTH = 12.0
"""How many times as long a query may take on ten times the data."""


def _total(run: Run) -> dict[Key, Any]:
    queries = run.get("inprocess", {}).get("queries", ())
    return {key(each): each["times"][TAMIS] for each in queries if TAMIS in each["times"]}


def _execution(run: Run) -> dict[Key, Any]:
    queries = run.get("inprocess", {}).get("queries", ())
    return {key(each): each["phases"]["execute"] for each in queries if TAMIS in each["times"]}


def _http(run: Run) -> dict[Key, Any]:
    return {key(each): each["times"] for each in run.get("http", {}).get("queries", ()) if "times" in each}


FIGURES: Mapping[str, Callable[[Run], dict[Key, Any]]] = {"total": _total, "execution": _execution, "http": _http}
"""Times of Tamis by query: in process from text to count, of that what is planned alone, and over HTTP."""


@dataclass(frozen=True, slots=True)
class Change:
    """Medians of a query in milliseconds, and the 99th percentile after."""

    query: Key
    before: float
    after: float
    tail: float

    @property
    def factor(self) -> float:
        """Above 1, it became slower."""
        return self.after / self.before


def changes(before: Run, after: Run, figure: str) -> list[Change]:
    """Of the queries that both runs have."""
    earlier, later = FIGURES[figure](before), FIGURES[figure](after)
    return [
        Change(each, earlier[each]["p50"], later[each]["p50"], later[each]["p99"]) for each in later if each in earlier
    ]


def remarks(before: Run, after: Run) -> Iterator[str]:
    """What to keep in mind: other sizes or machines, how peers that are the same changed, queries in one run alone."""
    if before["size"] != after["size"]:
        sizes = [Size[run["size"]] for run in (before, after)]
        contacts, events = sizes[1].contacts / sizes[0].contacts, sizes[1].events / sizes[0].events
        yield (
            f"the sizes differ: {before['size']} and {after['size']}, {contacts:g} times the contacts and {events:g} "
            "times the events"
        )
    for fact in ("processor", "cores", "python"):
        if before["machine"][fact] != after["machine"][fact]:
            yield f"{fact}: {before['machine'][fact]} and {after['machine'][fact]}"
    versions = [run.get("inprocess", {}).get("versions", {}) for run in (before, after)]
    for name in (name for name in versions[0] if name in versions[1]):
        earlier, later = medians(before, name), medians(after, name)
        factors = [later[each] / earlier[each] for each in later if each in earlier]
        if factors:
            named = " and ".join(dict.fromkeys(run[name] for run in versions))
            yield f"{name} ({named}): {geometric_mean(factors):.2f} times as long, in the geometric mean"
    for run, other, which in ((before, after, "first"), (after, before, "second")):
        alone = medians(run, TAMIS).keys() - medians(other, TAMIS).keys()
        if alone:
            yield f"in the {which} run alone: {'; '.join(', '.join(each) for each in sorted(alone))}"


def table(changes: Sequence[Change], figure: str) -> Table:
    """What became slowest first."""
    shown = Table("query", "before", "after", "times as long", title=f"Tamis, median, {figure}")
    for change in sorted(changes, key=lambda each: -each.factor):
        shown.add_row(", ".join(change.query), duration(change.before), duration(change.after), f"{change.factor:.2f}")
    return shown


def growth_remarks(changes: Sequence[Change]) -> Iterator[str]:
    grown = sum(change.factor > GROWTH for change in changes)
    long = sum(change.tail > TAIL_MS for change in changes)
    yield f"{grown} of {len(changes)} queries grew more than {GROWTH:g} times"
    yield f"{long} have a 99th percentile above {duration(TAIL_MS)}"


def growth(changes: Sequence[Change]) -> Table:
    """What grew most first; in red what grew more than it may, or has a longer tail than it may."""
    shown = Table("query", "small", "large", "growth", "99th percentile")
    for change in sorted(changes, key=lambda each: -each.factor):
        shown.add_row(
            ", ".join(change.query),
            duration(change.before),
            duration(change.after),
            f"{change.factor:.1f}×",
            duration(change.tail),
            style="red" if change.tail > TAIL_MS or change.factor > GROWTH else None,
        )
    return shown
