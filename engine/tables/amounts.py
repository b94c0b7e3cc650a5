"""The whole numbers that the events of a part have for a property, for each of its people."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.counting import Array, Counts, add_values, raise_each
from engine.reading import Kept
from engine.tables.loose import missing_of
from engine.tables.tallies import Marked, Tallies, Totals

_INT32 = 1 << 31
_INT64 = 1 << 63


class Amounts:
    """Of one column of a part whose events lie in order of time. What is kept for quick answers is made when needed."""

    def __init__(self, contacts: Rows, values: NDArray[np.signedinteger[Any]], tallies: Tallies) -> None:
        """`tallies` count all events of the part."""
        self._contacts = contacts
        self._all = tallies
        self._values = values if values.dtype.itemsize >= 4 else _widened(values, np.dtype(np.int32))
        self._missing = missing_of(self._values.dtype)
        self._extremes: dict[bool, Extremes] = {}

    def has(self, kept: Kept) -> bool:
        """Whether it was made already."""
        match kept:
            case Kept.TOTALS:
                return "totals" in self.__dict__
            case Kept.MEANS:
                return {"totals", "held"} <= self.__dict__.keys()
            case _:
                return (kept is Kept.GREATEST) in self._extremes

    @property
    def type(self) -> type[np.signedinteger[Any]]:
        """That of the values: int32 or int64, whose least number stands for none."""
        return self._values.dtype.type

    @cached_property
    def bound(self) -> int:
        """The magnitudes of no contact sum to more than this, but where that exceeds int64 it is a rough bound."""
        held = self._values[self._values != self._missing]
        largest = max(-int(held.min(initial=0)), int(held.max(initial=0)))
        rough = largest * self._all.most
        if rough < _INT32 or rough >= _INT64:
            return rough
        sums = np.zeros(int(self._contacts.max(initial=0)) + 1, np.int64)
        magnitudes = np.where(self._values == self._missing, 0, np.abs(self._values))
        add_values(sums, self._contacts, magnitudes, self._missing)
        return int(sums.max())

    @cached_property
    def totals(self) -> Totals | None:
        """What values sum to; None where a sum may not fit int64."""
        if self.bound >= _INT64:
            return None
        return Totals(self._contacts, self._values, self._missing, np.int32 if self.bound < _INT32 else np.int64)

    @cached_property
    def held(self) -> Held:
        """How many events have a value."""
        present = self._values != self._missing
        if present.all():
            return Held(self._all, None)
        rows = np.flatnonzero(present)
        return Held(Tallies(self._contacts[rows], self._all.most), rows)

    def extremes(self, greatest: bool) -> Extremes:
        if greatest not in self._extremes:
            signed = self._values if greatest else -self._values
            self._extremes[greatest] = Extremes(self._contacts, signed, self._missing)
        return self._extremes[greatest]


class Held:
    """Tallies of those rows that have a value; `rows` are these, None where it is all."""

    def __init__(self, tallies: Tallies, rows: NDArray[np.int64] | None) -> None:
        self._tallies = tallies
        self._rows = rows

    def add(self, counts: Counts, low: int, high: int) -> None:
        if self._rows is not None:
            low, high = self._rows.searchsorted(np.array([low, high])).tolist()
        self._tallies.add(counts, low, high)


class Extremes(Marked):
    """The largest value of each contact among the rows from a mark on. The least ones are the largest with their signs
    turned: what stands for none is its own opposite."""

    def __init__(self, contacts: Rows, values: Array, missing: int) -> None:
        self._values = values
        super().__init__(contacts, values.dtype.type, missing)
        for mark in range(self.marks - 1, -1, -1):
            self.at[mark] = self.at[mark + 1]
            self._raise(self.at[mark], self.row_of(mark), self.row_of(mark + 1))

    def add(self, most: Array, low: int, high: int) -> None:
        """Raise `most` to the largest value of each contact among the rows low <= row < high."""
        mark = -(-low // self.step)
        if high < len(self.contacts) or mark >= self.marks:
            self._raise(most, low, high)
            return
        whole = most[: self.at.shape[1]]
        np.maximum(whole, self._at(mark, most.dtype), out=whole)
        self._raise(most, low, self.row_of(mark))

    def _at(self, mark: int, type: np.dtype[Any]) -> Array:
        return _widened(self.at[mark], type)

    def _raise(self, most: Array, low: int, high: int) -> None:
        raise_each(most, self.contacts[low:high], _widened(self._values[low:high], most.dtype))


def _widened(values: Array, type: np.dtype[Any]) -> Array:
    """`values` in a type that is as wide or wider, in which another number stands for none."""
    if values.dtype == type:
        return values
    wide = values.astype(type)
    wide[values == missing_of(values.dtype)] = missing_of(type)
    return wide
