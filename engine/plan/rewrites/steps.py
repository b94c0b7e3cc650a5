"""A bound in time on one step of a sequence bounds the steps after it."""

from __future__ import annotations

from msgspec.structs import replace

from dsl.moments import LAST_DAY, UNIT_MS, Unit
from engine.plan.logical import Plan, Selected, Sequence, Step

_ALL_TIME = LAST_DAY * UNIT_MS[Unit.DAY]
"""Milliseconds: a gap as long as this bounds nothing."""


def bound_steps(plan: Sequence) -> Plan:
    """What follows an event of a window comes after the window's start, and within the gap after its end.

    >>> a, b = Selected("a", ("a",), start=100, end=200), Selected("b", ("b",))
    >>> bounded = bound_steps(Sequence((Step(a), Step(b, gap=10)), "UTC"))
    >>> bounded.steps[1].selected == Selected("b", ("b",), start=101, end=210)
    True
    """
    bounded = _bounded(plan.steps)
    return plan if bounded == plan.steps else replace(plan, steps=bounded)


def _bounded(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Each step bounded by the last present one before it."""
    found = [steps[0]]
    before = steps[0].selected
    for step in steps[1:]:
        found.append(replace(step, selected=_after(before, step)))
        before = before if step.absent else found[-1].selected
    return tuple(found)


def _after(before: Selected, step: Step) -> Selected:
    start, end = step.selected.start, step.selected.end
    if before.start is not None:
        start = before.start + 1 if start is None else max(start, before.start + 1)
    if before.end is not None and isinstance(step.gap, int) and step.gap < _ALL_TIME:
        latest = before.end + step.gap
        end = latest if end is None else min(end, latest)
    if start is not None and end is not None:
        end = max(start, end)
    return replace(step.selected, start=start, end=end)
