"""What a run comes to: ratios, targets, troubles; for people and beside the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path

from rich.table import Table

from bench import verdicts
from bench.course import Result
from bench.ratios import summary, told_unanswered
from bench.targets import judged
from bench.telling import bounded, ratio

WAYS = {"inprocess": "in process", "http": "over HTTP"}


def concluded(result: Result) -> Result:
    """With its ratios, and each target beside what was measured."""
    with_ratios = result | {"ratios": summary(result)}
    return with_ratios | {"targets": list(judged(with_ratios))}


def tables(result: Result) -> Iterator[Table | str]:
    yield from asked_tables([result])
    yield from ratio_lines(result)


def asked_tables(results: Sequence[Result]) -> Iterator[Table | str]:
    """Of runs at several sizes, the smallest first."""
    found, sizes = verdicts.rows(results), [result["size"] for result in results]
    yield targets_table(found, sizes)
    yield told_summary(*verdicts.summed_up(found, sizes), sizes)


def told_summary(met: int, judged: int, missing: int, sizes: Sequence[str]) -> str:
    at = " and ".join(sizes)
    if not judged:
        return f"none of the figures that are asked for is asked for at {at}, and measured"
    told = f"{met} of {judged} figures that are asked for at {at} are met"
    return f"{told}; {missing} were not measured" if missing else told


def targets_table(found: Sequence[verdicts.Row], sizes: Sequence[str]) -> Table:
    """Figures that are met in green, others in red, tails that are too long marked; a figure at a size for which none
    is asked has no colour."""
    shown = Table("work", "asked", *(f"at {size}" for size in sizes), "by", "p99 to p50", title="asked, and measured")
    for row in found:
        asked = ", ".join(f"{row.bound} {limit} at {size}" for size, limit in row.asked.items())
        tail = f"[bold]{row.tail} {row.tail_at}[/]" if row.long_tail else row.tail
        shown.add_row(row.work, asked, *map(coloured, row.measured), row.where, tail)
    return shown


def coloured(measured: verdicts.Measured | None) -> str:
    if measured is None or measured.met is None:
        return "" if measured is None else measured.told
    return f"[{'green' if measured.met else 'red'}]{measured.told}[/]"


def ratio_lines(result: Result) -> Iterator[str]:
    for name, reason in result.get("inprocess", {}).get("absent", {}).items():
        yield f"{name} did not take part: {reason}"
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
    """Beside the run, in place of those of an earlier one."""
    for former in target.parent.glob(f"{escape(target.stem)}.*.profile.txt"):
        former.unlink()
    for which, each in result.get("profile", {}).items():
        name = which.replace(", ", "-").replace(" ", "-")
        plan = each.get("plan", each["expression"])
        told = f"{which}: {bounded(each)}\nsuch as\n{plan}\n\n{each['own']}\n{each['with_called']}"
        target.with_name(f"{target.stem}.{name}.profile.txt").write_text(told)
