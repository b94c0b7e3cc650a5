"""Which rows have which value: the index of sealed text and tags columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import (
    Rows,
    Words,
    any_of,
    from_rows,
    from_sorted,
    is_dense,
    set_rows,
    to_array,
    union,
    words_of,
)
from engine.native import kernel
from engine.tables.most import Most
from engine.tables.shelf import Shelf
from storage import Array

READY_SHARE = 4096
READY_LEAST = 64
"""A group has a ready bitmap when it has at least so many rows, and one in so many of the column's."""

ONE_BY_ONE = 16
"""The rows of up to so many groups are fetched group by group."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Rows by group number 0..n-1: those of group `g` are `rows[starts[g]:starts[g + 1]]`."""

    starts: NDArray[np.int32]
    rows: Rows

    @classmethod
    def of(cls, groups: NDArray[Any], rows: NDArray[Any], distinct: int) -> Postings:
        """Of pairs of a group and a row: rows of a group keep their order, those of negative ones are left out."""
        counts = np.zeros(distinct, np.int32)
        _count(groups, counts)
        starts = _starts_of(counts)
        posted = np.empty(starts[-1], np.uint32)
        _post(groups, rows.astype(np.uint32, copy=False), starts[:-1].copy(), posted)
        return cls(starts, posted)

    def __getitem__(self, group: int) -> Rows:
        return self.rows[self.starts[group] : self.starts[group + 1]]

    def count(self, groups: NDArray[np.int64]) -> int:
        """How many rows `groups` have."""
        return int((self.starts[groups + 1] - self.starts[groups]).sum())

    def among(self, groups: NDArray[np.int64]) -> Rows:
        """The rows of `groups`, which ascend, one group after the other."""
        if len(groups) and int(groups[-1]) - int(groups[0]) == len(groups) - 1:
            return self.rows[self.starts[groups[0]] : self.starts[groups[-1] + 1]]
        rows = np.empty(self.count(groups), np.uint32)
        _gather(groups, self.starts, self.rows, rows)
        return rows

    def words(self, groups: NDArray[np.int64], size: int) -> Words:
        """The rows of `groups`, all below `size`."""
        words = np.zeros(words_of(size), np.uint64)
        _set(groups, self.starts, self.rows, words)
        return words


class GroupIndex:
    """Rows by group number 0..n-1, ascending. Frequent groups have a ready bitmap; the others have `postings`."""

    __slots__ = ("_place", "_postings", "_ready", "_shelf", "_single", "_total", "_words", "counts", "most")

    def __init__(self, counts: NDArray[np.int32], ready: NDArray[np.int32], shelf: Shelf, postings: Postings) -> None:
        self.counts = counts
        self._ready = ready
        self._shelf = shelf
        self._place = {group: place for place, group in enumerate(ready.tolist())}
        self._postings = postings
        self._words: dict[int, Words] = {}
        self._total: int | None = None
        self._single: bool | None = None  # whether each group has one row, once somebody asked
        self.most: Most | None = None
        """The most held groups and their texts, once somebody asked."""

    @classmethod
    def of(cls, groups: NDArray[Any], rows: NDArray[Any], distinct: int, size: int) -> GroupIndex:
        """Index pairs of a group and a row of a column of `size` rows, which ascend by row; a pair may come twice."""
        postings = Postings.of(groups, rows, distinct)
        counts = np.diff(postings.starts)
        if _drop_repeated(postings.starts, counts, postings.rows):
            starts = _starts_of(counts)
            postings = Postings(starts, postings.rows[: starts[-1]])
        frequent = counts >= max(READY_LEAST, size // READY_SHARE)
        ready = np.flatnonzero(frequent)
        shelf = Shelf.of([from_sorted(postings[group]) for group in ready.tolist()])
        kept = postings.rows[np.repeat(~frequent, counts)]
        return cls(counts, ready.astype(np.int32), shelf, Postings(_starts_of(np.where(frequent, 0, counts)), kept))

    @property
    def total(self) -> int:
        """How many pairs of a group and a row there are."""
        if self._total is None:
            self._total = int(self.counts.sum())
        return self._total

    def count(self, groups: NDArray[np.int64]) -> int:
        """How many rows `groups` have in all."""
        if self._single is None:
            self._single = bool((self.counts == 1).all())
        return len(groups) if self._single else int(self.counts[groups].sum())

    def rows(self, groups: NDArray[np.int64]) -> BitMap:
        """Rows of any of `groups`, which ascend."""
        if len(groups) <= ONE_BY_ONE:
            return union(list(map(self.rows_of, groups.tolist())))
        ready = self.ready_among(groups)
        return union([*map(self._shelf.__getitem__, ready.tolist()), from_rows(self._postings.among(groups))])

    def ready_among(self, groups: NDArray[np.int64]) -> NDArray[np.intp]:
        """The places on the shelf of those of `groups`, ascending, that have a ready bitmap."""
        if not len(groups):
            return np.empty(0, np.intp)
        at = np.minimum(np.searchsorted(groups, self._ready), len(groups) - 1)
        return np.flatnonzero(groups[at] == self._ready)

    def rows_of(self, group: int) -> BitMap:
        """Rows of one group."""
        place = self._place.get(group)
        if place is not None:
            return self._shelf[place]
        return from_sorted(self._postings[group])

    def words(self, groups: Sequence[int], size: int) -> Words | None:
        """Rows of any of `groups` of a column of `size` rows, as words that nobody changes; None where no group is
        dense."""
        if len(groups) == 1:
            return self._words_of(groups[0], size)
        dense = [words for group in groups if (words := self._words_of(group, size)) is not None]
        if len(dense) == len(groups) or not dense:
            return any_of(dense) if dense else None
        found = any_of(dense) if len(dense) > 1 else dense[0].copy()
        for group in groups:
            if group not in self._words:
                set_rows(to_array(self.rows_of(group)), found)
        return found

    def _words_of(self, group: int, size: int) -> Words | None:
        """Rows of one group, if they are dense; kept once made."""
        words = self._words.get(group)
        if words is None and is_dense(int(self.counts[group]), size):
            words = self._words[group] = self._made_words(group, size)
        return words

    def _made_words(self, group: int, size: int) -> Words:
        place = self._place.get(group)
        if place is not None:
            return self._shelf.words(place, size)
        words = np.zeros(words_of(size), np.uint64)
        set_rows(self._postings[group], words)
        return words

    def arrays(self) -> dict[str, Array]:
        posted = {"starts": self._postings.starts, "postings": self._postings.rows}
        return {"counts": self.counts, "ready": self._ready, **posted, **self._shelf.arrays()}

    @classmethod
    def opened(cls, arrays: dict[str, Array]) -> GroupIndex:
        postings = Postings(arrays["starts"], arrays["postings"])
        return cls(arrays["counts"], arrays["ready"], Shelf.opened(arrays), postings)


def _starts_of(counts: NDArray[Any]) -> NDArray[np.int32]:
    return np.append(0, np.cumsum(counts)).astype(np.int32)


def spans(starts: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.int64]:
    """The positions of all half-open spans [starts[i], ends[i]), one after the other.

    >>> spans(np.array([5, 0]), np.array([8, 1])).tolist()
    [5, 6, 7, 0]
    """
    lengths = (ends - starts).astype(np.int64)
    before = np.cumsum(lengths) - lengths
    positions: NDArray[np.int64] = np.arange(int(lengths.sum())) + np.repeat(starts.astype(np.int64) - before, lengths)
    return positions


@kernel("i8[]", "i4[]", "u4[]", "out u4[]")
def _gather(groups: NDArray[np.int64], starts: NDArray[np.int32], postings: Rows, rows: Rows) -> None:
    """Copy the rows of `groups`, one group after the other."""
    at = 0
    for place in range(groups.size):
        for posted in range(starts[groups[place]], starts[groups[place] + 1]):
            rows[at] = postings[posted]
            at += 1


@kernel("i8[]", "i4[]", "u4[]", "out u8[]")
def _set(groups: NDArray[np.int64], starts: NDArray[np.int32], postings: Rows, words: Words) -> None:
    """Add the rows of `groups` to the set `words`."""
    for place in range(groups.size):
        for posted in range(starts[groups[place]], starts[groups[place] + 1]):
            row = postings[posted]
            words[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel("T[]", "out i4[]", T=("i1", "i2", "i4", "i8"))
def _count(groups: NDArray[np.signedinteger], counts: NDArray[np.int32]) -> None:
    """Add how often each group that is not negative occurs."""
    for group in groups:
        if group >= 0:
            counts[group] += 1


@kernel("T[]", "u4[]", "out i4[]", "out u4[]", T=("i1", "i2", "i4", "i8"))
def _post(groups: NDArray[np.signedinteger], rows: Rows, free: NDArray[np.int32], postings: Rows) -> None:
    """Write each row where the next one of its group goes, which is `free`."""
    for place in range(groups.size):
        group = groups[place]
        if group >= 0:
            postings[free[group]] = rows[place]
            free[group] += 1


@kernel("i4[]", "out i4[]", "out u4[]")
def _drop_repeated(starts: NDArray[np.int32], counts: NDArray[np.int32], postings: Rows) -> int:
    """Keep one of rows that are equal within a group, which ascend; `counts` become smaller. How many went."""
    at = 0
    for group in range(counts.size):
        first = at
        for posted in range(starts[group], starts[group + 1]):
            if at == first or postings[posted] != postings[at - 1]:
                postings[at] = postings[posted]
                at += 1
        counts[group] = at - first
    return postings.size - at
