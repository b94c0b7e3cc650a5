"""Numbers by contact in a window: what is known of a few rows of a part, and the rows in between."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.counting import (
    Array,
    Counts,
    add_difference_capped,
    add_each,
    add_each_capped,
    add_values,
    count_type,
    take_each,
    take_values,
)

MARKS = 16
"""A part is cut into so many stretches at most."""
CELLS_A_ROW = 4
"""There are at most so many numbers for each event, so few of contacts that are far apart have none."""
BYTE_MARKS = 32
BYTES_A_ROW = 16
"""The same where numbers are of one byte."""


class Marked:
    """Numbers by contact at marks, `step` rows apart: `at[0]` belongs to row 0, `at[i]` to row `i * step`."""

    def __init__(self, contacts: Rows, type: type[np.generic], first: int = 0) -> None:
        """`contacts` of the events in order of time; at the first mark and at the last each number is `first`, at
        others any."""
        self.contacts = contacts
        width = int(contacts.max(initial=0)) + 1
        narrow = np.dtype(type).itemsize == 1
        most, cells = (BYTE_MARKS, BYTES_A_ROW) if narrow else (MARKS, CELLS_A_ROW)
        self.marks = min(most, cells * len(contacts) // width)
        self.step = max(1, -(-len(contacts) // max(1, self.marks)))
        self.at = np.empty((self.marks + 1, width) if self.marks else (1, 0), type)
        self.at[0] = self.at[-1] = first

    def row_of(self, mark: int) -> int:
        return min(mark * self.step, len(self.contacts))


class Running(Marked, ABC):
    """`at[i]` adds up what each contact has among the rows before mark `i`."""

    def __init__(self, contacts: Rows, type: type[np.generic]) -> None:
        super().__init__(contacts, type)
        for mark in range(self.marks):
            self.at[mark + 1] = self.at[mark]
            self._put(self.at[mark + 1], self.row_of(mark), self.row_of(mark + 1))

    @abstractmethod
    def _put(self, totals: Array, low: int, high: int) -> None:
        """Add what the rows low <= row < high hold to `totals`."""

    @abstractmethod
    def _take(self, totals: Array, low: int, high: int) -> None:
        """Take it from `totals`."""

    def add(self, totals: Array, low: int, high: int) -> None:
        """Add to `totals` what the rows low <= row < high hold of each contact.

        Counts go around like a clock on the way, and are right in the end.
        """
        first, last = self._nearest(low), self._nearest(high)
        if first >= last:
            self._put(totals, low, high)
            return
        whole = totals[: self.at.shape[1]]
        whole += self.at[last]
        if first:
            whole -= self.at[first]
        self._move(totals, low, self.row_of(first))
        self._move(totals, self.row_of(last), high)

    def _nearest(self, row: int) -> int:
        return min((row + self.step // 2) // self.step, self.marks)

    def _move(self, totals: Array, before: int, after: int) -> None:
        """Turn totals up to row `before` into those up to row `after`, which may precede it."""
        if before < after:
            self._put(totals, before, after)
        elif after < before:
            self._take(totals, after, before)


class Tallies(Running):
    """How many events each contact has."""

    def __init__(self, contacts: Rows, most: int) -> None:
        """No contact has more than `most`."""
        self.most = most
        super().__init__(contacts, count_type(most))

    def _put(self, totals: Counts, low: int, high: int) -> None:
        add_each(totals, self.contacts[low:high])

    def _take(self, totals: Counts, low: int, high: int) -> None:
        take_each(totals, self.contacts[low:high])

    def add_capped(self, counts: NDArray[np.uint8], low: int, high: int) -> None:
        """The same as `add`, up to CAP: as capped counts cannot be lowered, marks inside the window serve."""
        first, last = -(-low // self.step), min(high // self.step, self.marks)
        if first >= last:
            add_each_capped(counts, self.contacts[low:high])
            return
        add_difference_capped(counts, self.at[last], self.at[first])
        add_each_capped(counts, self.contacts[low : self.row_of(first)])
        add_each_capped(counts, self.contacts[self.row_of(last) : high])


class TalliesToTheEnd(Marked):
    """`at[i]` is how many events each contact has from mark `i` on, up to CAP: so many marks can be kept of them."""

    def __init__(self, contacts: Rows) -> None:
        super().__init__(contacts, np.uint8)
        for mark in range(self.marks - 1, -1, -1):
            self.at[mark] = self.at[mark + 1]
            add_each_capped(self.at[mark], contacts[self.row_of(mark) : self.row_of(mark + 1)])

    def add(self, counts: NDArray[np.uint8], low: int) -> NDArray[np.uint8]:
        """Add to `counts` how many each has from row `low` on, up to CAP; but for what is returned, which is yet to be
        added to the first of them."""
        mark = -(-low // self.step) if self.marks else 1  # without any, all is one stretch
        add_each_capped(counts, self.contacts[low : self.row_of(mark)])
        return np.asarray(self.at[min(mark, self.marks)])


class Totals(Running):
    """What the whole numbers of a column sum to for each contact; `missing` stands for none."""

    def __init__(self, contacts: Rows, values: Array, missing: int, type: type[np.generic]) -> None:
        """The sums of all magnitudes fit `type`."""
        self._values = values
        self._missing = missing
        super().__init__(contacts, type)

    def _put(self, totals: Array, low: int, high: int) -> None:
        add_values(totals, self.contacts[low:high], self._values[low:high], self._missing)

    def _take(self, totals: Array, low: int, high: int) -> None:
        take_values(totals, self.contacts[low:high], self._values[low:high], self._missing)
