"""Trails: selected events of some contacts, contact by contact, and what of them follows what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.histories import BEFORE_ALL, NEVER, Ints
from engine.native import kernel
from engine.tables.groups import spans
from engine.tables.loose import MISSING_INT

Mask = NDArray[np.bool_]

WIDE = 4
"""Values that lie in a range of up to so many times as many numbers as there are of them are codes as they are."""

Slot = tuple[int, str]
"""A property of the event of a step, by the step's position in the sequence."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The events `starts[i]:starts[i + 1]` are those of contact i, in order of time: their moments, and what of their
    properties steps compare, as numbers that are equal where the values are; `MISSING_INT` for none."""

    starts: Ints
    at: Ints
    values: Mapping[Slot, Ints]

    @property
    def owners(self) -> Ints:
        """The contact of each event."""
        return np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))

    def chosen(self, events: Ints, starts: Ints) -> Trail:
        """Some of the events, perhaps several times, and where those of each contact start then."""
        return Trail(starts, self.at[events], {slot: values[events] for slot, values in self.values.items()})

    def kept(self, kept: Mask) -> Trail:
        if kept.all():
            return self
        return self.chosen(np.flatnonzero(kept), np.append(0, np.cumsum(kept))[self.starts])

    def with_values(self, slots: Iterable[Slot]) -> Trail:
        return replace(self, values={slot: self.values[slot] for slot in slots})


def merged(trails: Sequence[Trail]) -> Trail:
    """One trail of all the events of the same contacts."""
    if len(trails) == 1:
        return trails[0]
    starts = np.sum([trail.starts for trail in trails], axis=0)
    at = _side_by_side(starts, [(trail, trail.at) for trail in trails])
    slots = trails[0].values
    values = {slot: _side_by_side(starts, [(trail, trail.values[slot]) for trail in trails]) for slot in slots}
    together = Trail(starts, at, values)
    order = np.empty(at.size, np.int64)
    return together.chosen(order, starts) if _find_order(starts, at, order) else together


def _side_by_side(starts: Ints, parts: Sequence[tuple[Trail, Ints]]) -> Ints:
    """What belongs to the events of each contact, that of one trail after that of the other."""
    together, free = np.empty(int(starts[-1]), np.int64), starts[:-1].copy()
    for trail, data in parts:
        _put(trail.starts, data, free, together)
    return together


@dataclass(frozen=True, slots=True)
class Agreement:
    """Codes of states and of events from `low` to below `low + width`: only where they are equal does one follow
    another; what has none, `MISSING_INT`, follows nothing."""

    states: Ints
    events: Ints
    low: int
    width: int

    @classmethod
    def of(cls, pairs: Sequence[tuple[Ints, Ints]]) -> Agreement | None:
        """That both values of each pair are equal; None where there is no pair."""
        if not pairs:
            return None
        made, *others = (cls._of_one(*pair) for pair in pairs)
        for other in others:
            made = cls._of_one(_combined(made, made.states, other, other.states), made._with_events(other))
        return made

    @classmethod
    def _of_one(cls, states: Ints, events: Ints) -> Agreement:
        lows, highs = zip(_ends(states), _ends(events), strict=True)
        low, high = min(lows), max(highs)
        if low > high:
            return cls(states, events, 0, 1)
        if high - low < WIDE * (states.size + events.size):
            return cls(states, events, low, high - low + 1)
        distinct, codes = np.unique(np.concatenate([states, events]), return_inverse=True)
        codes = np.where(distinct == MISSING_INT, MISSING_INT, np.arange(distinct.size))[codes]
        return cls(codes[: states.size], codes[states.size :], 0, distinct.size)

    def _with_events(self, other: Agreement) -> Ints:
        return _combined(self, self.events, other, other.events)


def _combined(one: Agreement, ours: Ints, other: Agreement, theirs: Ints) -> Ints:
    """A number for each pair of codes."""
    pairs = (ours - one.low) * other.width + (theirs - other.low)
    return np.where((ours == MISSING_INT) | (theirs == MISSING_INT), MISSING_INT, pairs)


def following(states: Trail, limits: Ints, events: Trail, agreement: Agreement | None, once: bool) -> tuple[Ints, Ints]:
    """Which events come after some state of their contact, and not after its limit; where those of each contact start.
    Of each contact the first alone, when `once`.

    One sweep through the time of each contact: among the states before an event that agree with it, the farthest of
    their limits must not lie before it.
    """
    found, starts = np.empty(events.at.size + 1, np.int64), np.zeros(events.starts.size, np.int64)
    if agreement is None:
        count = _follow(states.starts, states.at, limits, events.starts, events.at, once, found, starts)
    else:
        codes = agreement.states, agreement.events, agreement.low
        farthest, owners = np.empty(agreement.width, np.int64), np.zeros(agreement.width, np.int64)
        count = _follow_alike(
            states.starts, states.at, limits, events.starts, events.at, *codes, once, farthest, owners, found, starts
        )
    return found[:count], starts


def next_after(states: Trail, events: Trail, agreement: Agreement | None) -> Ints:
    """The moment of the first event of its contact after each state, that agrees with it; NEVER where there is none."""
    found = np.empty(states.at.size, np.int64)
    if agreement is None:
        _look_ahead(states.starts, states.at, events.starts, events.at, found)
    else:
        codes = agreement.states, agreement.events, agreement.low
        nearest, owners = np.empty(agreement.width, np.int64), np.zeros(agreement.width, np.int64)
        _look_ahead_alike(states.starts, states.at, events.starts, events.at, *codes, nearest, owners, found)
    return found


def spread(states: Trail, slots: Sequence[Slot], events: Trail) -> tuple[Trail, tuple[Ints, Ints]]:
    """Each event once for each combination of values in `slots` that its contact's states hold, with these values.

    Gives the combinations of the states and of the events, too: only where they are equal may one follow another.
    """
    combinations = np.zeros(states.at.size, np.int64)
    for slot in slots:
        codes = np.unique(states.values[slot], return_inverse=True)[1]
        combinations = np.unique(combinations * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1]
    # Some state stands for each combination of each contact: they ascend by contact.
    owners = states.owners
    some = np.unique(owners * (int(combinations.max(initial=0)) + 1) + combinations, return_index=True)[1]
    ends = np.append(0, np.cumsum(np.bincount(owners[some], minlength=states.starts.size - 1)))
    whose = events.owners
    chosen = some[spans(ends[whose], ends[whose + 1])]
    times = ends[whose + 1] - ends[whose]
    starts = np.append(0, np.cumsum(times))[events.starts]
    repeated = events.chosen(np.repeat(np.arange(events.at.size), times), starts)
    values = {slot: states.values[slot][chosen] for slot in slots}
    return replace(repeated, values={**repeated.values, **values}), (combinations, combinations[chosen])


# --- kernels -------------------------------------------------------------------------------------------------


@kernel("i8[]", "i8[]", "out i8[]", "out i8[]")
def _put(starts: Ints, data: Ints, free: Ints, together: Ints) -> None:
    """Put what belongs to each contact where the next of its own goes, which is `free`."""
    for contact in range(free.size):
        for event in range(starts[contact], starts[contact + 1]):
            together[free[contact]] = data[event]
            free[contact] += 1


@kernel("i8[]", "i8[]", "out i8[]")
def _find_order(starts: Ints, at: Ints, order: Ints) -> bool:
    """Put the order of time of each contact's events into `order`; whether that is any other than they have."""
    changed = False
    for contact in range(starts.size - 1):
        first, end = starts[contact], starts[contact + 1]
        ascending = True
        for event in range(first, end):
            order[event] = event
            ascending &= event == first or at[event - 1] <= at[event]
        if not ascending:
            order[first:end] = first + np.argsort(at[first:end], kind="mergesort")
            changed = True
    return changed


@kernel("i8[]")
def _ends(values: Ints) -> tuple[Any, Any]:
    """The least and the greatest value that is not missing; the least is above where there is none."""
    low, high = np.int64(NEVER), np.int64(BEFORE_ALL)
    for value in values:
        if value != MISSING_INT:
            low, high = min(low, value), max(high, value)
    return low, high


@kernel("i8[]", "i8[]", "i8[]", "i8[]", "i8[]", "b1", "out i8[]", "out i8[]")
def _follow(
    state_starts: Ints,
    states: Ints,
    limits: Ints,
    event_starts: Ints,
    events: Ints,
    once: bool,
    found: Ints,
    starts: Ints,
) -> int:
    """`farthest` is the last limit of the contact's states before the event. An event is written wherever it is
    looked at, and the next one over it unless it follows: a branch would be foretold wrongly too often."""
    count = 0
    for contact in range(starts.size - 1):
        state, end = state_starts[contact], state_starts[contact + 1]
        farthest = np.int64(BEFORE_ALL)
        for event in range(event_starts[contact], event_starts[contact + 1]):
            now = events[event]
            while state < end and states[state] < now:
                farthest = max(farthest, limits[state])
                state += 1
            found[count] = event
            follows = farthest >= now
            count += follows
            if follows and once:
                break
        starts[contact + 1] = count
    return count


@kernel(
    "i8[]",
    "i8[]",
    "i8[]",
    "i8[]",
    "i8[]",
    "i8[]",
    "i8[]",
    "i8",
    "b1",
    "out i8[]",
    "out i8[]",
    "out i8[]",
    "out i8[]",
)
def _follow_alike(
    state_starts: Ints,
    states: Ints,
    limits: Ints,
    event_starts: Ints,
    events: Ints,
    state_codes: Ints,
    event_codes: Ints,
    low: int,
    once: bool,
    farthest: Ints,
    owners: Ints,
    found: Ints,
    starts: Ints,
) -> int:
    """As `_follow`, code by code: `farthest` of a code is of the contact before `owners`, which begin as zeros."""
    count = 0
    for contact in range(starts.size - 1):
        state, end = state_starts[contact], state_starts[contact + 1]
        for event in range(event_starts[contact], event_starts[contact + 1]):
            now = events[event]
            while state < end and states[state] < now:
                if state_codes[state] != MISSING_INT:
                    code = state_codes[state] - low
                    known = owners[code] == contact + 1 and farthest[code] > limits[state]
                    if not known:
                        farthest[code] = limits[state]
                    owners[code] = contact + 1
                state += 1
            found[count] = event
            if event_codes[event] != MISSING_INT:
                code = event_codes[event] - low
                follows = owners[code] == contact + 1 and farthest[code] >= now
                count += follows
                if follows and once:
                    break
        starts[contact + 1] = count
    return count


@kernel("i8[]", "i8[]", "i8[]", "i8[]", "out i8[]")
def _look_ahead(state_starts: Ints, states: Ints, event_starts: Ints, events: Ints, found: Ints) -> None:
    """The first event after each state, through the states of each contact in order of time."""
    for contact in range(state_starts.size - 1):
        event, end = event_starts[contact], event_starts[contact + 1]
        for state in range(state_starts[contact], state_starts[contact + 1]):
            while event < end and events[event] <= states[state]:
                event += 1
            found[state] = events[event] if event < end else NEVER


@kernel("i8[]", "i8[]", "i8[]", "i8[]", "i8[]", "i8[]", "i8", "out i8[]", "out i8[]", "out i8[]")
def _look_ahead_alike(
    state_starts: Ints,
    states: Ints,
    event_starts: Ints,
    events: Ints,
    state_codes: Ints,
    event_codes: Ints,
    low: int,
    nearest: Ints,
    owners: Ints,
    found: Ints,
) -> None:
    """Back through the time of each contact: `nearest` is the first moment of a code among the events looked at, of
    the contact before `owners`, which begin as zeros."""
    for contact in range(state_starts.size - 1):
        event, first = event_starts[contact + 1], event_starts[contact]
        for state in range(state_starts[contact + 1] - 1, state_starts[contact] - 1, -1):
            while event > first and events[event - 1] > states[state]:
                event -= 1
                if event_codes[event] != MISSING_INT:
                    nearest[event_codes[event] - low] = events[event]
                    owners[event_codes[event] - low] = contact + 1
            found[state] = NEVER
            if state_codes[state] != MISSING_INT and owners[state_codes[state] - low] == contact + 1:
                found[state] = nearest[state_codes[state] - low]
