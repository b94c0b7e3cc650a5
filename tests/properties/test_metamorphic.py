"""The laws of the language hold, and what is the same data answers the same, whatever the oracle thinks."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.oracle.writes import Contacts, Events
from tests.properties import metamorphic
from tests.properties.expressions import Writer
from tests.properties.laws import SAME, WITHIN, Example
from tests.properties.metamorphic import Broken, check_world
from tests.properties.moves import MOVES, in_another_order, ordered

WORLDS = 16


def test_laws_hold_in_random_worlds() -> None:
    held = Counter[str]()
    seed = random.randrange(1 << 32)
    for number in range(WORLDS):
        held += check_world(seed + number)
    stated = {law.__name__ for law in (*SAME, *WITHIN)}
    assert {law for law in stated if held[law] < WORLDS // 2} == set(), "these are refused by the language, mostly"
    assert {move.name for move in MOVES} <= held.keys()


def below_is_at_most(writer: Writer) -> Example:
    """x < a = x <= a, which is wrong"""
    return "count(open) < 1", "count(open) <= 1"


def test_a_law_that_does_not_hold_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one of some worlds, as not every one has somebody who opened just once."""
    monkeypatch.setattr(metamorphic, "SAME", (below_is_at_most,))
    monkeypatch.setattr(metamorphic, "POPULATIONS", (120,))
    with pytest.raises(Broken, match=r"below_is_at_most .*\ncount\(open\) < 1\ncount\(open\) <= 1\ndiffers for"):
        list(map(check_world, range(20)))


def test_rows_change_places_only_where_their_order_says_nothing() -> None:
    rows = [{"contact": "c1", "type": "open", "at": at} for at in "aabbc"]
    for place, row in enumerate(rows):
        row["campaign"] = str(place)
    rows.append({"contact": "c2", "type": "open", "at": "a", "campaign": "5"})
    [moved] = in_another_order(Events(rows), random.Random(1))
    assert moved != Events(rows)
    assert isinstance(moved, Events)
    order = {row["campaign"]: place for place, row in enumerate(moved.rows)}
    assert order["0"] < order["1"]
    assert order["2"] < order["3"]
    assert len(order) == len(rows)
    assert in_another_order(Contacts([{"id": "a"}, {"id": "a", "points": 1}]), random.Random(1)) == [
        Contacts([{"id": "a"}, {"id": "a", "points": 1}])
    ]


def test_the_order_of_a_duplicate_says_something() -> None:
    event = {"contact": "a", "type": "open", "at": "1", "id": "e"}
    assert ordered(event, {**event, "contact": "b", "at": "2"})
    assert not ordered(event, {**event, "contact": "b", "type": "send"})
