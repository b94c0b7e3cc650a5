"""What every column here shares: the shape of values without an index, and how a test of rows becomes a bitmap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, type_of_value
from engine.bitmaps import Mask, Rows, Words, below, from_mask, from_sorted, to_array
from engine.reading import ColumnPredicate, Order

Numbers = tuple[NDArray[np.int64] | NDArray[np.float64], Mask]

GATHER_WORTH = 8
"""Rows asked for are gathered one by one when the column has at least so many times as many."""


class Scanned(Protocol):
    """Values that can be tested row by row: a column before anything is indexed."""

    @property
    def field(self) -> Field: ...

    @property
    def size(self) -> int: ...

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        """Which of `rows` (of all, in order, when None) satisfy `predicate`; never a missing value."""

    def values(self, rows: Rows) -> list[type_of_value | None]: ...

    def value(self, row: int) -> type_of_value | None: ...

    def numbers(self, rows: Rows) -> Numbers: ...

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]: ...


class Plain:
    """A column that tells which rows satisfy a predicate, and nothing that only an index or an order would tell."""

    __slots__ = ()

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        return None

    def by_value(self) -> tuple[Order, BitMap] | None:
        return None

    def counted(self, predicate: ColumnPredicate) -> int | None:
        return None

    @property
    def scanned(self) -> int:
        return 0


def scan(column: Scanned, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
    """Rows of `column` that satisfy `predicate`, among `within`, found by testing values."""
    if within is None:
        return from_mask(column.test(predicate, None))
    if len(within) * GATHER_WORTH > column.size:
        return from_mask(column.test(predicate, None)) & within
    rows = to_array(below(within, column.size))
    return from_sorted(rows[column.test(predicate, rows)])
