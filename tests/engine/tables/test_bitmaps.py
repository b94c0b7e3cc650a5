import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from pyroaring import BitMap

from engine.bitmaps import (
    add,
    all_of,
    any_of,
    below,
    distinct,
    fitted,
    from_mask,
    from_rows,
    from_sorted,
    from_words,
    members,
    members_but_not,
    members_of_both,
    members_of_either,
    rows_below,
    shared,
    take,
    to_array,
    to_mask,
    to_words,
)

rows = st.lists(st.integers(0, 300_000) | st.integers(65_530, 65_550), max_size=200)


@given(rows)
def test_kernels_agree_with_plain_bitmaps(given_rows):
    expected = BitMap(given_rows)
    ascending = np.array(sorted(set(given_rows)), np.uint32)
    assert from_sorted(ascending) == expected
    assert from_rows(np.array(given_rows, np.uint32)) == expected
    assert distinct(np.array(given_rows, np.uint32)).tolist() == ascending.tolist()
    assert to_array(expected).tolist() == ascending.tolist()
    mask = to_mask(expected, 300_001)
    assert np.flatnonzero(mask).tolist() == ascending.tolist()
    assert from_mask(mask) == expected
    assert below(expected, 65_540) == BitMap([row for row in given_rows if row < 65_540])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.0625, 0.5, 1.0])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_masks_of_every_density(share, size):
    mask = np.random.default_rng(7).random(size) < share
    assert from_mask(mask) == BitMap(np.flatnonzero(mask))
    assert from_rows(np.flatnonzero(mask)[::-1].astype(np.uint32)) == BitMap(np.flatnonzero(mask))


@given(st.sets(st.integers(0, 400_000), max_size=50), st.sets(st.integers(0, 6), max_size=7))
def test_words_hold_what_lists_bitsets_and_runs_hold(few, full):
    """A container may be a sorted list, a bitset or runs; with runs, the header depends on how many containers."""
    bitmap = BitMap(few)
    for key in full:
        start = key << 16
        bitmap |= BitMap(range(start + 10, start + 60_000, 2 if key % 2 else 1))
    expected = sorted(bitmap)
    for optimized in (False, True):
        if optimized:
            bitmap.run_optimize()
        words = to_words(bitmap, 460_000)
        bits = np.unpackbits(words.view(np.uint8), bitorder="little")
        assert np.flatnonzero(bits).tolist() == expected
        assert from_words(words) == bitmap


SIZE = 70_001
sets = st.builds(
    lambda few, start, step: BitMap(few) | BitMap(range(start, SIZE, step)),
    st.lists(st.integers(0, SIZE - 1), max_size=20),
    st.integers(0, SIZE - 1),
    st.sampled_from([1, 3, 200, 3000, SIZE]),
)


@given(sets, sets, sets)
def test_words_are_combined_and_counted_as_bitmaps_are(first, second, third):
    """Sets that are added and taken may be dense or not: each has its own way."""
    one, other, more = (to_words(each, SIZE) for each in (first, second, third))
    assert members(one) == len(first)
    assert members_of_both(one, other) == shared(first, other) == len(first & second)
    assert members_of_either(one, other) == len(first | second)
    assert members_but_not(one, other) == len(first - second)
    assert from_words(all_of([one, other, more])) == first & second & third
    assert from_words(any_of([one, other, more])) == first | second | third
    changed = one.copy()
    add(second, changed)
    take(third, changed)
    assert from_words(changed) == (first | second) - third
    assert (from_words(one), from_words(other)) == (first, second)
    assert from_words(fitted(one, SIZE + 100_000)) == first


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 65_536, 100_000])
def test_all_rows_below_a_size_are_words(size):
    assert from_words(rows_below(size)) == BitMap(range(size))
