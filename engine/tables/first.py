"""Which rows have the texts that come first: what ties are broken by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.deadline import still_wanted
from engine.native import kernel
from engine.tables.searching import Bytes, Texts

Ends = NDArray[np.int32]

AT_ONCE = 1 << 16
"""So many texts are compared between two looks at the deadline."""


def first_by_text(texts: pa.StringArray, rows: Rows, count: int) -> Rows:
    """The `count` of `rows`, which are more, whose texts come first, in any order: bytes of UTF-8 stand as code points
    do."""
    found = Texts(texts)
    kept, held = np.empty(count, np.uint32), 0
    for begin in range(0, len(rows), AT_ONCE):
        still_wanted()
        held = _keep_first(found.ends, found.data, rows[begin : begin + AT_ONCE], kept, held)
    return kept


@kernel("i4[]", "u1[]", "i8", "i8")
def _before(ends: Ends, data: Bytes, one: int, other: int) -> bool:
    """Whether one text comes before another."""
    left, right = ends[one], ends[other]
    left_end, right_end = ends[one + 1], ends[other + 1]
    while left < left_end and right < right_end:
        if data[left] != data[right]:
            return bool(data[left] < data[right])
        left += 1
        right += 1
    return bool(left_end - left < right_end - right)


@kernel("i4[]", "u1[]", "u4[]", "out u4[]", "i8")
def _keep_first(ends: Ends, data: Bytes, rows: Rows, kept: Rows, held: int) -> int:
    """Go on with `rows`: `held` of `kept` are the rows whose texts came first so far, as a heap whose top comes last
    (https://en.wikipedia.org/wiki/Heapsort). How many are kept now."""
    for row in rows:
        if held < kept.size:
            place = held
            held += 1
            while place and _before(ends, data, kept[(place - 1) // 2], row):
                kept[place] = kept[(place - 1) // 2]
                place = (place - 1) // 2
            kept[place] = row
        elif _before(ends, data, row, kept[0]):
            place, below = 0, 1
            while below < held:
                if below + 1 < held and _before(ends, data, kept[below], kept[below + 1]):
                    below += 1
                if not _before(ends, data, row, kept[below]):
                    break
                kept[place] = kept[below]
                place, below = below, 2 * below + 1
            kept[place] = row
    return held
