"""Events by the text of a property: whose they are, text by text, and how many texts each contact has."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows, Words
from engine.counting import Array, Counts, count_type
from engine.native import kernel
from engine.tables.loose import LooseText
from engine.tables.tallies import Running
from engine.tables.text import SealedText, narrowest

MANY_TEXTS = 4096
FEW_EVENTS = 32
"""Texts are told apart when there are no more than so many, or when each has so many events on average."""


def told_apart(column: LooseText) -> bool:
    """Whether it has few enough texts for going from text to text."""
    return len(column.dictionary) <= max(MANY_TEXTS, column.size // FEW_EVENTS)


@dataclass(frozen=True, slots=True)
class ByText:
    """Text `texts[i]`, folded, is that of the events `rows[starts[i]:starts[i + 1]]`."""

    texts: list[str]
    starts: NDArray[np.int64]
    rows: Rows

    @classmethod
    def of(cls, column: LooseText) -> ByText:
        groups, codes = np.unique(column.dictionary.groups, return_index=True)
        numbers = np.append(np.searchsorted(groups, column.dictionary.groups), -1).astype(narrowest(len(groups)))
        numbers = numbers.take(column.codes)  # the code -1 of a missing text reads the last entry
        rows = np.argsort(numbers, kind="stable").astype(np.uint32)
        ends = np.cumsum(np.bincount(numbers.astype(np.int64) + 1, minlength=len(groups) + 1))
        folded = column.dictionary.folded()
        return cls([folded[code] for code in codes.tolist()], ends, rows)

    def rows_of(self, wanted: Container[str]) -> list[tuple[str, Rows]]:
        """The rows of each text that is `wanted`."""
        spans = zip(self.texts, self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True)
        return [(text, self.rows[first:last]) for text, first, last in spans if first < last and text in wanted]


class TextCounts(Running):
    """How many different texts each contact has among the rows from one on: a text counts where it comes last.

    None has more than `bound`.
    """

    def __init__(self, column: SealedText, contacts: Rows, starts: NDArray[np.uint32], by_contact: Rows) -> None:
        """`starts` and `by_contact` are the part's rows contact by contact, those of each in order of time."""
        self._last: Words = np.zeros(-(-len(contacts) // 64), np.uint64)
        groups = column.sorted.groups.astype(np.uint32)
        _mark_last(starts, by_contact, column.codes, groups, np.zeros(len(groups), np.uint32), self._last)
        self.bound = column.groups
        super().__init__(contacts, count_type(self.bound))

    def _put(self, totals: Array, low: int, high: int) -> None:
        _add_marked(totals, self.contacts, self._last, low, high)

    def _take(self, totals: Array, low: int, high: int) -> None:
        _take_marked(totals, self.contacts, self._last, low, high)


@kernel("u4[]", "u4[]", "C[]", "u4[]", "out u4[]", "out u8[]", C=("i1", "i2", "i4"))
def _mark_last(
    starts: Rows, by_contact: Rows, codes: NDArray[np.signedinteger], groups: Rows, owners: Rows, last: Words
) -> None:
    """Mark the rows after which their contact has no row of the same group. `owners`, zeros, are for its own use."""
    for owner in range(1, starts.size):
        for position in range(starts[owner] - np.int64(1), starts[owner - 1] - np.int64(1), -1):
            row = by_contact[position]
            if codes[row] >= 0 and owners[groups[codes[row]]] != owner:
                owners[groups[codes[row]]] = owner
                last[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel("out C[]", "u4[]", "u8[]", "i8", "i8", C=("u1", "u2", "u4", "u8"))
def _add_marked(counts: Counts, contacts: Rows, marks: Words, low: int, high: int) -> None:
    """Add one to the contacts of marked rows low <= row < high."""
    for row in range(low, high):
        counts[contacts[row]] += (marks[row >> 6] >> np.uint64(row & 63)) & np.uint64(1)


@kernel("out C[]", "u4[]", "u8[]", "i8", "i8", C=("u1", "u2", "u4", "u8"))
def _take_marked(counts: Counts, contacts: Rows, marks: Words, low: int, high: int) -> None:
    """Take one from the contacts of marked rows low <= row < high."""
    for row in range(low, high):
        counts[contacts[row]] -= (marks[row >> 6] >> np.uint64(row & 63)) & np.uint64(1)
