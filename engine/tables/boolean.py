"""Sealed booleans: a bitmap of the true rows and one of the false."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, OneOf
from engine.bitmaps import Words, fitted, from_mask, union
from engine.reading import ColumnPredicate
from engine.tables.loose import LooseNumbers, present
from engine.tables.numeric import narrowed
from engine.tables.shelf import Shelf
from storage import Array, BlockRef


class SealedBooleans(LooseNumbers):
    """Immutable. Bitmap 0 of the shelf holds the false rows, bitmap 1 the true ones, bitmap 2 both."""

    __slots__ = ("_shelf", "_words", "ref")

    def __init__(self, field: Field, data: NDArray[Any], shelf: Shelf) -> None:
        super().__init__(field, data)
        self.ref: BlockRef | None = None
        self._shelf = shelf
        self._words: list[Words | None] = [None] * len(shelf)

    @classmethod
    def of(cls, column: LooseNumbers) -> SealedBooleans:
        """The sealed form of `column`."""
        data = narrowed(column.data, column.data[present(column.data)])
        return cls(column.field, data, Shelf.of([from_mask(data == 0), from_mask(data == 1), from_mask(data >= 0)]))

    @property
    def scanned(self) -> int:
        return 0

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        rows = self._rows(predicate)
        return rows if within is None else rows & within

    def _rows(self, predicate: ColumnPredicate) -> BitMap:
        match predicate:
            case OneOf(values):
                return union([self._shelf[number] for number in (0, 1) if number in values])
            case IsSet():
                return self._shelf[2]
            case _:
                raise TypeError(f"{type(predicate).__name__} does not apply to booleans")

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        match predicate:
            case OneOf((True | False as value,)):
                return fitted(self._words_of(int(value)), size)
            case IsSet():
                return fitted(self._words_of(2), size)
            case _:
                return None

    def _words_of(self, number: int) -> Words:
        """A bitmap of the shelf; kept once made."""
        words = self._words[number]
        if words is None:
            words = self._words[number] = self._shelf.words(number, self.size)
        return words

    def estimate(self, predicate: ColumnPredicate) -> int:
        return len(self._rows(predicate))

    def arrays(self) -> dict[str, Array]:
        return {"data": self.data, **self._shelf.arrays()}

    @classmethod
    def opened(cls, field: Field, arrays: dict[str, Array]) -> SealedBooleans:
        return cls(field, np.asarray(arrays["data"]), Shelf.opened(arrays))
