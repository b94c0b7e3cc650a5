import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from pyroaring import BitMap

from engine.bitmaps import below, distinct, from_mask, from_rows, from_sorted, to_array, to_mask

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
