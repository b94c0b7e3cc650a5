"""Work in stretches of contacts gives what it gives all at once; quotients are ranked exactly."""

from __future__ import annotations

from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plan.physical import cut, space
from engine.plan.physical.numbers import Numbers, times
from engine.plan.physical.space import in_stretches

OWNERS = st.lists(st.lists(st.integers(0, 40), max_size=60), min_size=1, max_size=3)


@settings(max_examples=80, deadline=None)
@given(OWNERS, st.integers(1, 30))
def test_stretches_part_owners_and_keep_order(owners: list[list[int]], at_once: int) -> None:
    arrays = [np.array(each, np.uint32) for each in owners]
    with mock.patch.object(space, "STRETCH_EVENTS", at_once):
        stretches = [
            [array[rows].tolist() for array, rows in zip(arrays, chosen, strict=True)]
            for chosen in in_stretches(arrays, 41)
        ]
    met: set[int] = set()
    for pieces in stretches:
        here = {owner for piece in pieces for owner in piece}
        assert not here & met
        met |= here
    for number, each in enumerate(owners):
        for owner in range(41):
            assert sum(pieces[number].count(owner) for pieces in stretches) == each.count(owner)


def test_positions_ascend_within_a_stretch() -> None:
    with mock.patch.object(space, "STRETCH_EVENTS", 2):
        for [chosen] in in_stretches([np.array([3, 0, 3, 1, 0, 3])], 4):
            assert np.all(np.diff(chosen) > 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 60)), min_size=1, max_size=40), st.booleans())
def test_quotients_are_ranked_as_fractions_are(pairs: list[tuple[int, int]], largest: bool) -> None:
    ranks(pairs, largest)


@pytest.mark.parametrize("largest", [True, False])
def test_quotients_that_round_to_one_float_are_told_apart(largest: bool) -> None:
    big = 1 << 52
    ranks([(big - 1, big), (big - 2, big - 1), (1, 3), (2, 6), (big, 1)], largest)
    ranks([(1 << 60, 3), ((1 << 60) + 1, 3), (1, 2)], largest)


def ranks(pairs: list[tuple[int, int]], largest: bool) -> None:
    numbers = Numbers(
        np.array([top for top, _ in pairs]), np.ones(len(pairs), np.bool_), np.array([bottom for _, bottom in pairs])
    )
    values = [Fraction(*pair) for pair in pairs]
    order = sorted(set(values), reverse=largest)
    assert cut._ranks(numbers, largest).tolist() == [order.index(value) for value in values]


@given(st.lists(st.none() | st.integers(-(2**31) + 1, 2**31 - 1), min_size=1, max_size=20), st.booleans())
def test_keys_stand_in_the_order_of_ranks(values, largest):
    for kind in (np.int32, np.int64):
        numerator = np.array([0 if value is None else value for value in values], kind)
        numbers = Numbers(numerator, np.array([value is not None for value in values]))
        ranks, keys = cut._ranks(numbers, largest), cut._keys(numbers, largest)
        assert ((ranks[:, None] < ranks) == (keys[:, None] < keys)).all()


@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 60])
def test_pieces_are_ordered_as_the_whole_would_be(size, monkeypatch):
    monkeypatch.setattr("engine.plan.physical.space.ORDERED_AT_ONCE", 7)
    monkeypatch.setattr("engine.plan.physical.space.STRETCH_EVENTS", 4)
    owners = np.random.default_rng(size).integers(0, 30, size).astype(np.uint32)
    stretches = size // 4 + 1
    width = 30 // stretches + 1
    expected = [np.flatnonzero(owners // width == stretch).tolist() for stretch in range(-(-30 // width))]
    found = [np.arange(size)[rows].tolist() for [rows] in in_stretches([owners], 30)]
    assert found == (expected if stretches > 1 else [list(range(size))])


@pytest.mark.parametrize("factor", [0, 1, -3, 1 << 62])
def test_products_of_what_is_beyond_int64_are_exact(factor: int) -> None:
    """Missing values are the least number there is, and their quotients are compared with 0 as all others."""
    values = [1 << 63, 0, -(1 << 70)]
    assert list(np.asarray(times(np.array(values, object), factor))) == [value * factor for value in values]
