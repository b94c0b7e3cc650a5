import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from pyroaring import BitMap

from engine.bitmaps import below, distinct, from_mask, from_rows, from_sorted, from_words, to_array, to_mask, to_words

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
