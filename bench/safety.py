"""What questions cost, estimated and actual; and what remembering saves.

`python -m bench.safety DATA RUNS` prints JSON; DATA is a data directory that `bench.inside import` made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import thread_time
from typing import Any

from bench.generate import NOW_MS
from bench.inside import count
from bench.questions import THE_QUESTION, questions
from bench.timing import Times, timed
from engine.deadline import Deadline, kept
from engine.directory import Tamis
from engine.plan import execute
from engine.workspace import Workspace

COSTED = (
    THE_QUESTION.expression,
    "points > 30",
    "points > points * 2 + 1",
    'email contains "gmail"',
    "email matches /a.*b.*[0-9]+@/",
    "email = country",
    'did open(campaign contains "spring")',
    "did open at least 3 times in last 90 days",
    "sum(amount of purchase) > 500",
    "avg(amount of purchase) > 50",
    "distinct(campaign of open) >= 3",
    "distinct(amount of purchase) >= 3",
    "last(campaign of open) = first(campaign of open)",
    "did send then open within 7 days",
    "did send then not open within 7 days",
    "did send then open(campaign = same campaign) within 7 days",
    "did any event then any event within 1 hour",
    'bucket("x", 10) < 3',
    "everyone top 1000 by points",
    "everyone top 1000 by avg(amount of purchase)",
)
"""One for each kind of work."""


class Gaps(Deadline):
    """Never ends; notes the longest time of this thread between two looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.longest = thread_time(), 0.0

    def check(self) -> None:
        now = thread_time()
        self.longest, self.last = max(self.longest, now - self.last), now


def costs(workspace: Workspace) -> list[dict[str, Any]]:
    """Estimated and actual milliseconds, and how long each went on without a look at its deadline."""
    return [_cost(workspace, expression) for expression in COSTED]


def _cost(workspace: Workspace, expression: str) -> dict[str, Any]:
    query = workspace.query(expression, at=NOW_MS)
    run = partial(execute, query.operator, query.snapshot.data)
    run()
    gaps, started = Gaps(), thread_time()
    with kept(gaps):
        run()
    actual = (thread_time() - started) * 1000
    return {"expression": expression, "estimated": query.cost_ms, "actual": actual, "unchecked": gaps.longest * 1000}


def preparing(workspace: Workspace, runs: int) -> dict[str, Any]:
    """Parsing, checking and planning texts never seen; then the same texts again, and counts of one of them."""
    asked = [question.expression for question in questions(runs, seed=3)]
    never = [timed(partial(workspace.query, text, at=NOW_MS))[0] for text in asked]
    again = [timed(partial(workspace.query, text, at=NOW_MS))[0] for text in asked[-500:]]
    count(workspace, THE_QUESTION)
    repeated = [timed(partial(count, workspace, THE_QUESTION))[0] for _ in range(runs)]
    named = {"never_seen": never, "seen_before": again, "repeated_count": repeated}
    return {name: asdict(Times.of(seconds)) for name, seconds in named.items()}


def rows(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(what, measured, target)."""
    prepared = result["preparing"]
    yield "an expression never seen, until it is planned", _microseconds(prepared["never_seen"]), "1 ms"
    yield "the same, seen before", _microseconds(prepared["seen_before"]), "microseconds"
    yield "a count seen before, in process", _microseconds(prepared["repeated_count"]), "microseconds"
    ratios = [max(each["estimated"] / each["actual"], each["actual"] / each["estimated"]) for each in result["costs"]]
    yield f"costs of {len(ratios)} questions, estimated to actual", f"within a factor of {max(ratios):.1f}", "a few"
    unchecked = max(each["unchecked"] for each in result["costs"])
    yield "longest work without a look at the deadline", f"{unchecked:.0f} ms", "a few ms"


def _microseconds(times: dict[str, float]) -> str:
    return f"p50 {times['p50'] * 1000:.0f}, p99 {times['p99'] * 1000:.0f} us"


def main(arguments: list[str]) -> None:
    match arguments:
        case [data, runs]:
            tamis = Tamis.open(Path(data))
            workspace = tamis.workspace("default")
            workspace.check("everyone")
            print(json.dumps({"preparing": preparing(workspace, int(runs)), "costs": costs(workspace)}))
            tamis.close()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
