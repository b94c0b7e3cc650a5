"""Which events follow which, in histories and in trails: as looking at every two of them says."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.histories import Histories
from engine.plan.physical.gathering import ByCode, Source, trail
from engine.plan.physical.pairs import LEFT, NO, YES, is_direct, pieces, verdicts_on
from engine.plan.physical.trails import Agreement, following, next_after

CONTACTS = np.arange(6, dtype=np.uint32)
PROPERTY = (0, "campaign")
Event = tuple[int, int, int]
"""A contact, a moment, and the code of a text: -1 for none."""
Window = tuple[int | None, int | None]

events = st.lists(st.tuples(st.integers(0, 5), st.integers(-20, 20), st.integers(-1, 2)), max_size=40)
ends = st.none() | st.integers(-22, 22)
windows = st.tuples(ends, ends)
gaps = st.integers(0, 8) | st.just(1 << 60)
heavy = [(1, moment % 400, moment % 2) for moment in range(1500)]
"""So many that no two are looked at one by one."""


def source(events: Iterable[Event], window: Window, told: bool) -> Source:
    """Of events whose codes 0 and 2 stand for texts that fold alike."""
    ordered = sorted(events, key=lambda event: event[1])
    contacts = np.array([contact for contact, _, _ in ordered], np.uint32)
    at = np.array([moment for _, moment, _ in ordered], np.int64)
    histories = Histories.of(contacts, at)
    codes = np.array([code for _, _, code in ordered], np.int16)[histories.rows]
    reader = ByCode(codes, np.array([7, 5, 7, -(1 << 63)]))
    return Source.of(None, histories, at, None, {PROPERTY: reader} if told else {}).within(*window)


def inside(events: Iterable[Event], window: Window) -> list[Event]:
    low, high = window
    return [event for event in events if (low is None or low <= event[1]) and (high is None or event[1] < high)]


def follows(event: Event, state: Event, gap: int, told: bool) -> bool:
    agree = not told or (-1 not in (event[2], state[2]) and event[2] % 2 == state[2] % 2)
    return event[0] == state[0] and agree and 0 < event[1] - state[1] <= gap


def expected(states: list[Event], events: list[Event], gap: int, absent: bool, told: bool) -> set[int]:
    return {state[0] for state in states if any(follows(event, state, gap, told) for event in events) is not absent}


@settings(max_examples=300, deadline=None)
@given(events, events, windows, windows, gaps, st.booleans(), st.booleans())
def test_pairs_are_found_in_histories(some, others, ours, theirs, gap, absent, told):
    piece = [[source(some, ours, told)], [source(others, theirs, told)]]
    assert is_direct(piece)
    verdicts = verdicts_on(CONTACTS, piece, gap, absent)
    assert set(np.flatnonzero(verdicts == YES)) == expected(
        inside(some, ours), inside(others, theirs), gap, absent, told
    )
    assert LEFT not in verdicts


@settings(max_examples=200, deadline=None)
@given(events, events, windows, gaps, st.booleans())
def test_trails_agree_with_looking_at_every_two(some, others, window, gap, told):
    states = trail([source(some, window, told)], CONTACTS, {})
    after = trail([source(others, (None, None), told)], CONTACTS, {})
    agreement = Agreement.of([(states.values[PROPERTY], after.values[PROPERTY])] if told else [])
    _, starts = following(states, states.at + gap, after, agreement, once=False)
    present = expected(inside(some, window), others, gap, False, told)
    assert set(np.flatnonzero(np.diff(starts))) == present
    alone = next_after(states, after, agreement) > states.at + gap
    assert set(states.owners[alone]) == expected(inside(some, window), others, gap, True, told)


@settings(max_examples=200, deadline=None)
@given(events, events, st.integers(0, 40), st.integers(0, 40), windows, gaps, st.booleans())
def test_pieces_of_time_hold_all_that_follows(some, others, cut, other_cut, window, gap, absent):
    """Whichever way the events are parted, in order of time or not."""
    parted = [[some[:cut], some[cut:]], [sorted(others, key=lambda event: event[1])[:other_cut], others]]
    parted[1][1] = sorted(others, key=lambda event: event[1])[other_cut:]
    sources = [
        [source(part, here, told=False) for part in parts if part]
        for parts, here in zip(parted, (window, (None, None)), strict=True)
    ]
    found = set()
    for piece in pieces(sources, gap, absent):
        states, after = (trail(part, CONTACTS, {}) for part in piece)
        if absent:
            found |= set(states.owners[next_after(states, after, None) > states.at + gap])
        else:
            found |= set(np.flatnonzero(np.diff(following(states, states.at + gap, after, None, once=True)[1])))
    assert found == expected(inside(some, window), others, gap, absent, told=False)


@pytest.mark.parametrize("absent", [False, True])
def test_contacts_with_very_many_events_are_left_to_the_sweep(absent: bool) -> None:
    """The other events do not agree, but for one that is later than all."""
    others = [(contact, moment, 0) for contact, moment, _ in heavy] + ([(1, 1000, 1)] if absent else [])
    states = [(contact, moment, 1) for contact, moment, _ in heavy]
    piece = [[source(states, (None, None), told=True)], [source(others, (None, None), told=True)]]
    assert verdicts_on(CONTACTS, piece, 1 << 60, absent).tolist() == [NO, LEFT, NO, NO, NO, NO]
