"""Ids of entities: rows are allotted in order, and a row's id is never given to another row while it lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, type_of_value
from dsl.typed import ExactlyOneOf, IsSet, OneOf
from engine.bitmaps import Mask, Rows, from_rows, to_array, to_mask
from engine.reading import ColumnPredicate
from engine.tables.buffers import Buffer
from engine.tables.columns import Numbers, Plain, scan
from engine.tables.first import first_by_text
from engine.tables.hashing import Hashes, Places, TextTable, digests, distinct, quick_hashes
from engine.tables.texts import fold_all, in_steps, strings, strings_of_many, text_mask
from storage import BlockRef


def no_ids() -> SealedIds:
    return SealedIds(strings([]), np.zeros(0, np.uint64))


def fingerprints_of(ids: pa.StringArray) -> Hashes:
    """`dsl.draw.fingerprint` of every id."""
    return digests(ids, 8)[0]


ERASED = np.uint64(0)
"""In place of the fingerprint of an id that was erased before it was sealed."""
RECENT_LEAST = 1 << 16
RECENT_SHARE = 4
"""Ids are sealed when there are so many new ones, and one for so many sealed ones: the dictionary of the new ones
stays small, since growing a large one stops every other thread."""


class SealedIds:
    """Ids of the first rows, "" for those erased before they were sealed; `ref` is the block they were saved in.

    A row is found by its fingerprint: a dictionary would take a second to fill for a few million contacts, at each
    start, and a hundred bytes for each.
    """

    __slots__ = ("_folded", "_table", "fingerprints", "ref", "texts")

    def __init__(self, texts: pa.StringArray, fingerprints: Hashes, ref: BlockRef | None = None) -> None:
        self.texts = texts
        self.fingerprints = fingerprints
        self.ref = ref
        self._table: TextTable | None = None
        self._folded: pa.StringArray | None = None

    def followed(self, texts: pa.StringArray, fingerprints: Hashes) -> SealedIds:
        """All these `texts`, of which the first are the ones held here."""
        more = SealedIds(texts, fingerprints)
        if self._table is not None:
            more._table = self._table.followed(texts, fingerprints, fingerprints != ERASED)
        return more

    def find(self, ids: pa.StringArray, prints: Hashes) -> Places:
        """The row of each id, given its fingerprint; -1 for unknown ones. Who asks first makes the table."""
        if self._table is None:
            self._table = TextTable(self.texts, self.fingerprints, self.fingerprints != ERASED)
        return self._table.find(ids, prints)

    def alike(self, folded: OneOf) -> Rows:
        """The rows whose ids fold to one of some texts. Who asks first folds all ids: they are searched only where one
        folds to another text than itself."""
        if self._folded is None:
            self._folded = fold_all(self.texts)
        if self._folded is not self.texts:
            return np.flatnonzero(text_mask(folded, self._folded, self.texts)).astype(np.uint32)
        asked = strings([str(value) for value in folded.values])
        rows = self.find(asked, fingerprints_of(asked))
        return rows[rows >= 0].astype(np.uint32)


@dataclass(frozen=True, slots=True)
class _Held:
    """All ids: the sealed ones and those after them, with the rows of the latter. `gone` are rows erased since."""

    sealed: SealedIds
    tail: list[str] = field(default_factory=list)
    recent: dict[str, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    def find(self, ids: pa.StringArray, prints: Hashes) -> Places:
        """The rows of ids that are not recent; -1 for unknown and erased ones."""
        rows = self.sealed.find(ids, prints)
        if self.gone:
            rows[np.isin(rows, list(self.gone))] = -1
        return rows


class IdTable:
    """Ids and rows, growing under a single writer. A version reads the first `size` rows.

    The id of an erased row is forgotten at once by `row_of`, and its text when the table is next sealed.
    """

    __slots__ = ("_held", "fingerprints", "size")

    def __init__(self, sealed: SealedIds) -> None:
        self._held = _Held(sealed)  # one attribute, so that readers see all of it change at once
        self.size = len(sealed.texts)
        self.fingerprints = Buffer.of(sealed.fingerprints)

    def row_of(self, id: str) -> int | None:
        held = self._held
        recent = held.recent.get(id)
        if recent is not None or not len(held.sealed.texts):
            return recent
        asked = strings([id])
        row = int(held.find(asked, fingerprints_of(asked))[0])
        return row if row >= 0 else None

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id; -1 for unknown ones."""
        held = self._held
        rows = np.array([held.recent.get(id, -1) for id in ids], np.int64)
        others = np.flatnonzero(rows < 0)
        if len(others) and len(held.sealed.texts):
            asked = strings([ids[at] for at in others.tolist()])
            rows[others] = held.find(asked, fingerprints_of(asked))
        return rows

    def lookup(self, ids: pa.StringArray, size: int) -> Places:
        """The row below `size` of each id; -1 for unknown ones."""
        held = self._held
        rows = held.find(ids, fingerprints_of(ids))
        if held.recent:
            others = np.flatnonzero(rows < 0)
            asked = chain.from_iterable(in_steps(ids.take(pa.array(others))))
            rows[others] = np.fromiter((held.recent.get(id, -1) for id in asked), np.int64, len(others))
        rows[rows >= size] = -1
        return rows

    def table(self, kept: Mask) -> TextTable:
        """The ids of `kept` rows, so that a great many can be looked up."""
        ids = self.arrow(len(kept))
        return TextTable(ids, quick_hashes(ids), kept)

    def allot(self, ids: Sequence[str]) -> list[int]:
        """The row of each id, unknown ones being given new rows in order."""
        held = self._held
        asked = [id for id in dict.fromkeys(ids) if id not in held.recent]
        texts = strings(asked)
        prints = fingerprints_of(texts)
        rows = held.find(texts, prints)
        new = np.flatnonzero(rows < 0)
        rows[new] = np.arange(self.size, self.size + len(new))
        self._append([asked[at] for at in new.tolist()], prints[new])
        known = dict(zip(asked, rows.tolist(), strict=True))
        return [known[id] if id in known else held.recent[id] for id in ids]

    def allot_all(self, ids: pa.StringArray) -> Rows:
        """`allot` for any number of ids."""
        rows = self.lookup(ids, self.size)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            firsts, numbers = distinct(ids.take(pa.array(unknown)))
            rows[unknown] = self.size + numbers
            self._append_all(ids.take(pa.array(unknown[firsts])))
        found: Rows = rows.astype(np.uint32)
        return found

    def _append_all(self, new: pa.StringArray) -> None:
        """Give the next rows to ids that are all new; many are sealed at once."""
        prints = fingerprints_of(new)
        if len(self._held.tail) + len(new) <= max(RECENT_LEAST, len(self._held.sealed.texts) // RECENT_SHARE):
            self._append([id for some in in_steps(new) for id in some], prints)
            return
        ids = pa.concat_arrays([self.arrow(self.size), new])
        self.fingerprints.put(self.size, prints)
        self.size += len(new)
        self._seal(ids)

    def _append(self, new: list[str], prints: NDArray[np.uint64]) -> None:
        if new:
            self.fingerprints.put(self.size, prints)
            self._held.tail.extend(new)
            self._held.recent.update(zip(new, range(self.size, self.size + len(new)), strict=True))
            self.size += len(new)

    def erase(self, row: int) -> None:
        self._held.gone.add(row)
        if row >= len(self._held.sealed.texts):
            self._held.recent.pop(self.text(row), None)

    def text(self, row: int) -> str:
        base, tail = self._held.sealed.texts, self._held.tail
        id: str = base[row].as_py() if row < len(base) else tail[row - len(base)]
        return id

    def texts(self, rows: Rows) -> list[str]:
        held = self._held
        base, tail = held.sealed.texts, held.tail
        sealed = rows < len(base)
        if sealed.all():
            ids: list[str] = base.take(pa.array(rows)).to_pylist()
            return ids
        first = len(base)
        return [tail[row - first] if row >= first else base[row].as_py() for row in rows.tolist()]

    def first(self, rows: Rows, count: int) -> Rows:
        """The `count` of `rows` whose ids come first, in any order; all of them when they are no more."""
        if len(rows) <= count:
            return rows
        base = self._held.sealed.texts
        if (rows < len(base)).all():
            return first_by_text(base, rows, count)
        ids = pa.array(self.texts(rows), pa.string())
        order: NDArray[np.int64] = pc.array_sort_indices(ids).to_numpy()
        return rows[order[:count]]

    def arrow(self, size: int) -> pa.StringArray:
        """The ids of the first `size` rows."""
        held = self._held
        base = held.sealed.texts
        if size <= len(base):
            return base[:size]
        return pa.concat_arrays([base, strings_of_many(held.tail, size - len(base))])

    def copied(self, size: int, erased: BitMap) -> IdTable:
        """A table of the ids of the first `size` rows, all sealed, those of erased rows forgotten."""
        ids, prints, gone = self.arrow(size), self.fingerprints.array[:size], to_array(erased)
        if len(gone):
            prints = prints.copy()
            prints[gone] = ERASED
            ids = pc.if_else(pa.array(to_mask(erased, size)), "", ids)
        return IdTable(SealedIds(ids, prints))

    def become(self, other: IdTable) -> None:
        """Hold what another table holds: the ids here, and perhaps more."""
        self.fingerprints = other.fingerprints
        self.size = other.size
        self._held = other._held

    @property
    def sealed(self) -> SealedIds:
        """The ids sealed last."""
        return self._held.sealed

    @property
    def unsealed(self) -> bool:
        """Whether there are new ids, or erased ones, since the ids were sealed last."""
        return bool(self._held.tail or self._held.gone)

    def seal(self) -> None:
        """Move all ids into one array; those of erased rows become empty."""
        self._seal(self.arrow(self.size))

    def _seal(self, ids: pa.StringArray) -> None:
        prints = self.fingerprints.array[: self.size]
        gone = sorted(self._held.gone)
        if gone:
            prints = prints.copy()
            prints[gone] = ERASED
            self.fingerprints = Buffer.of(prints)
            ids = pc.if_else(pa.array(to_mask(BitMap(gone), self.size)), "", ids)
        self._held = _Held(self._held.sealed.followed(ids, prints))


class IdColumn(Plain):
    """The ids of the living rows of one version, as a text column that is scanned."""

    __slots__ = ("alive", "field", "size", "table")

    def __init__(self, field: Field, table: IdTable, size: int, alive: BitMap) -> None:
        self.field = field
        self.table = table
        self.size = size
        self.alive = alive

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        living = self.alive if within is None else self.alive & within
        match predicate:
            case IsSet():
                return living
            case ExactlyOneOf(values):
                rows = [row for row in self.table.rows_of(values).tolist() if 0 <= row < self.size]
                return BitMap(rows) & living
            case OneOf():
                return self._alike(predicate, living)
            case _:
                return scan(self, predicate, living)

    def _alike(self, folded: OneOf, living: BitMap) -> BitMap:
        """Of sealed ids by what was found out about them; the others are searched."""
        sealed = self.table.sealed
        found = from_rows(sealed.alike(folded)) & living
        if len(sealed.texts) < self.size:
            found |= scan(self, folded, living & BitMap(range(len(sealed.texts), self.size)))
        return found

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        texts = self.table.arrow(self.size) if rows is None else strings(self.table.texts(rows))
        return text_mask(predicate, fold_all(texts), texts)

    @property
    def searched(self) -> int:
        return self.size

    def estimate(self, predicate: ColumnPredicate) -> int:
        return len(self.alive) if isinstance(predicate, IsSet) else 1

    def values(self, rows: Rows) -> list[type_of_value | None]:
        return list(self.table.texts(rows))

    def value(self, row: int) -> type_of_value | None:
        return self.table.text(row)

    def numbers(self, rows: Rows) -> Numbers:
        folded = fold_all(strings(self.table.texts(rows))).dictionary_encode()
        return folded.indices.to_numpy().astype(np.int64), np.ones(len(rows), np.bool_)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return dict.fromkeys(self.table.texts(to_array(within & self.alive)), 1)


def rows_bitmap(rows: list[int]) -> BitMap:
    """The bitmap of rows given as a list."""
    return from_rows(np.array(rows, np.uint32))
