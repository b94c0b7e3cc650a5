"""Those whom an order of first or last events tells, and those of other parts, are who has an event in the window."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tables import making, recency
from engine.tables.loose_events import LooseEvents
from engine.tables.parts import SealedPart
from engine.tables.prints import NO_PRINTS
from engine.tables.recency import Recencies

WIDTH = 12
events = st.lists(st.tuples(st.integers(0, WIDTH - 1), st.integers(-50, 50)), min_size=1, max_size=30)
moments = st.none() | st.integers(-60, 60)


def part_of(events: list[tuple[int, int]]) -> SealedPart:
    contacts, at = np.array(events, np.int64).T.copy()
    return SealedPart.of(LooseEvents(contacts.astype(np.uint32), at, np.arange(len(at)), {}), 0, NO_PRINTS)


def told_by(recencies: Recencies, start: int | None, end: int | None, parts: list[SealedPart]) -> set[int] | None:
    """The contacts, each of which the counts and the lookups tell as well."""
    told = recencies.since(start, end, ("open",), parts)
    if told is None:
        return None
    found = set(told.order.matching(told.window))
    everyone = np.arange(2 * WIDTH, dtype=np.uint32)
    assert told.count() == len(found)
    assert set(everyone[told.holds(everyone)].tolist()) == found
    for part in told.others:
        bitmaps, rows = part.cover(start, end)
        found.update(*bitmaps, rows.tolist())
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(events, min_size=1, max_size=4), st.lists(events, max_size=2), moments, moments)
def test_they_have_an_event_in_the_window(first, later, start, end):
    recencies, held = Recencies(), first + later
    told_by(recencies, start, end, [part_of(each) for each in first])
    parts = [part_of(each) for each in held]
    every = [event for each in held for event in each]
    inside = [(contact, at) for contact, at in every if (start is None or at >= start) and (end is None or at < end)]
    found = told_by(recencies, start, end, parts)
    if found is None:
        assert min(at for _, at in every) < start
        assert end <= max(at for _, at in every)
    else:
        assert found == {contact for contact, _ in inside}


def test_an_order_serves_while_few_events_are_sealed_since():
    recencies = Recencies()
    old, few, many = part_of([(1, 5)] * 8), part_of([(2, 6), (1, 7)]), part_of([(3, 8)] * 9)
    recencies.since(5, None, ("open",), [old])
    told = recencies.since(5, None, ("open",), [old, few])
    assert told.others == (few,)
    told = recencies.since(5, None, ("open",), [old, few, many])
    assert told.others == ()
    told = recencies.since(5, None, ("open",), [old, many])
    assert told.others == ()
    assert told.count() == 2


def test_a_large_order_is_made_while_questions_are_answered_without(monkeypatch):
    monkeypatch.setattr(recency, "AT_ONCE", 1)
    recencies, part = Recencies(), part_of([(1, 5), (2, 6), (1, 7)])
    assert recencies.since(6, None, ("open",), [part]) is None
    making.background().submit(int).result()
    assert told_by(recencies, 6, None, [part]) == {1, 2}
    assert told_by(recencies, 7, None, [part]) == {1}


def test_parts_that_were_saved_without_the_moments_have_them_too():
    part = part_of([(1, 5), (4, 6), (1, 7)])
    arrays = {name: array for name, array in part.arrays().items() if name not in ("first_at", "last_at")}
    opened = SealedPart.opened(arrays, [], {}, 0)
    for each in (part, opened):
        assert each.people.tolist() == [1, 4]
        assert each.edge_moments(last=False).tolist() == [5, 6]
        assert each.edge_moments(last=True).tolist() == [7, 6]
