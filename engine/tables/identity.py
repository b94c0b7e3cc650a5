"""Ids of entities: rows are allotted in order, and a row's id is never given to another row while it lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, type_of_value
from dsl.typed import ExactlyOneOf, IsSet
from engine.bitmaps import Mask, Rows, from_rows, to_array, to_mask
from engine.reading import ColumnPredicate
from engine.tables.buffers import Buffer
from engine.tables.columns import Numbers, scan
from engine.tables.texts import fold_all, strings, text_mask
from storage import BlockRef


def no_ids() -> SealedIds:
    return SealedIds(strings([]), np.zeros(0, np.uint64))


def fingerprints_of(ids: Iterable[str]) -> NDArray[np.uint64]:
    """`dsl.draw.fingerprint` of every id."""
    return np.frombuffer(b"".join([blake2b(id.encode(), digest_size=8).digest() for id in ids]), "<u8")


HASHED_WORTH = 4
"""Arrow hashes all ids to look up many at once, when they are at least one for so many rows."""

AT_ONCE = 1 << 13
"""So many ids are put into the dictionary in one call, during which no other thread runs."""


@dataclass(slots=True)
class SealedIds:
    """Ids of the first rows, "" for those erased before they were sealed; `ref` is the block they were saved in."""

    texts: pa.StringArray
    fingerprints: NDArray[np.uint64]
    ref: BlockRef | None = None


class IdTable:
    """Ids and rows, growing under a single writer. A version reads the first `size` rows.

    The id of an erased row is forgotten at once by `row_of`, and its text when the table is next sealed.
    """

    __slots__ = ("_held", "_rows", "fingerprints", "size")

    def __init__(self, sealed: SealedIds, erased: BitMap) -> None:
        # The sealed ids and those after them: one attribute, so that readers see both change at once.
        self._held: tuple[SealedIds, list[str]] = (sealed, [])
        self.size = len(sealed.texts)
        self.fingerprints = Buffer(np.uint64)
        self.fingerprints.put(0, sealed.fingerprints)
        self._rows = (
            {id: row for row, id in enumerate(sealed.texts.to_pylist()) if row not in erased}
            if erased
            else dict(zip(sealed.texts.to_pylist(), range(self.size), strict=True))
        )

    def row_of(self, id: str) -> int | None:
        return self._rows.get(id)

    def rows_of(self, ids: Iterable[str]) -> list[int]:
        """The row of each id; -1 for unknown ones."""
        get = self._rows.get
        return [get(id, -1) for id in ids]

    def lookup(self, ids: pa.StringArray, size: int) -> NDArray[np.int64]:
        """The row below `size` of each id; -1 for unknown ones, and perhaps an erased row for an erased id."""
        if len(ids) * HASHED_WORTH < size or len(self._rows) != self.size:
            encoded = ids.dictionary_encode()
            rows: NDArray[np.int64] = np.array(self.rows_of(encoded.dictionary.to_pylist()), np.int64)[
                encoded.indices.to_numpy()
            ]
        else:
            rows = pc.fill_null(pc.index_in(ids, self.arrow(size)), -1).to_numpy().astype(np.int64)
        rows[rows >= size] = -1
        return rows

    def allot(self, ids: Sequence[str]) -> list[int]:
        """The row of each id, unknown ones being given new rows in order."""
        if len(ids) <= AT_ONCE:
            return self._allot(ids)
        return [row for begin in range(0, len(ids), AT_ONCE) for row in self._allot(ids[begin : begin + AT_ONCE])]

    def _allot(self, ids: Sequence[str]) -> list[int]:
        known = self._rows
        new = [id for id in dict.fromkeys(ids) if id not in known]
        known.update(zip(new, range(self.size, self.size + len(new)), strict=True))
        self._append(new)
        return [known[id] for id in ids]

    def _append(self, new: list[str]) -> None:
        if new:
            self.fingerprints.put(self.size, fingerprints_of(new))
            self._held[1].extend(new)
            self.size += len(new)

    def erase(self, row: int) -> None:
        self._rows.pop(self.text(row), None)

    def text(self, row: int) -> str:
        base, tail = self._held[0].texts, self._held[1]
        id: str = base[row].as_py() if row < len(base) else tail[row - len(base)]
        return id

    def texts(self, rows: Rows) -> list[str]:
        base, tail = self._held[0].texts, self._held[1]
        sealed = rows < len(base)
        if sealed.all():
            ids: list[str] = base.take(pa.array(rows)).to_pylist()
            return ids
        held = len(base)
        return [tail[row - held] if row >= held else base[row].as_py() for row in rows.tolist()]

    def arrow(self, size: int) -> pa.StringArray:
        """The ids of the first `size` rows."""
        base, tail = self._held[0].texts, self._held[1]
        if size <= len(base):
            return base[:size]
        return pa.concat_arrays([base, strings(tail[: size - len(base)])])

    @property
    def sealed(self) -> SealedIds:
        """The ids sealed last."""
        return self._held[0]

    def seal(self, erased: BitMap) -> None:
        """Move all ids into one array; those of `erased` rows become empty."""
        ids, prints = self.arrow(self.size), self.fingerprints.array[: self.size].copy()
        if erased:
            ids = pc.if_else(pa.array(to_mask(erased, self.size)), "", ids)
            prints[to_array(erased)] = 0
            self.fingerprints = Buffer(np.uint64)
            self.fingerprints.put(0, prints)
        self._held = (SealedIds(ids, prints), [])


class IdColumn:
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
                rows = [row for row in self.table.rows_of(values) if 0 <= row < self.size]
                return BitMap(rows) & living
            case _:
                return scan(self, predicate, living)

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        texts = self.table.arrow(self.size) if rows is None else strings(self.table.texts(rows))
        return text_mask(predicate, fold_all(texts), texts)

    def estimate(self, predicate: ColumnPredicate) -> int:
        return len(self.alive) if isinstance(predicate, IsSet) else 1

    def values(self, rows: Rows) -> list[type_of_value | None]:
        return list(self.table.texts(rows))

    def numbers(self, rows: Rows) -> Numbers:
        folded = fold_all(strings(self.table.texts(rows))).dictionary_encode()
        return folded.indices.to_numpy().astype(np.int64), np.ones(len(rows), np.bool_)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return dict.fromkeys(self.table.texts(to_array(within & self.alive)), 1)


def rows_bitmap(rows: list[int]) -> BitMap:
    """The bitmap of rows given as a list."""
    return from_rows(np.array(rows, np.uint32))
