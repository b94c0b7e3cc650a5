"""The tables of a README, made of a run and written between two markers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench import measures
from bench.generate import Size
from bench.ratios import Run
from bench.report import NAMES, contenders, queries
from bench.telling import duration, geometric_mean, ratio, title

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
OURS = ("tamis", "http")


class NoMarkers(Exception):
    """A file in which nothing says where the tables go."""


def written(text: str, run: Run) -> str:
    """The text with the tables of a run between its markers. Raises NoMarkers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkers(f"there is no {BEGIN} with {END} after it")
    return f"{before}{BEGIN}\n{block(run)}{END}{after}"


def block(run: Run) -> str:
    families, others = table(run), list(measures.rows(run))
    parts = [introduction(run), *([families] if families else []), "\n".join(rows([("what", "measured"), *others]))]
    return "\n\n".join(parts) + "\n"


def introduction(run: Run) -> str:
    size, machine = Size[run["size"]], run["machine"]
    ours = "over HTTP" if "http" in run else "in process"
    data = f"{size.contacts:,} contacts, {size.events:,} events"
    lines = (
        f"`python -m bench run --size {run['size']}`, {machine['when'][:10]}: {data};",
        f"{machine['cores']} cores of {machine['processor']}. Times of a family are geometric means of the medians of",
        f"its queries; in parentheses, how many times those of Tamis {ours}. Queries that one did not answer in time",
        "are told, and in none of its means.",
    )
    return "\n".join(lines)


def table(run: Run) -> str:
    """A row for each family; none without queries."""
    asked, names = queries(run), contenders(run)
    by_family: dict[str, list[dict[str, Any]]] = {}
    for each in asked:
        by_family.setdefault(each["family"], []).append(each)
    lines = [(title(family), *cells(each, names)) for family, each in by_family.items()]
    return "\n".join(rows([heads(names), *lines])) if lines else ""


def heads(names: Sequence[str]) -> tuple[str, ...]:
    return ("family", *(NAMES[name] for name in names))


def cells(asked: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Of the queries that a contender has times of, and how many it did not answer."""
    for name in names:
        answered = [each["medians"] for each in asked if name in each["medians"]]
        reasons = Counter(each["untimed"][name].splitlines()[0] for each in asked if name in each["untimed"])
        missing = [f"{many} of {len(asked)} {reason}" for reason, many in reasons.items()]
        yield ", ".join(([cell(answered, name)] if answered else []) + missing)


def cell(answered: Sequence[Mapping[str, float]], name: str) -> str:
    told = duration(geometric_mean([each[name] for each in answered]))
    if name in OURS:
        return told
    ours = [each.get("http", each["tamis"]) for each in answered]
    ratios = [each[name] / our for each, our in zip(answered, ours, strict=True)]
    return f"{told} ({ratio(geometric_mean(ratios))})"


def rows(cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The first is the head."""
    for number, row in enumerate(cells):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)
