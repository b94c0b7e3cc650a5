"""Sealed numbers, dates, datetimes and floats: values in the narrowest type that holds them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, Range
from engine.bitmaps import CONTAINER, Words, fitted, from_mask, from_words, set_between, to_words, words_of
from engine.reading import ColumnPredicate
from engine.tables.columns import GATHER_WORTH, scan
from engine.tables.groups import Postings
from engine.tables.loose import LooseNumbers, intervals_of, missing_of, present
from engine.tables.ordered import Order
from storage import Array, BlockRef

QUANTILES = 257
FEW_STEPS = 4
"""What lies between so few quantiles is counted by the order of the values, where it is known."""
ORDER_WORTH = 128
"""Where there is an order, rows asked for are gathered when the column has at least so many times as many."""

COMPARED_WORTH = 64
"""Where there is none, and a test is one interval, all values from the first to the last asked for are compared."""


class SealedNumbers(LooseNumbers):
    """Immutable. `quantiles` are evenly spaced values of the sorted column, from the least to the greatest.

    `index`, for columns of row numbers, holds the rows of each value; it is built by who first needs it. So is the
    order of the values, for columns of contacts and companies.
    """

    __slots__ = ("_count", "_order", "_present", "_quantiles", "_steps", "_there", "index", "ref")

    def __init__(self, field: Field, data: NDArray[Any], quantiles: NDArray[Any], count: int) -> None:
        super().__init__(field, data)
        self.ref: BlockRef | None = None
        self._quantiles = quantiles
        self._steps: list[Any] | None = None
        self._count = count
        self._present: BitMap | None = None
        self._there: Words | None = None
        self.index: Postings | None = None
        self._order: Order | None = None

    @classmethod
    def of(cls, column: LooseNumbers) -> SealedNumbers:
        """The sealed form of `column`."""
        held = column.data[present(column.data)]
        return cls(column.field, narrowed(column.data, held), _quantiles(held), len(held))

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        if isinstance(predicate, IsSet):
            return self.present if within is None else self.present & within
        intervals = intervals_of(predicate, self.data.dtype)
        single = intervals is not None and len(intervals.lows) == 1
        worth = ORDER_WORTH if self._order is not None else COMPARED_WORTH if single else GATHER_WORTH
        if within is not None and len(within) * worth < self.size:
            return scan(self, predicate, within)
        found = self._found(predicate, within)
        return found if within is None else found & within

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        if isinstance(predicate, IsSet):
            if self._there is None:
                self._there = to_words(self.present, self.size)
            return fitted(self._there, size)
        found = None if self._order is None else self._order.words(predicate)
        return None if found is None else fitted(found, size)

    def _found(self, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
        """The rows that satisfy it, at least those of `within`."""
        found = self._order.matching(predicate) if self._order is not None else None
        if found is not None:
            return found
        intervals = intervals_of(predicate, self.data.dtype)
        if intervals is None or len(intervals.lows) != 1:
            return scan(self, predicate, None)
        return self._between(intervals.lows[0].item(), intervals.highs[0].item(), within)

    def _between(self, low: Any, high: Any, within: BitMap | None) -> BitMap:
        """Rows whose value is between two ends, from the first to the last of `within`."""
        if self.data.dtype.kind == "i":
            limits = np.iinfo(self.data.dtype)
            low, high = max(low, int(limits.min) + 1), min(high, int(limits.max))
        if low > high or (within is not None and not within):
            return BitMap()
        first, last = (0, self.size) if within is None else (within.min() // CONTAINER * CONTAINER, within.max() + 1)
        words = np.zeros(words_of(self.size), np.uint64)
        set_between(self.data[first:last], low, high, words[words_of(first) :])
        return from_words(words)

    def ordered(self) -> Order:
        """The rows in the order of their values: made when first asked for, then kept and saved."""
        if self._order is None:
            self._order = Order.of(self.data, np.flatnonzero(present(self.data)).astype(np.uint32))
        return self._order

    @property
    def scanned(self) -> int:
        return self.size if self._order is None else 0

    def counted(self, predicate: ColumnPredicate) -> int | None:
        return self.ordered().count(predicate)

    @property
    def present(self) -> BitMap:
        """Rows that have a value."""
        if self._present is None:
            self._present = from_mask(present(self.data))
        return self._present

    def estimate(self, predicate: ColumnPredicate) -> int:
        """Exact for presence, and for what few rows have where the order is known; else within a 256th of the rows."""
        if type(predicate) is Range:
            about = self._estimate_between(predicate.low, predicate.high)
            if self._order is None or about > self._count * FEW_STEPS // QUANTILES:
                return about
        known = self._order.count(predicate) if self._order is not None else None
        if known is not None:
            return known
        intervals = intervals_of(predicate, self.data.dtype)
        if intervals is None:
            return self._count
        return sum(map(self._estimate_between, intervals.lows.tolist(), intervals.highs.tolist()))

    def _estimate_between(self, low: Any, high: Any) -> int:
        if self._steps is None:
            self._steps = self._quantiles.tolist()
        first = 0 if low is None else bisect_left(self._steps, low)
        last = len(self._steps) if high is None else bisect_right(self._steps, high)
        share = max(last - first, 0.5) / max(1, len(self._steps))
        return min(self._count, int(share * self._count) + 1)

    def arrays(self) -> dict[str, Array]:
        arrays = {"data": self.data, "quantiles": self._quantiles, "count": np.array([self._count])}
        return arrays if self._order is None else {**arrays, **self._order.arrays()}

    @classmethod
    def opened(cls, field: Field, arrays: dict[str, Array]) -> SealedNumbers:
        column = cls(field, arrays["data"], arrays["quantiles"], int(arrays["count"][0]))
        column._order = Order.opened(column.data, arrays)
        return column


def _quantiles(held: NDArray[Any]) -> NDArray[Any]:
    """Evenly spaced values of `held` in order: exact up to 16 times as many values as quantiles, else of a sample."""
    sample = np.sort(held[:: max(1, len(held) // (16 * QUANTILES))])
    if not len(sample):
        return sample
    return sample[np.linspace(0, len(sample) - 1, QUANTILES).astype(np.int64)]


def narrowed(data: NDArray[Any], held: NDArray[Any]) -> NDArray[Any]:
    """`data` in the narrowest integer type whose least number none of the values `held` in it needs."""
    if data.dtype.kind == "f":
        return data
    least, most = (int(held.min()), int(held.max())) if len(held) else (0, 0)
    for narrow in (np.int8, np.int16, np.int32):
        limits = np.iinfo(narrow)
        if limits.min < least and most <= limits.max:
            return np.where(data == missing_of(data.dtype), limits.min, data).astype(narrow)
    return data
