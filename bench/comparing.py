"""Two runs, side by side: what became faster and what slower; or how times grow with the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bench.generate import Size
from bench.ratios import TAMIS, Key, Run, key, medians, peers
from bench.telling import duration, geometric_mean
from bench.workload import queries

TAIL_MS = 100.0
"""What the 99th percentile of a query may be at the largest size."""
GROWTH = 12.0
"""How many times as long a query may take at a larger size, whose contacts are ten times as many."""
BEYOND_DATA = 1.2
"""How many times as much as what it reads a query may grow, which comes to the same there."""

NOISE = 1.05
"""Times as long as before what is as fast as before may take."""


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
    """Medians of a query in milliseconds, and the 99th percentile after; how many times as much data it reads; whether
    it changed `beyond_spread`, None where a run has not kept that. It did when the medians of all fifths of one run lie
    beyond all those of the other, as by chance those of one in 126 do, and the factor is not one by which the peers
    that stayed the same changed, too."""

    query: Key
    before: float
    after: float
    tail: float
    data: float
    beyond_spread: bool | None

    @property
    def factor(self) -> float:
        """Above 1, it became slower."""
        return self.after / self.before

    @property
    def beyond_data(self) -> float:
        return self.factor / self.data


def changes(before: Run, after: Run, figure: str) -> list[Change]:
    """Of the queries that both runs have."""
    earlier, later = FIGURES[figure](before), FIGURES[figure](after)
    contacts, events = data_growth(before, after)
    of_events = {(query.family, query.name) for query in queries() if query.of_events}
    drift = drift_of(before, after)
    return [
        Change(
            each,
            earlier[each]["p50"],
            later[each]["p50"],
            later[each]["p99"],
            events if each in of_events else max(contacts, events),
            is_beyond(earlier[each], later[each], drift),
        )
        for each in later
        if each in earlier
    ]


def is_beyond(before: Mapping[str, Any], after: Mapping[str, Any], drift: tuple[float, float]) -> bool | None:
    if "low" not in before or "low" not in after:
        return None
    apart = before["high"] < after["low"] or after["high"] < before["low"]
    return bool(apart and not drift[0] <= after["p50"] / before["p50"] <= drift[1])


def drift_of(before: Run, after: Run) -> tuple[float, float]:
    """From the least to the greatest factor by which peers of the same version changed, and by at least `NOISE`: so
    much, the machine did."""
    factors = [
        1 / NOISE,
        NOISE,
        *(factor for _, versions, factor in changed(before, after, peers(after)) if len(versions) == 1),
    ]
    return min(factors), max(factors)


def changed(before: Run, after: Run, names: Iterable[str]) -> Iterator[tuple[str, list[str], float]]:
    """(contender, its versions in both, how many times as long it takes in the geometric mean), of those in both."""
    for name in names:
        earlier, later = medians(before, name), medians(after, name)
        factors = [later[each] / earlier[each] for each in later if each in earlier]
        if factors:
            versions = [run["inprocess"]["versions"][name] for run in (before, after)]
            yield name, list(dict.fromkeys(versions)), geometric_mean(factors)


def data_growth(before: Run, after: Run) -> tuple[float, float]:
    """How many times as many contacts and as many events there are."""
    smaller, larger = Size[before["size"]], Size[after["size"]]
    return larger.contacts / smaller.contacts, larger.events / smaller.events


def remarks(before: Run, after: Run) -> Iterator[str]:
    """What to keep in mind: other sizes or machines, how peers that are the same changed, queries in one run alone."""
    if before["size"] != after["size"]:
        contacts, events = data_growth(before, after)
        yield (
            f"the sizes differ: {before['size']} and {after['size']}, {contacts:.3g} times the contacts and "
            f"{events:.3g} times the events"
        )
    for fact in ("processor", "cores", "python"):
        if before["machine"][fact] != after["machine"][fact]:
            yield f"{fact}: {before['machine'][fact]} and {after['machine'][fact]}"
    for name, versions, factor in changed(before, after, (TAMIS, *peers(after))):
        yield f"{name} ({' and '.join(versions)}): {factor:.2f} times as long, in the geometric mean"
    for run, other, which in ((before, after, "first"), (after, before, "second")):
        alone = medians(run, TAMIS).keys() - medians(other, TAMIS).keys()
        if alone:
            yield f"in the {which} run alone: {'; '.join(', '.join(each) for each in sorted(alone))}"


def told(name: str, run: Run) -> str:
    """One of the two: what was measured, when, and where."""
    machine = run["machine"]
    return (
        f"{name}: size {run['size']}, Tamis {run['tamis']}, {machine['when'][:16]}, {machine['cores']} cores of "
        f"{machine['processor']}, load {machine['load']:.1f} when done, {run['seconds']:g} s of each query"
    )


def table(changes: Sequence[Change], figure: str) -> Table:
    """What became slowest first; what lies within the spread of the runs dim."""
    heads = ("query", "before", "after", "times as long", "beyond the spread")
    shown = Table(*heads, title=f"Tamis, median, {figure}")
    for change in sorted(changes, key=lambda each: -each.factor):
        shown.add_row(
            ", ".join(change.query),
            duration(change.before),
            duration(change.after),
            f"{change.factor:.2f}",
            verdict(change),
            style=None if change.beyond_spread else "dim",
        )
    return shown


def verdict(change: Change) -> str:
    if change.beyond_spread is None:
        return "?"
    return ("slower" if change.factor > 1 else "faster") if change.beyond_spread else ""


def spread_remarks(changes: Sequence[Change]) -> Iterator[str]:
    """How many changes are more than noise."""
    verdicts = Counter(map(verdict, changes))
    yield (
        f"of {len(changes)} queries {verdicts['slower']} are slower and {verdicts['faster']} faster beyond the spread: "
        f"the medians of all fifths of one run lie beyond those of the other, further than peers that stayed the same "
        f"changed; {verdicts['']} are within it"
    )
    if verdicts["?"]:
        yield f"? for {verdicts['?']}, as a run has not kept the medians of its fifths: it was made by an older harness"


def growth_remarks(changes: Sequence[Change]) -> Iterator[str]:
    grown = sum(change.factor > GROWTH for change in changes)
    beyond = sum(change.beyond_data > BEYOND_DATA for change in changes)
    long = sum(change.tail > TAIL_MS for change in changes)
    yield f"{grown} of {len(changes)} queries grew more than {GROWTH:g} times"
    yield f"{beyond} grew more than {BEYOND_DATA:g} times as much as the data that they read"
    yield f"{long} have a 99th percentile above {duration(TAIL_MS)}"


def growth(changes: Sequence[Change]) -> Table:
    """What grew most first; in red what is more than it may be."""
    shown = Table("query", "small", "large", "growth", "of its data's", "99th percentile")
    for change in sorted(changes, key=lambda each: -each.factor):
        shown.add_row(
            ", ".join(change.query),
            duration(change.before),
            duration(change.after),
            marked(f"{change.factor:.1f}×", change.factor > GROWTH),
            marked(f"{change.beyond_data:.2g}× of {change.data:.3g}×", change.beyond_data > BEYOND_DATA),
            marked(duration(change.tail), change.tail > TAIL_MS),
        )
    return shown


def marked(told: str, too_much: bool) -> str:
    return f"[red]{told}[/]" if too_much else told
