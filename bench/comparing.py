"""Two runs of the race, side by side: what became faster and what slower."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bench.race import geometric_mean

Run = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """The medians of a query for one contender, in milliseconds."""

    family: str
    name: str
    before: float
    after: float

    @property
    def factor(self) -> float:
        """Above 1, it became slower."""
        return self.after / self.before


def changes(before: Run, after: Run, contender: str) -> list[Change]:
    """Of the queries that both runs asked of a contender."""
    earlier, later = medians(before, contender), medians(after, contender)
    return [Change(*key, earlier[key], later[key]) for key in later if key in earlier]


def medians(run: Run, contender: str) -> dict[Key, float]:
    return {
        (each["family"], each["name"]): each["times"][contender]["p50"]
        for each in run["queries"]
        if contender in each["times"]
    }


def remarks(before: Run, after: Run) -> Iterator[str]:
    """What to keep in mind: other sizes or machines, how peers that are the same changed, queries in one run alone."""
    if before["size"] != after["size"]:
        yield f"the sizes differ: {before['size']} and {after['size']}"
    for fact in ("processor", "cores", "python"):
        if before["machine"][fact] != after["machine"][fact]:
            yield f"{fact}: {before['machine'][fact]} and {after['machine'][fact]}"
    for name in sorted(before["contenders"].keys() & after["contenders"].keys()):
        changed = changes(before, after, name)
        if changed:
            versions = [run["contenders"][name]["version"] for run in (before, after)]
            mean = geometric_mean([each.factor for each in changed])
            yield f"{name} ({' and '.join(dict.fromkeys(versions))}): {mean:.2f} times as long, in the geometric mean"
    for run, other, which in ((before, after, "first"), (after, before, "second")):
        alone = medians(run, "tamis").keys() - medians(other, "tamis").keys()
        if alone:
            yield f"in the {which} run alone: {', '.join(f'{family}, {name}' for family, name in sorted(alone))}"


def table(before: Run, after: Run) -> Table:
    """Tamis' medians, what became slowest first."""
    shown = Table("query", "before, ms", "after, ms", "times as long")
    for change in sorted(changes(before, after, "tamis"), key=lambda each: -each.factor):
        shown.add_row(
            f"{change.family}, {change.name}", f"{change.before:.3f}", f"{change.after:.3f}", f"{change.factor:.2f}"
        )
    return shown
