"""What a run comes to: ratios, targets, troubles; for people and beside the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from bench.course import Result
from bench.ratios import summary, told_unanswered
from bench.targets import judged
from bench.telling import ratio

WAYS = {"inprocess": "in process", "http": "over HTTP"}


def concluded(result: Result) -> Result:
    """With its ratios, and each target beside what was measured."""
    with_ratios = result | {"ratios": summary(result)}
    return with_ratios | {"targets": list(judged(with_ratios))}


def tables(result: Result) -> Iterator[Table | str]:
    yield targets_table(result)
    yield from ratio_lines(result)


def targets_table(result: Result) -> Table:
    """Rows that are not met in red, tails that are too long marked."""
    shown = Table("work", "measured", "asked", "at", "where", "tail", title=f"targets; measured at {result['size']}")
    for row in result["targets"]:
        if row["measured"] is None:
            shown.add_row(row["work"], "", bound(row), row["asked_at"], "", "", style="dim")
            continue
        tail = "" if row["tail"] is None else f"{row['tail']:.1f}×"
        marked = f"[bold]{tail} {row['tail_at']}[/]" if row["long_tail"] else tail
        style = None if row["met"] else "red"
        shown.add_row(row["work"], row["measured"], bound(row), row["asked_at"], row["worst"], marked, style=style)
    return shown


def bound(row: Result) -> str:
    return f"{'≥' if row['least'] else '≤'} {row['asked']}"


def ratio_lines(result: Result) -> Iterator[str]:
    for way, peers in result["ratios"].items():
        for name, each in peers.items():
            yield (
                f"{name}: its times are {ratio(each['geometric_mean'])} those of Tamis {WAYS[way]} in the geometric "
                f"mean of {each['queries']} queries, and at least {ratio(each['smallest'])} ({each['smallest_at']})"
            )
            if each["unanswered"]:
                yield f"{name}: {told_unanswered(each['unanswered'])}"


def troubles(result: Result) -> list[str]:
    """Modes that failed, counts that differ, queries that have no time of Tamis. A peer that is slow or crashes is told
    in the tables, and no trouble."""
    found = [f"{mode} failed: {reason.splitlines()[-1]}" for mode, reason in result["failed"].items()]
    inside = result.get("inprocess", {}).get("queries", ())
    found += [
        f"{each['family']}, {each['name']}: {each['untimed']['tamis']}" for each in inside if "tamis" in each["untimed"]
    ]
    counts = {(each["family"], each["name"]): each["counts"] for each in inside}
    for each in result.get("http", {}).get("queries", ()):
        which = each["family"], each["name"]
        if "untimed" in each:
            found.append(f"{', '.join(which)} over HTTP: {each['untimed']}")
        elif counts.get(which) and counts[which] != each["counts"]:
            found.append(f"{', '.join(which)}: {counts[which]} in process, {each['counts']} over HTTP")
    return found


def write_profiles(result: Result, target: Path) -> None:
    for which, each in result.get("profile", {}).items():
        name = which.replace(", ", "-").replace(" ", "-")
        plan = each.get("plan", each["expression"])
        told = f"{which}: {each['asked']} times, such as\n{plan}\n\n{each['own']}\n{each['with_called']}"
        target.with_name(f"{target.stem}.{name}.profile.txt").write_text(told)
