"""Events by the text of a property: whose they are, text by text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.tables.loose import LooseText
from engine.tables.text import narrowest

MANY_TEXTS = 4096
FEW_EVENTS = 32
"""Texts are told apart when there are no more than so many, or when each has so many events on average."""


@dataclass(frozen=True, slots=True)
class ByText:
    """Text `texts[i]`, folded, is that of the events `rows[starts[i]:starts[i + 1]]`, which ascend; `contacts` are
    theirs."""

    texts: list[str]
    starts: NDArray[np.int64]
    rows: Rows
    contacts: Rows

    @classmethod
    def of(cls, column: LooseText, contacts: Rows) -> ByText | None:
        """None when there are too many texts for that."""
        if len(column.dictionary) > max(MANY_TEXTS, column.size // FEW_EVENTS):
            return None
        groups, codes = np.unique(column.dictionary.groups, return_index=True)
        numbers = np.append(np.searchsorted(groups, column.dictionary.groups), -1).astype(narrowest(len(groups)))
        numbers = numbers.take(column.codes)  # the code -1 of a missing text reads the last entry
        rows = np.argsort(numbers, kind="stable").astype(np.uint32)
        ends = np.cumsum(np.bincount(numbers.astype(np.int64) + 1, minlength=len(groups) + 1))
        folded = column.dictionary.folded()
        return cls([folded[code] for code in codes.tolist()], ends, rows, contacts[rows])

    def contacts_between(self, low: int, high: int) -> list[tuple[str, Rows]]:
        """Each text that rows low <= row < high have, and the contact of each of these."""
        spans = zip(self.texts, self._first_from(low).tolist(), self._first_from(high).tolist(), strict=True)
        return [(text, self.contacts[first:last]) for text, first, last in spans if first < last]

    def _first_from(self, row: int) -> NDArray[np.int64]:
        """Where, among the events of each text, those from `row` on begin: a binary search in all of them at once."""
        low, high = self.starts[:-1], self.starts[1:]
        while (searched := low < high).any():
            middle = (low + high) >> 1
            before = self.rows.take(middle, mode="clip") < row
            low, high = np.where(searched & before, middle + 1, low), np.where(searched & ~before, middle, high)
        return low
