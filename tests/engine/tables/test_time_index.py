"""The contacts of a window are those of its events, wherever it begins and ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bitmaps import union
from engine.tables.times import DAY, TimeIndex


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-400 * DAY, 400 * DAY), st.integers(0, 20)), min_size=1, max_size=80),
    st.integers(-500, 500),
    st.integers(0, 900) | st.none(),
)
def test_bitmaps_of_units_hold_their_contacts(events, first, length):
    at = np.array(sorted(moment for moment, _ in events))
    contacts = np.array([contact for _, contact in sorted(events)], np.uint32)
    index = TimeIndex.of(contacts, at)
    units = at // index.unit
    last = int(units[-1]) + 1 if length is None else first + length
    expected = set(contacts[(units >= first) & (units < last)].tolist())
    assert set(union(index.between(first, last))) == expected
