"""The steps of a sequence, and how the moments of one bound those of the others."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from dsl.moments import Duration
from engine.plan.logical import Same
from engine.plan.physical.selection import Selection

LAST = 1 << 60
"""Beyond all moments, so far from the ends of int64 that a moment added to it stays within them."""


class Step(Struct, frozen=True):
    """Events that come after those of the present step before, no later than `gap`; `absent` ones must not.

    A gap is in milliseconds, or months or years of the calendar.
    """

    events: Selection
    gap: int | Duration | None = None
    absent: bool = False
    same: tuple[Same, ...] = ()

    @property
    def label(self) -> str:
        match self.gap:
            case None:
                within = ""
            case int(milliseconds):
                within = f" within {milliseconds} ms"
            case Duration(count, unit):
                within = f" within {count} {unit}s"
        same = "".join(f" same {same.earlier.name}" for same in self.same)
        return (
            f"{'not ' if self.absent else ''}{self.events.label}{' where' if self.events.where else ''}{same}{within}"
        )


Steps = tuple[Step, ...]


def bounded(steps: Steps, place: int, low: int | None, high: int | None) -> Steps:
    """The steps, those around `place` within what its events, which all lie in [low, high], leave them of time.

    Only events that can be part of the sequence are kept, so that fewer need to be read.
    """
    before = reversed([*_backward(steps, place, low, high)])
    return (*before, steps[place], *_forward(steps, place, low, high))


def _forward(steps: Steps, place: int, low: int | None, high: int | None) -> Iterator[Step]:
    """What comes after is later than the first, and present steps come no later than their gaps after the last."""
    last = high
    for step in steps[place + 1 :]:
        end = None if last is None or not isinstance(step.gap, int) else last + step.gap
        yield _within(step, None if low is None else low + 1, end)
        last = last if step.absent else end


def _backward(steps: Steps, place: int, low: int | None, high: int | None) -> Iterator[Step]:
    """What comes before is earlier than the last, and no earlier than the gaps up to the first allow.

    An absent step may come at any time: it is in the way of what comes before it alone.
    """
    first, latest = low, None if high is None else high - 1
    gap = steps[place].gap
    for step in reversed(steps[:place]):
        if step.absent:
            yield step
            continue
        first = None if first is None or not isinstance(gap, int) else first - gap
        gap = step.gap
        yield _within(step, first, latest)


def _within(step: Step, low: int | None, high: int | None) -> Step:
    """The step with its events in [low, high] alone."""
    start = _latest(step.events.start, low)
    end = _earliest(step.events.end, None if high is None else high + 1)
    if start is not None and end is not None:
        end = max(start, end)
    return replace(step, events=replace(step.events, start=start, end=end))


def _latest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _earliest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
