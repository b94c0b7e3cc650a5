"""Sealed numbers, dates, datetimes and floats: values in the narrowest type that holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, OneOf, Range
from engine.bitmaps import from_mask
from engine.reading import ColumnPredicate
from engine.tables.columns import scan
from engine.tables.groups import GroupIndex
from engine.tables.loose import LooseNumbers, float_bounds, int_bounds, missing_of, present
from storage import Array, BlockRef

QUANTILES = 257


class SealedNumbers(LooseNumbers):
    """Immutable. `quantiles` are evenly spaced values of the sorted column, from the least to the greatest.

    `index`, for columns of row numbers, holds the rows of each value; it is built by who first needs it.
    """

    __slots__ = ("_count", "_present", "_quantiles", "index", "ref")

    def __init__(self, field: Field, data: NDArray[Any], quantiles: NDArray[Any], count: int) -> None:
        super().__init__(field, data)
        self.ref: BlockRef | None = None
        self._quantiles = quantiles
        self._count = count
        self._present: BitMap | None = None
        self.index: GroupIndex | None = None

    @classmethod
    def of(cls, column: LooseNumbers) -> SealedNumbers:
        """The sealed form of `column`."""
        held = column.data[present(column.data)]
        return cls(column.field, narrowed(column.data, held), _quantiles(held), len(held))

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        if isinstance(predicate, IsSet):
            return self.present if within is None else self.present & within
        return scan(self, predicate, within)

    @property
    def present(self) -> BitMap:
        """Rows that have a value."""
        if self._present is None:
            self._present = from_mask(present(self.data))
        return self._present

    def estimate(self, predicate: ColumnPredicate) -> int:
        """Exact for presence; within a 256th of the rows for ranges."""
        match predicate:
            case IsSet():
                return self._count
            case Range():
                floats = self.data.dtype.kind == "f"
                return self._estimate_between(*(float_bounds(predicate) if floats else int_bounds(predicate)))
            case OneOf(values):
                return sum(self._estimate_between(value, value) for value in values)
            case _:
                return self._count

    def _estimate_between(self, low: Any, high: Any) -> int:
        first = 0 if low is None else int(np.searchsorted(self._quantiles, low, "left"))
        last = len(self._quantiles) if high is None else int(np.searchsorted(self._quantiles, high, "right"))
        share = max(last - first, 0.5) / max(1, len(self._quantiles))
        return min(self._count, int(share * self._count) + 1)

    def arrays(self) -> dict[str, Array]:
        return {"data": self.data, "quantiles": self._quantiles, "count": np.array([self._count])}

    @classmethod
    def opened(cls, field: Field, arrays: dict[str, Array]) -> SealedNumbers:
        return cls(field, arrays["data"], arrays["quantiles"], int(arrays["count"][0]))


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
