"""Sequences: events of a contact that follow each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from dsl.moments import Duration
from dsl.schema import Field, Type
from engine.bitmaps import from_rows
from engine.deadline import still_wanted
from engine.plan.logical import Same
from engine.plan.physical import costs
from engine.plan.physical.identities import Known
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.selection import Selection
from engine.plan.physical.trails import (
    Gathered,
    Ints,
    Line,
    Slot,
    Trail,
    Values,
    gather,
    grouped,
    in_decimals,
    of_some,
    spread,
)


@dataclass(frozen=True, slots=True)
class Step:
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


@dataclass(frozen=True, slots=True)
class Sequence(Operator):
    """Contacts whose events hold `steps` in order; `zone` is where months and years are counted.

    Step by step it keeps *all* events that can end the steps so far: the earliest alone would not do, for a later one
    may be the one from which the next step is within its gap. Which events of a step can follow is decided by one
    search each: among the kept events before it, the farthest of their limits must not lie before the event.
    """

    steps: tuple[Step, ...]
    zone: str

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return tuple(step.events for step in self.steps)

    @property
    def label(self) -> str:
        return f"did {' then '.join(step.label for step in self.steps)}"

    def cost(self, context: Context, asked: float) -> float:
        places = costs.places(asked, context.space)
        return costs.STEP + sum(self._step_cost(step, context, places) for step in self.steps)

    def _step_cost(self, step: Step, context: Context, asked: float) -> float:
        each = costs.ORDERED + (costs.ABSENT if step.absent else 0) + costs.SAME * len(step.same)
        return step.events.cost(context, asked) + each * step.events.among(context, asked)

    def estimate(self, context: Context) -> int:
        fewest = min(step.events.estimate(context) for step in self.steps if not step.absent)
        return min(context.space.existing, fewest) // 2

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        gathered = self._gathered(context, within)
        if gathered is None:
            return BitMap()
        found = [self._followed(context, events) for events in of_some(gathered, context.space.size)]
        return BitMap.union(BitMap(), *found)

    def _followed(self, context: Context, gathered: list[Gathered]) -> BitMap:
        """The contacts whose events hold the steps, of all events of some contacts."""
        if not gathered[0].at.size:
            return BitMap()
        line = Line.of(gathered, self._groups(context, gathered), self.zone)
        found = _Chain(self.steps, line, line.trail(gathered[0])).followed(gathered)
        return from_rows(found.contacts.astype(np.uint32))

    def _gathered(self, context: Context, within: BitMap | None) -> list[Gathered] | None:
        """The events of each step, of contacts that have some for every present step; None when nobody has."""
        known: Known = {}
        found: dict[int, Gathered] = {}
        asked = context.space.everything if within is None else within
        for place in self._in_order_of_size(context):
            found[place] = gather(self.steps[place].events, self._compared(place), context, asked, known)
            if not self.steps[place].absent:
                asked = found[place].everyone & asked
            if not asked:
                return None
        return [found[place].of(asked, context.space.size) for place in range(len(self.steps))]

    def _in_order_of_size(self, context: Context) -> list[int]:
        """Present steps, those with few events first, as they narrow whose events the others need; then absent ones."""
        steps = self.steps
        return sorted(range(len(steps)), key=lambda place: (steps[place].absent, steps[place].events.estimate(context)))

    def _compared(self, place: int) -> dict[Slot, Field]:
        """The properties of a step's events that are compared with those of other steps."""
        own = {(place, same.property.name): same.property for same in self.steps[place].same}
        later = [same for step in self.steps[place + 1 :] for same in step.same if same.step == place]
        return own | {(place, same.earlier.name): same.earlier for same in later}

    def _groups(self, context: Context, gathered: list[Gathered]) -> int:
        """How many groups of events a join can meet: contacts, or what `compact` makes of so many pairs of values."""
        if not any(step.same for step in self.steps):
            return context.space.size
        adjacent = all(same.step >= place - 1 for place, step in enumerate(self.steps) for same in step.same)
        most = 4 * sum(events.at.size for events in gathered) if adjacent else 1 << 31
        return max(context.space.size, most)


@dataclass(slots=True)
class _Chain:
    """The events that can end the steps so far, and until which tick the next one may follow each."""

    steps: tuple[Step, ...]
    line: Line
    states: Trail
    limits: Ints

    def __init__(self, steps: tuple[Step, ...], line: Line, first: Trail) -> None:
        self.steps = steps
        self.line = line
        self._start(first)

    def followed(self, gathered: list[Gathered]) -> Trail:
        """The events that can end the whole sequence, of those of each step."""
        for place, step in enumerate(self.steps[1:], 1):
            still_wanted()
            if not self.states.contacts.size:
                break
            events = self.line.trail(gathered[place])
            if not step.absent:
                self._follow(place, events)
            elif step.gap is not None or all(later.absent for later in self.steps[place:]):
                self._avoid(place, events)
            else:
                self._end_before(place, events)
        return self.states

    def _start(self, states: Trail) -> None:
        self.states, self.limits = states, self.line.until(states.ticks, None)

    def _follow(self, place: int, events: Trail) -> None:
        """On to the events of a present step that can follow."""
        needed = self._needed_after(place)
        groups, event_groups = self.states.contacts, events.contacts
        carried = [slot for slot in self.states.values if slot in needed]
        if carried:
            groups, events, event_groups = spread(self.states, carried, events)
        joined = grouped(groups, event_groups, self._compared(place, events))
        limits = np.minimum(self.limits, self.line.until(self.states.ticks, self.steps[place].gap))
        reached = self.line.reached(self.states, joined[0], limits, events, joined[1])
        self._start(events.at(reached).with_values(needed))

    def _avoid(self, place: int, events: Trail) -> None:
        """Only states after which no such event comes, no later than the gap."""
        kept = self._next(place, events) > self.line.until(self.states.ticks, self.steps[place].gap)
        self.states, self.limits = self.states.at(kept), self.limits[kept]

    def _end_before(self, place: int, events: Trail) -> None:
        """The next step comes no later than the first such event: an event at the same moment is not between."""
        self.limits = np.minimum(self.limits, self._next(place, events))

    def _next(self, place: int, events: Trail) -> Ints:
        """The tick of the first event of an absent step after each state; beyond all time where there is none."""
        groups, event_groups = grouped(self.states.contacts, events.contacts, self._compared(place, events))
        return self.line.next_ticks(self.states, groups, events, event_groups)

    def _needed_after(self, place: int) -> set[Slot]:
        """What later steps compare with values of events up to this step."""
        later = (same for step in self.steps[place + 1 :] for same in step.same)
        return {(same.step, same.earlier.name) for same in later if same.step <= place}

    def _compared(self, place: int, events: Trail) -> list[tuple[Values, Values]]:
        return [self._pair(place, same, events) for same in self.steps[place].same]

    def _pair(self, place: int, same: Same, events: Trail) -> tuple[Values, Values]:
        """Values of the states and of the events of a step, both in the coarser of their scales."""
        earlier, here = self.states.values[same.step, same.earlier.name], events.values[place, same.property.name]
        if same.property.type is Type.NUMBER:
            fewer = min(same.earlier.decimals, same.property.decimals)
            return in_decimals(earlier, same.earlier.decimals, fewer), in_decimals(here, same.property.decimals, fewer)
        return earlier, here
