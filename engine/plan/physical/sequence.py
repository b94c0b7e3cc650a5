"""Sequences: events of a contact that follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from pyroaring import BitMap

from dsl.moments import Duration, Unit
from dsl.schema import Field, Type
from engine.bitmaps import (
    Mask,
    Rows,
    Words,
    add,
    from_rows,
    from_words,
    members_of_both,
    take,
    to_array,
    to_words,
    union,
)
from engine.deadline import still_wanted
from engine.histories import NO_ROWS, Ints
from engine.parallel import on_every_core
from engine.plan.logical import Same
from engine.plan.physical import costs
from engine.plan.physical.calendar import months_later
from engine.plan.physical.gathering import Found, Gathering, Source, are_in, found, moments, owners, trail
from engine.plan.physical.happened import ActiveIn
from engine.plan.physical.identities import Known
from engine.plan.physical.near import Near
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.pairs import LEFT, YES, Piece, is_direct, pieces, verdicts_on
from engine.plan.physical.selection import Selection
from engine.plan.physical.steps import LAST, Step, Steps, bounded
from engine.plan.physical.trails import Agreement, Slot, Trail, following, next_after, spread
from engine.tables.loose import MISSING_INT

FoundSteps = dict[int, list[Found]]
"""The events of steps, by the steps' positions."""
Asked = list[tuple[Piece, Words | None]]
"""Pieces, and the contacts each is to be asked about; None for all."""

EVENTS_AT_ONCE = 1 << 16
"""Contacts with about so many events are followed at a time: what is made of them stays in the processor's cache."""
CONTACTS_AT_ONCE = 1 << 14
"""So many contacts' histories are read where they lie between two looks at the deadline."""


@dataclass(frozen=True, slots=True)
class Sequence(Operator):
    """Contacts whose events hold `steps` in order; `zone` is where months and years are counted.

    Two steps, one of which has no condition, are told by distances between events (`near`), once those are measured.
    Until then, and where windows forbid it, a pair of events is looked for in histories (`pairs`). Otherwise, and for
    the contacts that this leaves, the events of each step are gathered, and step by step *all* are kept that can end
    the steps so far: the earliest alone would not do, for a later one may be the one from which the next step is within
    its gap. Which events of a step can follow is decided by one sweep through the time of each contact: among the kept
    events before it, the farthest of their limits must not lie before the event.
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
        near = self._near(context)
        unmeasured = None if near is None else context.version.unmeasured(near.nearest)
        through_steps = self._cost_through_steps(context, asked)
        if near is None or unmeasured is None:
            return through_steps
        compared = near.events.cost(context, context.space.size) + costs.TALLY * context.estimate(near.events)
        told = costs.STEP + compared + costs.MADE * unmeasured
        return min(told, through_steps)

    def _cost_through_steps(self, context: Context, asked: float) -> float:
        asked = costs.places(asked, context.space)
        followed = min(asked, self._fewest(context))
        steps = sum(self._step_cost(step, context, asked, followed) for step in self.steps)
        return costs.STEP + costs.THROUGH_STEPS * followed + steps

    def _step_cost(self, step: Step, context: Context, asked: float, followed: float) -> float:
        """Events without a condition are only looked at of the contacts that are `followed`: no more than the rarest
        step has events."""
        each = costs.ORDERED + (costs.ABSENT if step.absent else 0) + costs.SAME * len(step.same)
        if isinstance(step.gap, Duration):
            each += costs.CALENDAR
        events = step.events.among(context, followed if step.events.where is None else asked)
        return step.events.cost(context, asked) + each * events

    def _fewest(self, context: Context) -> int:
        """How many events the rarest of the present steps has."""
        return min(context.estimate(step.events) for step in self.steps if not step.absent)

    def estimate(self, context: Context) -> int:
        return min(context.space.existing, self._fewest(context)) // 2

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        near = self._near(context)
        follows = within is not None and (near is None or near.is_worth_following(context, len(within)))
        told = None if follows else self._told(near, context)
        if told is None:
            return self._through_steps(context, within)
        return from_words(told & (context.space.words if within is None else to_words(within, context.space.size)))

    def count(self, context: Context, within: BitMap | None) -> int:
        still_wanted()
        if within is not None:
            return len(self.run(context, within))
        told = self.dense(context)
        return len(self._through_steps(context, None)) if told is None else members_of_both(told, context.space.words)

    def dense(self, context: Context) -> Words | None:
        return self._told(self._near(context), context)

    def _near(self, context: Context) -> Near | None:
        return Near.of(self.steps, self._gap, context)

    def _told(self, near: Near | None, context: Context) -> Words | None:
        """Told by distances between events; whoever has events that were not measured is asked about beside."""
        neighbours = None if near is None else context.version.nearest(near.nearest)
        if near is None or neighbours is None:
            return None
        words = near.contacts(neighbours, context)
        covers = (part.cover(None, None) for part in neighbours.others)
        beside = union([union([*bitmaps, from_rows(rows)]) for bitmaps, rows in covers])
        if beside:
            take(beside, words)
            add(self._through_steps(context, beside & context.space.everything), words)
        return words

    def _through_steps(self, context: Context, within: BitMap | None) -> BitMap:
        candidates, steps, known = self._candidates(context, within)
        if not candidates:
            return candidates
        pieces = self._pieces(self._sources(context, candidates, steps, known))
        contacts = to_array(candidates)
        asked = [(piece, _asked(piece, context.space.size, len(contacts))) for piece in pieces]
        direct = [each for each in asked if self._is_direct(each[0])]
        others = [each for each in asked if not self._is_direct(each[0])]
        found, left = self._found(steps, direct, _split(contacts, len(contacts) // CONTACTS_AT_ONCE + 1))
        more, _ = self._found(steps, others, _stretches(left, others))
        return from_rows(np.concatenate([found, more]))

    def _is_direct(self, piece: Piece) -> bool:
        return self._gap is not None and is_direct(piece)

    def _found(self, steps: Steps, pieces: Asked, stretches: list[Rows]) -> tuple[Rows, Rows]:
        """Those of the contacts in `stretches` that have the sequence in any of the pieces, and the others."""
        followed = on_every_core(partial(self._followed, steps, pieces), stretches, worth=len(stretches) > 1)
        found, left = zip((NO_ROWS, NO_ROWS), *followed, strict=True)
        return np.concatenate(found), np.concatenate(left)

    def _pieces(self, sources: Piece) -> list[Piece]:
        """The sources of the steps in pieces: who has the sequence in any of them, has it."""
        gap = self._gap
        if gap is None:
            return [sources]
        some = pieces(sources, gap, self.steps[1].absent)
        return some if self.steps[1].absent or all(map(is_direct, some)) else [sources]

    @property
    def _gap(self) -> int | None:
        """That of a sequence of two steps in milliseconds; None for longer ones, months and years."""
        match self.steps:
            case (_, Step(gap=None)):
                return LAST
            case (_, Step(gap=int(milliseconds))):
                return min(milliseconds, LAST)
            case _:
                return None

    def _followed(self, steps: Steps, pieces: Asked, contacts: Rows) -> tuple[Rows, Rows]:
        """Those of some contacts that have the sequence in any of the pieces, and the others."""
        found = [NO_ROWS]
        for piece, asked in pieces:
            has = are_in(contacts, asked)
            has[has] = self._has(steps, piece, contacts[has])
            found.append(contacts[has])
            contacts = contacts[~has]
        return np.concatenate(found), contacts

    def _has(self, steps: Steps, piece: Piece, contacts: Rows) -> Mask:
        """Which of some contacts have the sequence in a piece."""
        gap = self._gap
        if gap is None or not is_direct(piece):
            return self._has_by_trails(steps, piece, contacts)
        verdicts = verdicts_on(contacts, piece, gap, steps[-1].absent)
        has: Mask = verdicts == YES
        left = np.flatnonzero(verdicts == LEFT)
        if left.size:
            has[left] = self._has_by_trails(steps, piece, contacts[left])
        return has

    def _has_by_trails(self, steps: Steps, piece: Piece, contacts: Rows) -> Mask:
        trails = [trail(sources, contacts, self._compared(place)) for place, sources in enumerate(piece)]
        return _Chain(steps, self.zone, trails).contacts()

    def _candidates(self, context: Context, within: BitMap | None) -> tuple[BitMap, Steps, FoundSteps]:
        """The contacts with events for every present step; the steps, bounded in time by what was found to tell."""
        asked = context.space.everything if within is None else within
        steps, known = self.steps, FoundSteps()
        for place in self._in_order_of_size(context):
            events = steps[place].events
            if events.where is None:
                asked = ActiveIn(events).run(context, asked)
                steps = bounded(steps, place, events.start, None if events.end is None else events.end - 1)
                continue
            known[place] = found(events, context, asked)
            asked = asked & owners(known[place])
            if known[place]:
                steps = bounded(steps, place, *moments(known[place]))
        return asked, steps, known

    def _in_order_of_size(self, context: Context) -> list[int]:
        """Present steps, those with few events first, as they narrow whose events the others need."""
        present = (place for place, step in enumerate(self.steps) if not step.absent)
        return sorted(present, key=lambda place: self.steps[place].events.estimate(context))

    def _sources(self, context: Context, contacts: BitMap, steps: Steps, known: FoundSteps) -> Piece:
        """Where the events of each step come from."""
        identities, rows, words = Known(), to_array(contacts), to_words(contacts, context.space.size)

        def sources(place: int) -> list[Source]:
            events, gathering = steps[place].events, Gathering(rows, words, self._compared(place), identities)
            if events.where is None:
                return gathering.of_all(events, context)
            chosen = known[place] if place in known else found(events, context, contacts)
            return gathering.of_rows(chosen, events)

        return [sources(place) for place in range(len(steps))]

    def _compared(self, place: int) -> dict[Slot, Field]:
        """The properties of a step's events that are compared with those of other steps."""
        own = {(place, same.property.name): same.property for same in self.steps[place].same}
        later = [same for step in self.steps[place + 1 :] for same in step.same if same.step == place]
        return own | {(place, same.earlier.name): same.earlier for same in later}


def _asked(piece: Piece, size: int, most: int) -> Words | None:
    """The contacts below `size` that may begin the steps in a piece, if few events tell them; None for all."""
    return piece[0][0].owners(size, most) if len(piece[0]) == 1 else None


def _stretches(contacts: Rows, pieces: Asked) -> list[Rows]:
    """Contacts that follow each other, so few at a time that what is made of their events stays in cache."""
    each = (sum(source.events_each for sources in piece for source in sources) for piece, _ in pieces)
    return _split(contacts, min(int(len(contacts) * max(each, default=0)) // EVENTS_AT_ONCE + 1, len(contacts)))


def _split(contacts: Rows, pieces: int) -> list[Rows]:
    return np.array_split(contacts, pieces) if len(contacts) else []


class _Chain:
    """The events that can end the steps so far, and until when the next one may follow each: None for ever."""

    def __init__(self, steps: Steps, zone: str, trails: list[Trail]) -> None:
        self.steps = steps
        self.zone = zone
        self.trails = trails
        self._start(trails[0])

    def contacts(self) -> Mask:
        """Which contacts have events that can end the whole sequence."""
        for place, step in enumerate(self.steps[1:], 1):
            still_wanted()
            if not self.states.at.size:
                break
            if not step.absent:
                self._follow(place)
            elif step.gap is not None or all(later.absent for later in self.steps[place:]):
                self._avoid(place)
            else:
                self._end_before(place)
        starts = self.states.starts
        return starts[1:] > starts[:-1]

    def _start(self, states: Trail) -> None:
        self.states: Trail = states
        self.limits: Ints | None = None

    def _follow(self, place: int) -> None:
        """On to the events of a present step that can follow."""
        needed, events = self._needed_after(place), self.trails[place]
        carried = [slot for slot in self.states.values if slot in needed]
        pairs = []
        if carried:
            events, combinations = spread(self.states, carried, events)
            pairs.append(combinations)
        agreement = Agreement.of([*pairs, *self._compared(place, events)])
        limits = self._until(self._within(place))
        last = place == len(self.steps) - 1
        self._start(events.with_values(needed).chosen(*following(self.states, limits, events, agreement, once=last)))

    def _avoid(self, place: int) -> None:
        """Only states after which no such event comes, no later than the gap."""
        kept = self._next(place) > self._within(place)
        self.states = self.states.with_values(self._needed_after(place)).kept(kept)
        self.limits = None if self.limits is None else self.limits[kept]

    def _end_before(self, place: int) -> None:
        """The next step comes no later than the first such event: an event at the same moment is not between."""
        self.limits = self._until(self._next(place))

    def _until(self, limits: Ints) -> Ints:
        """The earlier of these limits and those there are."""
        return limits if self.limits is None else np.minimum(self.limits, limits)

    def _within(self, place: int) -> Ints:
        """The last moment that is not later than the gap of a step after each state."""
        at = self.states.at
        match self.steps[place].gap:
            case None:
                return np.full(at.size, LAST, np.int64)
            case int(milliseconds):
                return at + min(milliseconds, LAST)
            case Duration(count, unit):
                months = count * 12 if unit is Unit.YEAR else count
                latest = max(int(trail.at.max(initial=0)) for trail in self.trails)
                return months_later(at, months, self.zone, latest)

    def _next(self, place: int) -> Ints:
        """The moment of the first event of an absent step after each state; beyond all time where there is none."""
        events = self.trails[place]
        return next_after(self.states, events, Agreement.of(self._compared(place, events)))

    def _needed_after(self, place: int) -> set[Slot]:
        """What later steps compare with values of events up to this step."""
        later = (same for step in self.steps[place + 1 :] for same in step.same)
        return {(same.step, same.earlier.name) for same in later if same.step <= place}

    def _compared(self, place: int, events: Trail) -> list[tuple[Ints, Ints]]:
        return [self._pair(place, same, events) for same in self.steps[place].same]

    def _pair(self, place: int, same: Same, events: Trail) -> tuple[Ints, Ints]:
        """Values of the states and of the events of a step, both in the coarser of their scales."""
        earlier, here = self.states.values[same.step, same.earlier.name], events.values[place, same.property.name]
        if same.property.type is Type.NUMBER:
            fewer = min(same.earlier.decimals, same.property.decimals)
            return in_decimals(earlier, same.earlier.decimals, fewer), in_decimals(here, same.property.decimals, fewer)
        return earlier, here


def in_decimals(numbers: Ints, decimals: int, fewer: int) -> Ints:
    """Physical numbers of `decimals` as those of no more; what these cannot express equals none of them."""
    factor = 10 ** (decimals - fewer)
    return numbers if factor == 1 else np.where(numbers % factor == 0, numbers // factor, MISSING_INT)
