"""Numbers of occasions, counted in bits, against counting one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bitmaps import from_words, set_rows, words_of
from engine.plan.physical.regular import _at_least, _count_in

SIZE = 200


@settings(max_examples=60)
@given(st.lists(st.sets(st.integers(0, SIZE - 1)), min_size=1, max_size=20), st.data())
def test_members_of_enough_sets_are_found(sets, data):
    needed = data.draw(st.integers(1, len(sets)))
    bits = np.zeros((len(sets).bit_length(), words_of(SIZE)), np.uint64)
    for members in sets:
        words = np.zeros(words_of(SIZE), np.uint64)
        set_rows(np.array(sorted(members), np.uint32), words)
        _count_in(words, bits)
    expected = {row for row in range(SIZE) if sum(row in members for members in sets) >= needed}
    assert set(from_words(_at_least(bits, needed))) == expected
