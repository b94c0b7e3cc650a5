"""Sequences: events of a contact that follow each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from dsl.schema import Field, Type
from engine.bitmaps import Rows, from_rows
from engine.deadline import still_wanted
from engine.parallel import on_every_core
from engine.plan.logical import Same
from engine.plan.physical import costs
from engine.plan.physical.happened import ActiveIn
from engine.plan.physical.identities import Known
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.selection import Selection
from engine.plan.physical.steps import Step, Steps, bounded
from engine.plan.physical.trails import (
    IN_CACHE,
    NOWHERE,
    Crowd,
    Found,
    Groups,
    Ints,
    Slot,
    Span,
    Trail,
    Values,
    compressed,
    found,
    in_decimals,
    moments,
    split,
    spread,
    stretches,
    worth_following,
)

FoundSteps = dict[int, list[Found]]
"""The events of steps, by the steps' positions."""

EVENTS_AT_ONCE = 1 << 24
"""Contacts with so many events are followed at a time: some hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class Sequence(Operator):
    """Contacts whose events hold `steps` in order; `zone` is where months and years are counted.

    Step by step it keeps *all* events that can end the steps so far: the earliest alone would not do, for a later one
    may be the one from which the next step is within its gap. Which events of a step can follow is decided by one
    sweep through time: among the kept events before it, the farthest of their limits must not lie before the event.
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
        candidates, steps, known = self._candidates(context, within)
        events = _events(steps, context, candidates)
        followed = [
            self._followed(context, some, steps, known) for some in split(candidates, events, EVENTS_AT_ONCE) if some
        ]
        return BitMap.union(BitMap(), *followed)

    def _candidates(self, context: Context, within: BitMap | None) -> tuple[BitMap, Steps, FoundSteps]:
        """The contacts with events for every present step; the steps, bounded in time by what was found to tell."""
        asked = context.space.everything if within is None else within
        steps, known = self.steps, FoundSteps()
        for place in self._in_order_of_size(context):
            events = steps[place].events
            if events.where is None and not worth_following(events, context, asked):
                asked = asked & ActiveIn(events).whole(context)
                continue
            known[place] = found(events, context, asked)
            asked = asked & _owners(known[place])
            if known[place]:
                steps = bounded(steps, place, *moments(known[place]))
        return asked, steps, known

    def _in_order_of_size(self, context: Context) -> list[int]:
        """Present steps, those with few events first, as they narrow whose events the others need."""
        present = (place for place, step in enumerate(self.steps) if not step.absent)
        return sorted(present, key=lambda place: self.steps[place].events.estimate(context))

    def _followed(self, context: Context, contacts: BitMap, steps: Steps, known: FoundSteps) -> BitMap:
        """Those of some contacts whose events hold the steps."""
        identities, crowd = Known(), Crowd.of(contacts, context.space.size)

        def trail(place: int) -> Trail:
            events = known[place] if place in known else found(steps[place].events, context, contacts)
            return crowd.trail(events, self._compared(place), identities)

        trails = on_every_core(trail, range(len(steps)), worth=_events(steps, context, contacts) > IN_CACHE)
        if not trails[0].at.size:
            return BitMap()
        span = Span.of(trails, self.zone)

        def last_places(some: tuple[int, int, list[Trail]]) -> Rows:
            first, size, events = some
            if not events[0].at.size:
                return NOWHERE
            return first + _Chain(steps, span, size, events[0]).followed(events).places

        many = sum(events.at.size for events in trails) > IN_CACHE
        last = on_every_core(last_places, stretches(trails, crowd.size), worth=many)
        return from_rows(crowd.contacts[np.concatenate(last)])

    def _compared(self, place: int) -> dict[Slot, Field]:
        """The properties of a step's events that are compared with those of other steps."""
        own = {(place, same.property.name): same.property for same in self.steps[place].same}
        later = [same for step in self.steps[place + 1 :] for same in step.same if same.step == place]
        return own | {(place, same.earlier.name): same.earlier for same in later}


def _events(steps: Steps, context: Context, contacts: BitMap) -> int:
    """About how many events of these contacts there are for all steps."""
    return int(sum(step.events.among(context, len(contacts)) for step in steps))


def _owners(events: list[Found]) -> BitMap:
    """The contacts of events."""
    still_wanted()
    return from_rows(np.concatenate([NOWHERE, *(part.contacts for part in events)]))


@dataclass(slots=True)
class _Chain:
    """The events that can end the steps so far, and until when the next one may follow each: None for ever."""

    steps: tuple[Step, ...]
    span: Span
    contacts: int
    states: Trail
    limits: Ints | None

    def __init__(self, steps: tuple[Step, ...], span: Span, contacts: int, first: Trail) -> None:
        self.steps = steps
        self.span = span
        self.contacts = contacts
        self._start(first)

    def followed(self, trails: list[Trail]) -> Trail:
        """The events that can end the whole sequence, of those of each step."""
        for place, step in enumerate(self.steps[1:], 1):
            still_wanted()
            if not self.states.at.size:
                break
            events = trails[place]
            if not step.absent:
                self._follow(place, events)
            elif step.gap is not None or all(later.absent for later in self.steps[place:]):
                self._avoid(place, events)
            else:
                self._end_before(place, events)
        return self.states

    def _start(self, states: Trail) -> None:
        self.states, self.limits = states, None

    def _follow(self, place: int, events: Trail) -> None:
        """On to the events of a present step that can follow."""
        needed = self._needed_after(place)
        groups = Groups(self.states.places, events.places, self.contacts)
        carried = [slot for slot in self.states.values if slot in needed]
        if carried:
            of_states, events, of_events, count = spread(self.states, carried, events)
            groups = Groups(of_states, of_events, count)
        groups = groups.agreeing(self._compared(place, events))
        limits = self._until(self.span.until(self.states.at, self.steps[place].gap))
        reached = groups.reached(self.states.at, limits, events.at)
        self._start(events.with_values(needed).kept(reached))

    def _avoid(self, place: int, events: Trail) -> None:
        """Only states after which no such event comes, no later than the gap."""
        kept = self._next(place, events) > self.span.until(self.states.at, self.steps[place].gap)
        self.states = self.states.with_values(self._needed_after(place)).kept(kept)
        self.limits = None if self.limits is None else compressed(self.limits, kept)

    def _end_before(self, place: int, events: Trail) -> None:
        """The next step comes no later than the first such event: an event at the same moment is not between."""
        self.limits = self._until(self._next(place, events))

    def _until(self, limits: Ints) -> Ints:
        """The earlier of these limits and those there are."""
        return limits if self.limits is None else np.minimum(self.limits, limits)

    def _next(self, place: int, events: Trail) -> Ints:
        """The moment of the first event of an absent step after each state; beyond all time where there is none."""
        groups = Groups(self.states.places, events.places, self.contacts)
        return groups.agreeing(self._compared(place, events)).next(self.states.at, events.at)

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
