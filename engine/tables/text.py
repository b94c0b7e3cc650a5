"""Sealed text and choice columns: a sorted dictionary, a code for each row, and the rows of each folded text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, OneOf
from engine.bitmaps import Mask, Words, below, fitted, from_mask, from_sorted, to_array, to_words
from engine.reading import ColumnPredicate
from engine.tables.columns import GATHER_WORTH, scan
from engine.tables.dictionary import MISSING_CODE
from engine.tables.groups import GroupIndex
from engine.tables.holding import sealed_texts
from engine.tables.loose import LooseText
from engine.tables.sorted import ArrowDictionary, SortedDictionary
from storage import Array, BlockRef

SEARCH_WORTH = 64
"""The texts of rows asked for are searched alone when there are at least so many times as many in the dictionary."""
MANY_GROUPS = 64
"""Beyond so many groups with ready bitmaps, testing the code of every row costs less than uniting these."""


class SealedText(LooseText):
    """Immutable. `codes` is as narrow as the dictionary allows."""

    __slots__ = ("_index", "_present", "_there", "ref", "sorted")

    def __init__(self, field: Field, dictionary: SortedDictionary, codes: NDArray[Any], index: GroupIndex) -> None:
        super().__init__(field, dictionary, codes)
        self.ref: BlockRef | None = None
        self.sorted = dictionary
        self._index = index
        self._present: BitMap | None = None
        self._there: Words | None = None

    @classmethod
    def of(cls, column: LooseText) -> SealedText:
        """The sealed form of `column`; texts no row has any more are left out."""
        used = np.zeros(len(column.dictionary) + 1, np.bool_)
        used[column.codes] = True  # a missing value marks the last entry
        kept = np.flatnonzero(used[:-1])
        dictionary, renamed = SortedDictionary.of(column.dictionary.exact.take(kept))
        codes = np.full(len(used), MISSING_CODE, np.int32)
        codes[kept] = renamed
        codes = codes.take(column.codes)
        there = np.flatnonzero(codes >= 0)
        groups = dictionary.groups[codes[there]]
        index = GroupIndex.of(groups, there, dictionary.group_count, len(codes))
        return cls(column.field, dictionary, codes.astype(narrowest(len(dictionary))), index)

    @property
    def groups(self) -> int:
        return self.sorted.group_count

    def group_of(self, folded: str) -> int | None:
        return self.sorted.group_of(folded)

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        match predicate:
            case IsSet():
                return self.present if within is None else self.present & within
            case OneOf((value,)):
                rows = self._rows_equal(str(value))
                return rows if within is None else rows & within
        if within is not None and self._few(within) and not self.sorted.ranged(predicate):
            return self._text_by_text(predicate, within)
        groups = self.sorted.select_groups(predicate)
        if groups is None:
            return self._code_by_code(predicate, within)
        if within is not None and len(within) * GATHER_WORTH < self._count(groups):
            return scan(self, predicate, within)
        rows = self._rows(groups)
        return rows if within is None else rows & within

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        if isinstance(predicate, OneOf):
            words = self._index.words(self.sorted.groups_of(predicate.values), self.size)
        elif isinstance(predicate, IsSet):
            if self._there is None:
                self._there = to_words(self.present, self.size)
            words = self._there
        else:
            return None
        return None if words is None else fitted(words, size)

    def _rows_equal(self, folded: str) -> BitMap:
        group = self.sorted.group_of(folded)
        return BitMap() if group is None else self._index.rows_of(group)

    def _few(self, within: BitMap) -> bool:
        return len(within) * SEARCH_WORTH < len(self.sorted)

    def _text_by_text(self, predicate: ColumnPredicate, within: BitMap) -> BitMap:
        """Of few rows: their own texts are looked at, not the whole dictionary."""
        rows = to_array(below(within, self.size))
        rows = rows[self.codes[rows] >= 0]
        codes, place = np.unique(self.codes[rows], return_inverse=True)
        holds = ArrowDictionary(self.sorted.exact.take(pa.array(codes))).select(predicate)
        return from_sorted(rows[holds[place]])

    def _code_by_code(self, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
        """Where texts that fold alike differ: rows of their groups, then the code of each of these rows."""
        codes = np.flatnonzero(self.dictionary.select(predicate))
        groups = np.unique(self.sorted.groups[codes])
        if self._count(groups) * GATHER_WORTH > self.size:
            return scan(self, predicate, within)
        rows = self._index.rows(groups)
        return scan(self, predicate, rows if within is None else rows & within)

    def _rows(self, groups: NDArray[np.int64]) -> BitMap:
        if len(groups) <= MANY_GROUPS or len(self._index.ready_among(groups)) <= MANY_GROUPS:
            return self._index.rows(groups)
        codes = self._codes_of(groups)
        first, last = int(codes[0]), int(codes[-1])
        if last - first == len(codes) - 1:
            return from_mask((self.codes >= first) & (self.codes <= last))
        chosen = np.zeros(len(self.dictionary) + 1, np.bool_)
        chosen[codes] = True
        return from_mask(chosen.take(self.codes))

    def _codes_of(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.sorted.starts is None:
            return groups
        return np.flatnonzero(np.isin(self.sorted.groups, groups))

    def _count(self, groups: NDArray[np.int64]) -> int:
        return self._index.count(groups)

    def counted(self, predicate: ColumnPredicate) -> int | None:
        """A row has one text: what is left to do is to add up how many have each."""
        groups = None if isinstance(predicate, IsSet) else self.sorted.select_groups(predicate)
        return None if groups is None else self._count(groups)

    @property
    def present(self) -> BitMap:
        """Rows that have a value."""
        if self._present is None:
            self._present = from_mask(self.codes >= 0)
        return self._present

    def estimate(self, predicate: ColumnPredicate) -> int:
        """Exact for folded equality, prefixes and presence; a guess for what must search the dictionary."""
        if type(predicate) is OneOf and len(predicate.values) == 1:
            group = self.sorted.group_of(str(predicate.values[0]))
            return 0 if group is None else int(self._index.counts[group])
        if type(predicate) is IsSet:
            return self._index.total
        if not self.sorted.ranged(predicate):
            return super().estimate(predicate)
        groups = self.sorted.select_groups(predicate)
        return super().estimate(predicate) if groups is None else self._count(groups)

    def texts_like(self, typed: str, limit: int, rows: Mask | None = None) -> list[str]:
        """Of all rows, by the index: one of the texts that fold alike."""
        if rows is not None:
            return super().texts_like(typed, limit, rows)
        return sealed_texts(self.sorted, self._index, typed, limit)

    def arrays(self) -> dict[str, Array]:
        return {"codes": self.codes, **self.sorted.arrays(), **self._index.arrays()}

    @classmethod
    def opened(cls, field: Field, arrays: dict[str, Array]) -> SealedText:
        return cls(field, SortedDictionary.opened(arrays), arrays["codes"], GroupIndex.opened(arrays))


def narrowest(codes: int) -> type[np.signedinteger[Any]]:
    """The narrowest type that holds 0..codes-1 and the code of a missing value."""
    return np.int8 if codes <= 1 << 7 else np.int16 if codes <= 1 << 15 else np.int32
