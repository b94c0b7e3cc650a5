"""The rows of a column of numbers in the order of their values: what is asked of a value is a stretch of this order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.typed import Range
from engine.bitmaps import Rows, Words, from_rows, from_words, is_dense, set_between, to_words, words_of
from engine.native import kernel
from engine.reading import ColumnPredicate, Intervals
from engine.tables.loose import float_bounds, int_bounds, intervals_of
from storage import Array

BUCKETS = 254
"""The order is cut into so many buckets of as many rows each; a byte of each row tells its own, 0 that it has none."""
FEW_ROWS = 256
"""So many rows are gathered, not set in words."""
FILL_WORTH = 64
"""The buckets of all rows are looked through for a stretch that holds at least one row in so many."""
DIGIT = 11
"""Bits of a key that one pass of sorting looks at."""
DISTINCT_WORTH = 4
"""Different values are listed when there are at least so many rows to each on average."""

NUMBERS = ("i1", "i2", "i4", "i8", "f8")

Values = NDArray[Any]
Positions = NDArray[np.int64]


class Stretches(NamedTuple):
    """Positions of an order: those from `first[i]` until `last[i]`, `total` in all."""

    first: Positions
    last: Positions
    total: int


class Order:
    """`rows` that have a value, by ascending value in `data`; of equal values the first row is first.

    The row at position `p` of the order has the bucket `1 + p // width`. So a stretch of the order is told by a byte
    of each row, but for the rows at its two ends. The order takes 5 bytes a row.
    """

    __slots__ = ("_distinct", "_ends", "_present", "_width", "buckets", "data", "rows")

    def __init__(self, data: Values, rows: Rows, buckets: NDArray[np.uint8]) -> None:
        self.data = data
        self.rows = rows
        self.buckets = buckets
        self._width = len(rows) // BUCKETS + 1
        self._distinct: Values | None = None
        self._ends: tuple[Any, Any] | None = None
        self._present: Words | None = None

    @classmethod
    def of(cls, data: Values, there: Rows) -> Order:
        """The order of `data` at the rows `there` that have a value, which ascend."""
        order = cls(data, _ordered(data, there), np.zeros(len(data), np.uint8))
        _fill_buckets(order.rows, order._width, order.buckets)
        return order

    def arrays(self) -> dict[str, Array]:
        return {"order": self.rows, "buckets": self.buckets}

    @classmethod
    def opened(cls, data: Values, arrays: dict[str, Array]) -> Order | None:
        """The order among `arrays`; None where there is none."""
        return cls(data, arrays["order"], arrays["buckets"]) if "order" in arrays else None

    @property
    def ends(self) -> tuple[Any, Any] | None:
        """The least and the greatest value; None when there is none."""
        if self._ends is None and len(self.rows):
            self._ends = self.data[self.rows[0]].item(), self.data[self.rows[-1]].item()
        return self._ends

    @property
    def distinct(self) -> Values | None:
        """The different values, ascending; None when they are not much fewer than the rows."""
        if self._distinct is None:
            values = self.data[self.rows]
            different = values[np.append(True, values[1:] != values[:-1])] if len(values) else values
            self._distinct = different if len(different) * DISTINCT_WORTH <= len(values) else values[:0]
        return self._distinct if len(self._distinct) else None

    @property
    def present(self) -> Words:
        """The rows that have a value."""
        if self._present is None:
            present = np.zeros(words_of(len(self.data)), np.uint64)
            set_between(self.buckets, 1, BUCKETS, present)
            self._present = present
        return self._present

    def count(self, predicate: ColumnPredicate) -> int | None:
        """How many rows have a value that satisfies `predicate`; None when it is not about values."""
        if type(predicate) is Range:
            first, last = self._between(predicate)
            return last - first
        found = self._found(predicate)
        return None if found is None else found.total

    def matching(self, predicate: ColumnPredicate) -> BitMap | None:
        """The rows that have a value that satisfies `predicate`; None when it is not about values."""
        found = self._found(predicate)
        if found is None:
            return None
        return self._few(found) if found.total <= FEW_ROWS else from_words(self._words(found))

    def words(self, predicate: ColumnPredicate) -> Words | None:
        """The same as words that nobody changes; None also when they are not dense."""
        found = self._found(predicate)
        return None if found is None or not is_dense(found.total, len(self.data)) else self._words(found)

    def leading(self, members: BitMap, keep: int, largest: bool) -> BitMap | None:
        """The `keep` of `members` with the largest, or least, values, and others that have the last of these too.

        None when fewer than `keep` of them have a value.
        """
        words = to_words(members, len(self.data))
        found = np.empty(min(len(members), len(self.rows)), np.uint32)
        rows = found[: _lead(self.data, self.rows, words, keep, largest, found)]
        return from_rows(rows) if len(rows) >= keep else None

    def _found(self, predicate: ColumnPredicate) -> Stretches | None:
        """Where the values lie that satisfy a predicate; None when it is not about values."""
        if type(predicate) is Range:
            first, last = self._between(predicate)
            return Stretches(np.array([first]), np.array([last]), last - first)
        intervals = intervals_of(predicate, self.data.dtype)
        return None if intervals is None else self._stretches(intervals)

    def _between(self, wanted: Range) -> tuple[int, int]:
        """Where the values of a range begin in the order, and where they end."""
        ends, kind = self.ends, self.data.dtype
        if ends is None:
            return 0, 0
        low, high = float_bounds(wanted) if kind.kind == "f" else int_bounds(wanted)
        least = ends[0] if low is None else max(low, ends[0])
        most = ends[1] if high is None else min(high, ends[1])
        return _bounds(self.data, self.rows, kind.type(least), kind.type(most)) if least <= most else (0, 0)

    def _stretches(self, intervals: Intervals) -> Stretches:
        """The rows of each interval."""
        ends = self.ends
        if ends is None:
            return Stretches(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
        lows, highs = np.maximum(intervals.lows, ends[0]), np.minimum(intervals.highs, ends[1])
        some, kind = lows <= highs, self.data.dtype
        lows, highs = lows[some].astype(kind), highs[some].astype(kind)
        first, last = np.empty(len(lows), np.int64), np.empty(len(lows), np.int64)
        return Stretches(first, last, _find(self.data, self.rows, lows, highs, first, last))

    def _few(self, found: Stretches) -> BitMap:
        """The few rows of stretches."""
        pairs = zip(found.first.tolist(), found.last.tolist(), strict=True)
        stretches = [self.rows[first:last] for first, last in pairs if first < last]
        return from_rows(np.concatenate(stretches)) if stretches else BitMap()

    def _words(self, found: Stretches) -> Words:
        """The rows of stretches that do not overlap."""
        first, last, total = found.first, found.last, found.total
        if total == len(self.rows):
            return self.present
        words = np.zeros(words_of(len(self.data)), np.uint64)
        if len(first) == 1 and total * FILL_WORTH > len(self.rows):
            self._fill(int(first[0]), int(last[0]), words)
        elif total * 2 > len(self.rows):
            _set_stretches(self.rows, np.append(0, last), np.append(first, len(self.rows)), words)
            np.bitwise_and(self.present, ~words, out=words)
        else:
            _set_stretches(self.rows, first, last, words)
        return words

    def _fill(self, first: int, last: int, words: Words) -> None:
        """Set the rows at the positions from `first` until `last`: whole buckets, and what is left of two others."""
        low, high = -(-first // self._width), last // self._width
        if low < high:
            set_between(self.buckets, 1 + low, high, words)
            _set_stretch(self.rows, first, low * self._width, words)
            _set_stretch(self.rows, high * self._width, last, words)
        else:
            _set_stretch(self.rows, first, last, words)


def _ordered(data: Values, there: Rows) -> Rows:
    """`there` by ascending value, then row."""
    if len(there) < 2:
        return there
    keys = _keys(data[there])
    keys -= keys.min()
    rows = there.copy()
    for shift in range(0, int(keys.max()).bit_length(), DIGIT):
        keys, rows = _pass(keys, rows, shift)
    return rows


def _keys(values: Values) -> NDArray[np.uint64]:
    """Unsigned numbers in the order of the values; those of -0.0 and 0.0 differ, and have no other between them."""
    if values.dtype.kind == "i":
        return values.astype(np.int64).view(np.uint64) ^ _SIGN
    bits = values.view(np.uint64)
    keys: NDArray[np.uint64] = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return keys


_SIGN = np.uint64(1 << 63)


def _pass(keys: NDArray[np.uint64], rows: Rows, shift: int) -> tuple[NDArray[np.uint64], Rows]:
    """`keys`, each with its row, in the order of one digit, and in the order they came in where it is the same."""
    new_keys, new_rows = np.empty_like(keys), np.empty_like(rows)
    _by_digit(keys, rows, shift, new_keys, new_rows)
    return new_keys, new_rows


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("u8[]", "u4[]", "i8", "out u8[]", "out u4[]")
def _by_digit(keys: Any, rows: Rows, shift: int, new_keys: Any, new_rows: Rows) -> None:
    """One pass of a radix sort (https://en.wikipedia.org/wiki/Radix_sort)."""
    mask, down = np.uint64((1 << DIGIT) - 1), np.uint64(shift)
    places = np.zeros((1 << DIGIT) + 1, np.int64)
    for at in range(keys.size):
        places[np.int64((keys[at] >> down) & mask) + 1] += 1
    for place in range(1, places.size):
        places[place] += places[place - 1]
    for at in range(keys.size):
        digit = np.int64((keys[at] >> down) & mask)
        new_keys[places[digit]] = keys[at]
        new_rows[places[digit]] = rows[at]
        places[digit] += 1


@kernel("u4[]", "i8", "out u1[]")
def _fill_buckets(rows: Rows, width: int, buckets: NDArray[np.uint8]) -> None:
    for position in range(rows.size):
        buckets[rows[position]] = 1 + position // width


@kernel("T[]", "u4[]", "T", "T", T=NUMBERS)
def _bounds(data: Values, rows: Rows, least: Any, most: Any) -> tuple[int, int]:
    """The first position whose value is not below `least`, and the first whose value is above `most`, by bisection."""
    low, high = 0, rows.size
    while low < high:
        middle = (low + high) // 2
        if data[rows[middle]] < least:
            low = middle + 1
        else:
            high = middle
    first, high = low, rows.size
    while low < high:
        middle = (low + high) // 2
        if data[rows[middle]] <= most:
            low = middle + 1
        else:
            high = middle
    return first, low


@kernel("T[]", "u4[]", "T[]", "T[]", "out i8[]", "out i8[]", T=NUMBERS)
def _find(data: Values, rows: Rows, lows: Values, highs: Values, first: Positions, last: Positions) -> int:
    """The bounds of each interval; how many positions lie between."""
    total = 0
    for at in range(lows.size):
        first[at], last[at] = _bounds(data, rows, lows[at], highs[at])
        total += last[at] - first[at]
    return total


@kernel("u4[]", "i8", "i8", "out u8[]")
def _set_stretch(rows: Rows, first: int, last: int, words: Words) -> None:
    """Add the rows at the positions from `first` until `last` to the set `words`."""
    for row in rows[first:last]:
        words[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel("u4[]", "i8[]", "i8[]", "out u8[]")
def _set_stretches(rows: Rows, first: Positions, last: Positions, words: Words) -> None:
    for at in range(first.size):
        _set_stretch(rows, first[at], last[at], words)


@kernel("T[]", "u4[]", "u8[]", "i8", "b1", "out u4[]", T=NUMBERS)
def _lead(data: Values, rows: Rows, words: Words, keep: int, largest: bool, found: Rows) -> int:
    """Write the first `keep` rows of the order, or the last, that are in the set `words`, and those as good as the last
    of them; how many."""
    count, place, step = 0, 0, 1
    if largest:
        place, step = rows.size - 1, -1
    for _ in range(rows.size):
        row = rows[place]
        if count >= keep and (count == 0 or data[row] != data[found[count - 1]]):
            break
        if words[row >> np.uint32(6)] >> np.uint64(row & np.uint32(63)) & np.uint64(1):
            found[count] = row
            count += 1
        place += step
    return count
