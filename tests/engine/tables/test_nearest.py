"""Distances to the nearest events are what looking at every two of them says."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.schema import Field, Type
from engine.reading import FAR, Nearest
from engine.tables import making, nearest
from engine.tables.loose import LooseText
from engine.tables.loose_events import LooseEvents
from engine.tables.nearest import Measurements
from engine.tables.parts import SealedPart
from engine.tables.prints import NO_PRINTS
from engine.tables.tails import tail_column

Event = tuple[int, int, str | None]
"""A contact, a moment, a text."""
CAMPAIGN = Field("campaign", Type.TEXT)
events = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-9, 9) | st.integers(0, 1 << 33), st.sampled_from(("a", "A", "b", None))),
    min_size=1,
    max_size=30,
)


def part_of(events: Sequence[Event]) -> SealedPart:
    contacts, at, texts = zip(*events, strict=True)
    tail = tail_column(CAMPAIGN)
    tail.put(0, texts)
    loose = tail.view(CAMPAIGN, len(texts))
    assert isinstance(loose, LooseText)
    moments = np.array(at, np.int64)
    return SealedPart.of(
        LooseEvents(np.array(contacts, np.uint32), moments, np.arange(len(at)), {"campaign": loose}), 0, NO_PRINTS
    )


def expected(event: Event, others: Sequence[Event], later: bool, told: bool) -> int:
    """The least distance to another that fits."""
    contact, at, text = event
    same = [other for other in others if other[0] == contact and (other[1] > at if later else other[1] < at)]
    if told:
        same = [other for other in same if text and other[2] and other[2].lower() == text.lower()]
    return min([FAR, *(abs(other[1] - at) for other in same)])


def in_order(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event[1])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(events, min_size=1, max_size=3),
    st.lists(events, min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from((1, 2, 1 << 14)),
)
def test_distances_are_those_of_the_nearest_that_fit(ours, theirs, later, told, at_once):
    """Whichever parts the others lie in, and however few contacts are looked at together."""
    asked = Nearest(("send",), ("open",), later, ("campaign", "campaign") if told else None)
    parts, others = [part_of(each) for each in ours], [part_of(each) for each in theirs]
    every = [event for each in theirs for event in each]
    with mock.patch.object(nearest, "CONTACTS_AT_ONCE", at_once):
        if told and any(part.column("campaign") is None for part in (*parts, *others)):
            assert Measurements().of(asked, parts, others) is None
            return
        neighbours = Measurements().of(asked, parts, others)
    assert neighbours is not None
    for part, each in zip(parts, ours, strict=True):
        found = neighbours.distances[part].tolist()
        assert found == [expected(event, every, later, told) for event in in_order(each)]
    assert neighbours.others == ()


def test_what_is_sealed_later_is_told_as_such() -> None:
    asked, measurements = Nearest(("send",), ("open",), later=True), Measurements()
    old, after, new = part_of([(1, 5, "a")] * 8), part_of([(1, 7, "b")]), part_of([(1, 6, "a")])
    assert measurements.unmade(asked, [old], [after]) == 9
    assert measurements.of(asked, [old], [after]).distances[old].tolist() == [2] * 8
    assert measurements.unmade(asked, [old], [after, new]) == 0
    neighbours = measurements.of(asked, [old], [after, new])
    assert neighbours.others == (new,)
    assert neighbours.distances[old].tolist() == [2] * 8


def test_many_are_looked_for_while_questions_are_answered_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "AT_ONCE", 1)
    asked, measurements = Nearest(("send",), ("open",), later=False), Measurements()
    parts, others = [part_of([(1, 5, "a"), (2, 6, None)])], [part_of([(1, 1, "b")])]
    assert measurements.unmade(asked, parts, others) is None
    assert measurements.of(asked, parts, others) is None
    making.background().submit(int).result()
    assert measurements.unmade(asked, parts, others) == 0
    assert measurements.of(asked, parts, others).distances[parts[0]].tolist() == [4, FAR]


def test_few_measurements_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "KEPT", 2)
    measurements, parts = Measurements(), [part_of([(1, 5, "a")])]
    asked = [Nearest((type,), ("open",), later=True) for type in ("send", "visit", "click")]
    for each in (*asked[:2], asked[0], asked[2]):
        measurements.of(each, parts, parts)
    assert [measurements.unmade(each, parts, parts) for each in asked] == [0, 1, 0]


def test_nothing_is_looked_for_any_more_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "AT_ONCE", 1)
    asked, measurements, parts = Nearest(("send",), ("open",), later=True), Measurements(), [part_of([(1, 5, "a")] * 2)]
    measurements.rest()
    assert measurements.of(asked, parts, parts) is None
    making.background().submit(int).result()
    assert measurements.of(asked, parts, parts) is None
