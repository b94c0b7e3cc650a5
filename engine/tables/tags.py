"""Sealed tags: a sorted dictionary, the codes of each row, and the rows of each folded tag."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import HasAll, HasAny, IsSet
from engine.bitmaps import Mask, Words, all_of, fitted, from_mask
from engine.reading import ColumnPredicate
from engine.tables.groups import GroupIndex
from engine.tables.holding import sealed_texts
from engine.tables.loose import LooseTags
from engine.tables.sorted import SortedDictionary
from engine.tables.text import narrowest
from storage import Array, BlockRef


class SealedTags(LooseTags):
    """Immutable."""

    __slots__ = ("_index", "_present", "ref", "sorted")

    def __init__(
        self,
        field: Field,
        dictionary: SortedDictionary,
        starts: NDArray[Any],
        codes: NDArray[Any],
        index: GroupIndex,
    ) -> None:
        super().__init__(field, dictionary, starts, codes)
        self.ref: BlockRef | None = None
        self.sorted = dictionary
        self._index = index
        self._present: BitMap | None = None

    @classmethod
    def of(cls, column: LooseTags) -> SealedTags:
        """The sealed form of `column`; tags no row has any more are left out."""
        used = np.zeros(len(column.dictionary), np.bool_)
        used[column.codes] = True
        kept = np.flatnonzero(used)
        dictionary, renamed = SortedDictionary.of(column.dictionary.exact.take(kept))
        codes = np.zeros(len(used), np.int64)
        codes[kept] = renamed
        codes = codes[column.codes]
        index = GroupIndex.of(dictionary.groups[codes], column.owners(), dictionary.group_count, column.size)
        starts = column.starts.astype(np.int32 if column.starts[-1] < 1 << 31 else np.int64)
        return cls(column.field, dictionary, starts, codes.astype(narrowest(len(dictionary))), index)

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        rows = self._rows(predicate, within)
        return rows if within is None else rows & within

    def _rows(self, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
        match predicate:
            case HasAny((value,)):
                group = self.sorted.group_of(value)
                return BitMap() if group is None else self._index.rows_of(group)
            case HasAny():
                return self._index.rows(self._groups(predicate))
            case HasAll(values):
                sets = sorted((self._rows(HasAny((value,)), within) for value in values), key=len)
                return BitMap.intersection(*sets) if sets else self.present
            case IsSet():
                return self.present
            case _:
                raise TypeError(f"{type(predicate).__name__} does not apply to tags")

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        match predicate:
            case HasAny(values):
                words = self._index.words(self.sorted.groups_of(values), self.size)
                return None if words is None else fitted(words, size)
            case HasAll(values) if values:
                each = [self.words(HasAny((value,)), size) for value in values]
                dense = [words for words in each if words is not None]
                return all_of(dense) if len(dense) == len(each) else None
            case _:
                return None

    def _groups(self, predicate: ColumnPredicate) -> NDArray[np.int64]:
        groups = self.sorted.select_groups(predicate)
        assert groups is not None  # tags are compared folded, so a group answers as one
        return groups

    @property
    def present(self) -> BitMap:
        """Rows that have a tag."""
        if self._present is None:
            self._present = from_mask(np.diff(self.starts) > 0)
        return self._present

    def estimate(self, predicate: ColumnPredicate) -> int:
        """Never below the number of rows, and exact for a single tag."""
        if type(predicate) is HasAny and len(predicate.values) == 1:
            group = self.sorted.group_of(predicate.values[0])
            return 0 if group is None else int(self._index.counts[group])
        match predicate:
            case HasAny():
                return min(self.size, int(self._index.counts[self._groups(predicate)].sum()))
            case HasAll(values):
                return min((self.estimate(HasAny((value,))) for value in values), default=self.size)
            case _:
                return len(self.present)

    def texts_like(self, typed: str, limit: int, rows: Mask | None = None) -> list[str]:
        """Of all rows, by the index: one of the texts that fold alike."""
        if rows is not None:
            return super().texts_like(typed, limit, rows)
        return sealed_texts(self.sorted, self._index, typed, limit)

    def arrays(self) -> dict[str, Array]:
        rows = {"row_starts": self.starts, "codes": self.codes}
        return {**rows, **self.sorted.arrays(), **self._index.arrays()}

    @classmethod
    def opened(cls, field: Field, arrays: dict[str, Array]) -> SealedTags:
        dictionary, index = SortedDictionary.opened(arrays), GroupIndex.opened(arrays)
        return cls(field, dictionary, arrays["row_starts"], arrays["codes"], index)
