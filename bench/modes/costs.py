"""What questions cost, estimated and actual, and how long their work goes on without a look at its deadline.

Estimates refuse what is above a workspace's budget before it is begun, and choose who answers at once; so they should
tell milliseconds from seconds, and an estimate that is too low is worse than one that is too high.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from threading import get_ident
from time import thread_time

from bench.course import Course, Result
from bench.estimates import FAR_OFF, estimate, factor
from bench.generate import NOW_MS
from bench.peers.tamis import ready_directory
from bench.telling import duration
from engine.deadline import Deadline, kept
from engine.directory import Tamis
from engine.plan import execute
from engine.workspace import Workspace

COSTED = (
    'country = "FR" and did any event in last 90 days and points > 30',
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
    """Never ends; notes the longest time that any thread works between two looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.last = {get_ident(): thread_time()}
        self.longest = 0.0

    def check(self) -> None:
        now = thread_time()
        self.longest = max(self.longest, now - self.last.get(get_ident(), now))
        self.last[get_ident()] = now


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    tamis = Tamis.open(ready_directory(course.files, course.folder), cache_bytes=0)
    result: Result = {"costs": [cost(tamis.workspace("default"), expression) for expression in COSTED]}
    tamis.close()
    off = [factor(each) for each in result["costs"]]
    result |= {"off": max(off), "unchecked": max(each["unchecked"] for each in result["costs"])}
    yield f"costs of {len(off)} questions are estimated within a factor of {median(off):.1f} in the median", result
    for each in sorted(result["costs"], key=factor, reverse=True):
        if factor(each) > FAR_OFF:
            yield f"far off: {each['expression']}: {estimate(each)}", result
    yield f"{duration(result['unchecked'])} is the longest work without a look at the deadline", result


def cost(workspace: Workspace, expression: str) -> Result:
    query = workspace.query(expression, at=NOW_MS)
    run = partial(execute, query.operator, query.snapshot.data)
    run()
    gaps, started = Gaps(), thread_time()
    with kept(gaps):
        run()
    actual = (thread_time() - started) * 1000
    return {"expression": expression, "estimated": query.cost_ms, "actual": actual, "unchecked": gaps.longest * 1000}
