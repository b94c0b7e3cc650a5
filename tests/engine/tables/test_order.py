"""The order of a column of numbers, against tests of each value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from dsl.typed import IsSet, OneOf, Range
from engine.bitmaps import from_words, set_between, words_of
from engine.reading import Intervals
from engine.tables import loose, ordered
from engine.tables.loose import missing_of, present
from engine.tables.ordered import Order

KINDS = (np.int8, np.int16, np.int32, np.int64, np.float64)


@st.composite
def columns(draw):
    """Values of some kind, missing ones among them: few different ones, or as many as there are rows."""
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    size, seed, spread = draw(st.sampled_from([0, 1, 70, 5000])), draw(st.integers(0, 99)), draw(st.integers(1, 120))
    random = np.random.default_rng(seed)
    data = (random.normal(size=size) * spread).clip(-120, 120)
    data = data if kind.kind == "f" else data.astype(kind)
    data[random.random(size) < draw(st.sampled_from([0, 0.3, 1]))] = missing_of(kind)
    return data


def ends(draw, kind):
    value = st.floats(-130, 130) if kind.kind == "f" else st.integers(-130, 130)
    return sorted(draw(st.lists(value, min_size=2, max_size=20, unique=True)))


def asked(draw, kind):
    found = ends(draw, kind)
    pairs = np.array(found[: len(found) // 2 * 2], np.float64 if kind.kind == "f" else np.int64)
    return draw(
        st.sampled_from(
            [
                Range(found[0], found[-1]),
                Range(found[0], None, low_open=True),
                Range(None, found[-1], high_open=True),
                OneOf(tuple(found)),
                Intervals(pairs[0::2], pairs[1::2]),
            ]
        )
    )


@settings(max_examples=150, deadline=None)
@given(columns(), st.data(), st.sampled_from([(1, 0, 1), (3, 2, 1 << 20), (254, 256, 64)]))
def test_it_finds_and_counts_the_rows_whose_values_are_asked_for(data, draws, limits):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("BUCKETS", "FEW_ROWS", "FILL_WORTH"), limits, strict=True):
            patch.setattr(ordered, name, value)
        order = Order.of(data, np.flatnonzero(present(data)).astype(np.uint32))
        for _ in range(3):
            predicate = asked(draws.draw, data.dtype)
            expected = BitMap(np.flatnonzero(loose.test_numbers(predicate, data)))
            assert order.matching(predicate) == expected
            assert order.count(predicate) == len(expected)


@settings(max_examples=50, deadline=None)
@given(columns())
def test_rows_stand_by_value_and_equal_ones_by_row(data):
    there = np.flatnonzero(present(data))
    order = Order.of(data, there.astype(np.uint32))
    assert order.rows.tolist() == sorted(there.tolist(), key=lambda row: (data[row], row))
    assert order.ends == ((data[there].min(), data[there].max()) if len(there) else None)
    different = np.unique(data[there])
    assert order.distinct is None or order.distinct.tolist() == different.tolist()
    assert (order.distinct is not None) == (0 < len(different) * ordered.DISTINCT_WORTH <= len(there))
    assert from_words(order.present) == BitMap(there)
    assert Order.opened(data, order.arrays()).rows is order.rows


def test_zeros_of_both_signs_are_equal():
    data = np.array([0.0, -0.0, 1.0, -1.0])
    order = Order.of(data, np.arange(4, dtype=np.uint32))
    assert order.matching(OneOf((0,))) == BitMap([0, 1])
    assert order.count(Range(0, None)) == 3


def test_it_does_not_tell_what_is_not_about_values():
    order = Order.of(np.array([1, 2]), np.arange(2, dtype=np.uint32))
    assert (order.matching(IsSet()), order.count(IsSet())) == (None, None)
    assert order.count(Range(1 << 70, None)) == order.count(Range(None, -(1 << 70))) == 0


@settings(max_examples=50, deadline=None)
@given(columns(), st.data())
def test_rows_between_are_those_whose_values_are(data, draws):
    low, *_, high = ends(draws.draw, data.dtype)
    low, high = (max(-127, min(127, end)) for end in (low, high))
    words = np.zeros(words_of(len(data)), np.uint64)
    set_between(data, low, high, words)
    assert from_words(words) == BitMap(np.flatnonzero((data >= low) & (data <= high)))


@settings(max_examples=100, deadline=None)
@given(columns(), st.integers(0, 99), st.sampled_from([0, 0.02, 0.5, 1]), st.integers(0, 40), st.booleans())
def test_the_leading_rows_are_those_as_good_as_the_last_one_kept(data, seed, share, keep, largest):
    there = np.flatnonzero(present(data))
    order = Order.of(data, there.astype(np.uint32))
    members = np.flatnonzero(np.random.default_rng(seed).random(len(data)) < share)
    ranked = sorted(data[np.intersect1d(members, there)].tolist(), reverse=largest)
    leading = order.leading(BitMap(members), keep, largest)
    if len(ranked) < keep:
        assert leading is None
    else:
        good = [row for row in np.intersect1d(members, there) if ranked.index(data[row]) < keep]
        assert leading == BitMap(good)
