"""Two events of a contact, of which one follows the other: looked for from the latest on, until there are such two.

Most contacts have few events, and the first two that are looked at often decide: histories are read where they lie, and
no further than needed. Who has so many events that could agree in a property that looking at each two of them would
take long is left to the sweep of `trails`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.deadline import still_wanted
from engine.histories import BEFORE_ALL, NEVER, Ints
from engine.native import kernel
from engine.plan.physical.gathering import ByCode, Source
from engine.tables.loose import MISSING_INT

Verdicts = NDArray[np.uint8]

NO, YES, LEFT = 0, 1, 2
"""Whether a contact has two such events; what is left is to be found out otherwise."""

LOOKED_AT = 1 << 12
"""So often events of one contact are compared before it is left to the sweep."""

Codes = NDArray[np.int16]


Piece = list[list[Source]]
"""Where the events of each step come from."""


def pieces(sources: Piece, gap: int, absent: bool) -> list[Piece]:
    """Of two steps: who has the two in any of the pieces, has them. Each has one source a step wherever that can be.

    A present event may be of any source that holds events after a state, within the gap. Of an absent one, all sources
    matter that may hold such: states are parted by time, so that these are few. Those with many states come first: who
    has the two there need not be asked about again.
    """
    states, events = sources
    if absent:
        parted = [some for one in states for some in _parted(one, events, gap)]
        made = [[[one], _after(one, events, gap)] for one in parted]
    else:
        made = [[[one], [other]] for one in states for other in _after(one, events, gap)]
    return sorted(made, key=_shared, reverse=True)


def _shared(piece: Piece) -> int:
    """For how long, in milliseconds, a piece has both states and events."""
    (states,), events = piece
    last = max((source.last for source in events), default=states.last)
    return min(states.last, last) - max(states.first, min((source.first for source in events), default=states.first))


def _after(states: Source, events: list[Source], gap: int) -> list[Source]:
    """The sources that may hold events after a state, no later than the gap."""
    return [source for source in events if source.last > states.first and source.first <= states.last + gap]


def _parted(states: Source, events: list[Source], gap: int) -> list[Source]:
    """The states in stretches of time, cut where the events of a source begin or end to be within the gap."""
    if len(_after(states, events, gap)) < 2:
        return [states]
    cuts = {moment for source in events for moment in (source.first - gap, source.last)}
    inside = sorted(moment for moment in cuts if states.first < moment <= states.last)
    return [states.within(low, high) for low, high in pairwise([states.first, *inside, states.last + 1])]


def is_direct(piece: Piece) -> bool:
    """Whether the two can be looked for where they lie, by `verdicts`."""
    return all(len(step) == 1 and _is_told(step[0]) for step in piece)


def _is_told(source: Source) -> bool:
    readers = source.readers.values()
    return source.chosen is None and len(readers) < 2 and all(isinstance(reader, ByCode) for reader in readers)


def verdicts_on(contacts: Rows, piece: Piece, gap: int, absent: bool) -> Verdicts:
    """Whether contacts, which ascend, have a state and an event of a present (or no such event of an absent) step that
    comes after it, no later than `gap` milliseconds, and agrees with it if any property is read."""
    still_wanted()
    verdicts = np.zeros(contacts.size, np.uint8)
    (states,), (events,) = piece
    of_both = *_read(states, contacts), *_read(events, contacts)
    if states.readers:
        find_alike = _find_unfollowed_alike if absent else _find_pair_alike
        find_alike(*of_both, *_codes(states), *_codes(events), gap, verdicts)
    else:
        find = _find_unfollowed if absent else _find_pair
        find(*of_both, gap, verdicts)
    return verdicts


def _read(source: Source, contacts: Rows) -> tuple[Ints, Ints, Ints, int, int]:
    """Where the events of each contact begin and end, the moments of all, and the window low <= moment < high."""
    low = BEFORE_ALL if source.start is None else max(source.start, BEFORE_ALL)
    high = NEVER if source.end is None else min(source.end, NEVER)
    return *source.histories.stretches(contacts, None, None), source.histories.at, low, high


def _codes(source: Source) -> tuple[Codes, Ints]:
    (reader,) = source.readers.values()
    assert isinstance(reader, ByCode), "looked up row by row"
    return reader.codes, reader.identities


# --- kernels -------------------------------------------------------------------------------------------------


_HISTORIES = ("i8[]", "i8[]", "i8[]", "i8", "i8")
"""As `_read` gives them."""
_CODES = ("i2[]", "i8[]")
"""The codes of all events, and the identities of codes."""


@kernel(*_HISTORIES, *_HISTORIES, "i8", "out u1[]")
def _find_pair(
    state_begins: Ints,
    state_ends: Ints,
    states: Ints,
    state_low: int,
    state_high: int,
    event_begins: Ints,
    event_ends: Ints,
    events: Ints,
    event_low: int,
    event_high: int,
    gap: int,
    verdicts: Verdicts,
) -> None:
    """An event that is too late after the last state before it is so after all; a state that is not before an event is
    not before earlier ones."""
    for contact in range(verdicts.size):
        state, event = state_ends[contact] - 1, event_ends[contact] - 1
        while state >= state_begins[contact] and event >= event_begins[contact]:
            before, now = states[state], events[event]
            if before < state_low or now < event_low:
                break
            if now <= before or before >= state_high:
                state -= 1
            elif now - before > gap or now >= event_high:
                event -= 1
            else:
                verdicts[contact] = YES
                break


@kernel(*_HISTORIES, *_HISTORIES, "i8", "out u1[]")
def _find_unfollowed(
    state_begins: Ints,
    state_ends: Ints,
    states: Ints,
    state_low: int,
    state_high: int,
    event_begins: Ints,
    event_ends: Ints,
    events: Ints,
    event_low: int,
    event_high: int,
    gap: int,
    verdicts: Verdicts,
) -> None:
    """`nearest` is the first event after the state that is looked at."""
    for contact in range(verdicts.size):
        event, nearest = event_ends[contact] - 1, np.int64(NEVER)
        for state in range(state_ends[contact] - 1, state_begins[contact] - 1, -1):
            before = states[state]
            if before < state_low:
                break
            while event >= event_begins[contact] and events[event] > before and events[event] >= event_low:
                nearest = events[event] if events[event] < event_high else nearest
                event -= 1
            if before < state_high and nearest > before + gap:
                verdicts[contact] = YES
                break


@kernel(*_HISTORIES, *_HISTORIES, *_CODES, *_CODES, "i8", "out u1[]")
def _find_pair_alike(
    state_begins: Ints,
    state_ends: Ints,
    states: Ints,
    state_low: int,
    state_high: int,
    event_begins: Ints,
    event_ends: Ints,
    events: Ints,
    event_low: int,
    event_high: int,
    state_codes: Codes,
    state_identities: Ints,
    event_codes: Codes,
    event_identities: Ints,
    gap: int,
    verdicts: Verdicts,
) -> None:
    """Of each event, the states before it within the gap are looked at; `last` is the last of these."""
    for contact in range(verdicts.size):
        first, last, looked_at = state_begins[contact], state_ends[contact] - 1, 0
        for event in range(event_ends[contact] - 1, event_begins[contact] - 1, -1):
            now = events[event]
            if now < event_low or verdicts[contact]:
                break
            while last >= first and (states[last] >= now or states[last] >= state_high):
                last -= 1
            if last < first or states[last] < state_low:
                break
            identity = event_identities[event_codes[event]]
            if now >= event_high or identity == MISSING_INT:
                continue
            state = last
            while state >= first and states[state] >= state_low and now - states[state] <= gap:
                if state_identities[state_codes[state]] == identity:
                    verdicts[contact] = YES
                    break
                state -= 1
            looked_at += last - state
            if looked_at > LOOKED_AT and not verdicts[contact]:
                verdicts[contact] = LEFT


@kernel(*_HISTORIES, *_HISTORIES, *_CODES, *_CODES, "i8", "out u1[]")
def _find_unfollowed_alike(
    state_begins: Ints,
    state_ends: Ints,
    states: Ints,
    state_low: int,
    state_high: int,
    event_begins: Ints,
    event_ends: Ints,
    events: Ints,
    event_low: int,
    event_high: int,
    state_codes: Codes,
    state_identities: Ints,
    event_codes: Codes,
    event_identities: Ints,
    gap: int,
    verdicts: Verdicts,
) -> None:
    """Of each state, the events after it within the gap are looked at; `first` is the first of them."""
    for contact in range(verdicts.size):
        first, end, looked_at = event_ends[contact], event_ends[contact], 0
        for state in range(state_ends[contact] - 1, state_begins[contact] - 1, -1):
            before = states[state]
            if before < state_low or verdicts[contact]:
                break
            while first > event_begins[contact] and events[first - 1] > before and events[first - 1] >= event_low:
                first -= 1
            if before >= state_high:
                continue
            identity = state_identities[state_codes[state]]
            event, followed = first, False
            while not followed and event < end and events[event] < event_high and events[event] - before <= gap:
                followed = identity != MISSING_INT and event_identities[event_codes[event]] == identity
                event += 1
            looked_at += event - first
            if not followed:
                verdicts[contact] = YES
            elif looked_at > LOOKED_AT:
                verdicts[contact] = LEFT
