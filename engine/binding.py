"""A checked expression bound to a state and a clock: its plan, what that costs, and whether the clock was looked at."""

from __future__ import annotations

from typing import cast
from zoneinfo import ZoneInfo

from msgspec import Struct

from dsl.moments import Clock
from dsl.typed import Selection
from engine.plan import Context, Operator, Plan, cost, lower, plan, rewrite
from engine.snapshot import Snapshot


class Planned(Struct, frozen=True, eq=False):
    """The physical plan of a logical one, `meaning`, for one state. Each is itself alone: it can name what it answers.

    `clock` is the one instant it is right at; None where the clock was not looked at.
    """

    meaning: Plan
    operator: Operator
    cost_ms: float
    clock: int | None

    def serves(self, clock: Clock) -> bool:
        return self.clock is None or self.clock == clock.now


class _Watched:
    """A clock that notes whether anybody asked it what time it is. Its zone is the workspace's, and never changes."""

    __slots__ = ("_clock", "was_read")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.was_read = False

    @property
    def now(self) -> int:
        self.was_read = True
        return self._clock.now

    @property
    def zone(self) -> ZoneInfo:
        return self._clock.zone


def planned(snapshot: Snapshot, selection: Selection, clock: Clock) -> Planned:
    """The plan of a selection, made afresh."""
    watched = _Watched(clock)
    logical = lower(selection, cast(Clock, watched), snapshot.schema, snapshot.segments.segments)
    meaning = rewrite(logical)
    context = Context.of_contacts(snapshot.data)
    operator = plan(meaning, snapshot.data, context)
    return Planned(meaning, operator, cost(operator, snapshot.data, context), clock.now if watched.was_read else None)
