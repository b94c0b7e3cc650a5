"""Patched columns of entities: a sealed base, overridden row by row by the latest entries of a tail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, Type, type_of_value
from engine.bitmaps import Mask, Rows, Words, below, clear_rows, from_rows, set_rows, to_array
from engine.reading import ColumnPredicate, Order
from engine.tables.buffers import Buffer
from engine.tables.columns import GATHER_WORTH, Numbers
from engine.tables.dictionary import MISSING_CODE
from engine.tables.joining import joined, taken
from engine.tables.loose import Loose, LooseTags, LooseText
from engine.tables.numeric import SealedNumbers
from engine.tables.sealed import Sealed, sealed
from engine.tables.tags import SealedTags
from engine.tables.tails import tail_column
from engine.tables.text import SealedText

NEVER = (1 << 31) - 1
FEW = 64
"""Up to so many rows are looked up one by one instead of scanning the whole patch."""


class Patch:
    """Entries (row, value) in the order written; the latest entry of a row holds.

    Entry `i` of a version with `n` entries is the latest of its row iff `replaced[i] >= n`: a later write stores a
    number no older version can see, so versions share these arrays with the writer. `previous` leads from an entry
    to the one it replaced, -1 when there is none.
    """

    __slots__ = ("_overridden", "entries", "latest", "previous", "replaced", "rows", "size")

    def __init__(self, field: Field) -> None:
        self.entries = tail_column(field)
        self.rows = Buffer(np.uint32)
        self.replaced = Buffer(np.int32, NEVER)
        self.previous = Buffer(np.int32, -1)
        self.latest: dict[int, int] = {}
        self.size = 0
        self._overridden: tuple[int, BitMap] = (0, BitMap())

    def put(self, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Write `values` (None where missing) for `rows`; when a row comes twice the later value holds."""
        start = self.size
        self.entries.put(start, values)
        self.rows.put(start, rows)
        self.replaced.put(start, [NEVER] * len(rows))
        self.previous.put(start, [-1] * len(rows))
        for entry, row in enumerate(rows, start):
            before = self.latest.get(row, -1)
            if before >= 0:
                self.previous.array[entry] = before
                self.replaced.array[before] = entry
            self.latest[row] = entry  # last: a reader that finds the entry must find what it replaced
        self.size = start + len(rows)

    def entry_of(self, row: int, size: int) -> int:
        """The latest of the first `size` entries for `row`; -1 when there is none."""
        entry = self.latest.get(row, -1)
        while entry >= size:
            entry = int(self.previous.array[entry])
        return entry

    def since(self, field: Field, size: int) -> tuple[list[int], list[Any]]:
        """The rows and values of the entries after the first `size`."""
        entries = np.arange(size, self.size, dtype=np.uint32)
        return self.rows.array[entries].tolist(), self.entries.view(field, self.size).values(entries)

    def overridden(self, size: int) -> BitMap:
        """Rows that have one of the first `size` entries. The longest prefix asked for is kept and added to."""
        known, rows = self._overridden
        if known == size:
            return rows
        if known > size:
            return from_rows(self.rows.array[:size])
        rows = rows | from_rows(self.rows.array[known:size])
        self._overridden = (size, rows)
        return rows


class PatchedColumn:
    """One version of an entity column: what `base` says, except for rows with an entry among the first `size`.

    `merged` is base and patch in one, once it was made to be saved.
    """

    __slots__ = ("_latest", "_tail", "base", "field", "merged", "patch", "size")

    def __init__(self, field: Field, base: Sealed | None, patch: Patch) -> None:
        self.field = field
        self.base = base
        self.patch = patch
        self.size = patch.size
        self.merged: Sealed | None = None
        self._tail: Loose | None = None
        self._latest: tuple[Rows, NDArray[np.int64]] | None = None

    @property
    def tail(self) -> Loose:
        if self._tail is None:
            self._tail = self.patch.entries.view(self.field, self.size)
        return self._tail

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        """(base matches - overridden rows) | rows whose latest entry matches."""
        base = self._base_matching(predicate, within)
        if not self.size:
            return base
        overridden = self.patch.overridden(self.size)
        return (base - overridden) | self._tail_matching(predicate, overridden, within)

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        words = None if self.base is None else self.base.words(predicate, size)
        if words is None or not self.size:
            return words
        changed = words.copy()
        clear_rows(to_array(self.patch.overridden(self.size)), changed)
        set_rows(to_array(self._scan(predicate)), changed)
        return changed

    def _base_matching(self, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
        if self.base is None:
            return BitMap()
        return self.base.matching(predicate, None if within is None else below(within, self.base.size))

    def _tail_matching(self, predicate: ColumnPredicate, overridden: BitMap, within: BitMap | None) -> BitMap:
        if within is None:
            return self._scan(predicate)
        asked = within & overridden
        if len(asked) > FEW:
            return self._scan(predicate) & within
        rows, entries = self._few(asked)
        return from_rows(rows[self.tail.test(predicate, entries)]) if len(rows) else BitMap()

    def _scan(self, predicate: ColumnPredicate) -> BitMap:
        return self.rows_at(self.tail.test(predicate, None))

    def rows_at(self, entries: Mask) -> BitMap:
        """Rows whose latest entry is among `entries`."""
        latest = self.patch.replaced.array[: self.size] >= self.size
        return from_rows(self.patch.rows.array[: self.size][entries & latest])

    def _few(self, asked: BitMap) -> tuple[Rows, Rows]:
        rows = to_array(asked)
        return rows, np.array([self.patch.entry_of(row, self.size) for row in asked], np.uint32)

    def entries_of(self, rows: Rows) -> NDArray[np.int64]:
        """The latest entry of each of `rows`; -1 where there is none."""
        if not self.size:
            return np.full(len(rows), -1, np.int64)
        if len(rows) <= FEW:
            return np.array([self.patch.entry_of(row, self.size) for row in rows.tolist()], np.int64)
        patched, entries = self.latest_entries()
        at = np.searchsorted(patched, rows)
        at[at == len(patched)] = 0
        return np.where(patched[at] == rows, entries[at], -1)

    def latest_entries(self) -> tuple[Rows, NDArray[np.int64]]:
        """Patched rows, ascending, and the latest entry of each."""
        if self._latest is None:
            entries = np.flatnonzero(self.patch.replaced.array[: self.size] >= self.size)
            rows = self.patch.rows.array[: self.size][entries]
            order = np.argsort(rows)
            self._latest = rows[order], entries[order]
        return self._latest

    def by_value(self) -> tuple[Order, BitMap] | None:
        if not isinstance(self.base, SealedNumbers):
            return None
        return self.base.ordered(), self.patch.overridden(self.size) if self.size else BitMap()

    def counted(self, predicate: ColumnPredicate) -> int | None:
        """Base matches - overridden rows that it matches + rows whose latest entry matches."""
        known = None if self.base is None else self.base.counted(predicate)
        if known is None or not self.size or self.base is None:
            return known
        overridden = self.patch.overridden(self.size)
        if len(overridden) * GATHER_WORTH > self.base.size:
            return None
        return known - len(self._base_matching(predicate, overridden)) + len(self._scan(predicate))

    @property
    def scanned(self) -> int:
        return (0 if self.base is None else self.base.scanned) + (self.tail.scanned if self.size else 0)

    @property
    def searched(self) -> int:
        return (0 if self.base is None else self.base.searched) + (self.tail.searched if self.size else 0)

    def estimate(self, predicate: ColumnPredicate) -> int:
        base = self.base.estimate(predicate) if self.base is not None else 0
        return base + (self.tail.estimate(predicate) if self.size else 0)

    def values(self, rows: Rows) -> list[type_of_value | None]:
        entries = self.entries_of(rows)
        from_tail, from_base = self._split(rows, entries)
        result: list[type_of_value | None] = [None] * len(rows)
        if self.base is not None:
            _place(result, from_base, self.base.values(rows[from_base]))
        if from_tail.any():
            _place(result, from_tail, self.tail.values(entries[from_tail].astype(np.uint32)))
        return result

    def value(self, row: int) -> type_of_value | None:
        entry = self.patch.entry_of(row, self.size) if self.size else -1
        if entry >= 0:
            return self.tail.value(entry)
        return self.base.value(row) if self.base is not None and row < self.base.size else None

    def _split(self, rows: Rows, entries: NDArray[np.int64]) -> tuple[Mask, Mask]:
        """Which of `rows` the tail answers, and which the base."""
        from_tail = entries >= 0
        if self.base is None:
            return from_tail, np.zeros(len(rows), np.bool_)
        return from_tail, ~from_tail & (rows < self.base.size)

    def numbers(self, rows: Rows) -> Numbers:
        entries = self.entries_of(rows)
        from_tail, from_base = self._split(rows, entries)
        dtype = np.float64 if self.field.type is Type.FLOAT else np.int64
        data: NDArray[Any] = np.zeros(len(rows), dtype)
        there = np.zeros(len(rows), np.bool_)
        if self.base is not None:
            data[from_base], there[from_base] = self.base.numbers(rows[from_base])
        if from_tail.any():
            data[from_tail], there[from_tail] = self._tail_numbers(entries[from_tail].astype(np.uint32))
        return data, there

    def _tail_numbers(self, entries: Rows) -> Numbers:
        data, there = self.tail.numbers(entries)
        if self.base is None or not isinstance(self.tail, LooseText):
            return data, there
        codes = self.tail.codes[entries]
        return np.append(self._shared_groups(self.tail), MISSING_CODE)[codes], there

    def _shared_groups(self, tail: LooseText) -> NDArray[np.int64]:
        """For each code of the tail, the base's number for its folded text, or one beyond all of the base's."""
        base = self.base
        assert isinstance(base, SealedText)
        known = [base.group_of(folded) for folded in tail.dictionary.folded()]
        own = tail.dictionary.groups + base.groups
        return np.array([own[code] if group is None else group for code, group in enumerate(known)], np.int64)

    def texts_like(self, typed: str, limit: int) -> list[str]:
        """Texts of base and patch that fit what is typed: at most `limit` of each, some perhaps overridden."""
        base, tail = self.base, self.tail if self.size else None
        found = base.texts_like(typed, limit) if isinstance(base, SealedText | SealedTags) else []
        if isinstance(tail, LooseText | LooseTags):
            latest = self.patch.replaced.array[: self.size] >= self.size
            found += tail.texts_like(typed, limit, latest)
        return found

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        overridden = self.patch.overridden(self.size)
        total: Counter[type_of_value] = Counter()
        if self.base is not None:
            total.update(self.base.counts(below(within - overridden, self.base.size)))
        if self.size:
            entries = self.entries_of(to_array(within & overridden)).astype(np.uint32)
            total.update(self.tail.counts(from_rows(entries)))
        return total


def _place(result: list[Any], mask: Mask, values: list[Any]) -> None:
    for position, value in zip(np.flatnonzero(mask).tolist(), values, strict=True):
        result[position] = value


def resealed(column: PatchedColumn, rows: int, later: tuple[Rows, Loose] | None = None) -> Sealed:
    """Base and patch as one sealed column of `rows` rows; `later` gives rows, the last of each of which overrides."""
    chosen = np.full(rows, -1, np.int64)
    layers: list[Loose] = []
    held = 0
    if column.base is not None:
        layers.append(column.base)
        chosen[: column.base.size] = np.arange(column.base.size)
        held = column.base.size
    if column.size:
        patched, entries = column.latest_entries()
        layers.append(column.tail)
        chosen[patched] = entries + held
        held += column.size
    if later is not None:
        layers.append(later[1])
        chosen[later[0]] = np.arange(held, held + len(later[0]))  # of equal indices, numpy keeps the last
    return sealed(taken(joined(column.field, layers), chosen))
