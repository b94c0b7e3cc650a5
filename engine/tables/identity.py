"""Ids of entities: rows are allotted in order, and a row's id is never given to another row while it lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def fingerprints_of(ids: Iterable[str]) -> NDArray[np.uint64]:
    """`dsl.draw.fingerprint` of every id."""
    return np.frombuffer(b"".join([blake2b(id.encode(), digest_size=8).digest() for id in ids]), "<u8")


class IdTable:
    """Ids and rows, growing under a single writer. A version reads the first `size` rows.

    The id of an erased row is forgotten at once by `row_of`, and its text when the table is next sealed.
    """

    __slots__ = ("_held", "_rows", "fingerprints", "ref", "size")

    def __init__(self, base: pa.StringArray, fingerprints: NDArray[np.uint64], erased: BitMap) -> None:
        # Texts of the first rows, sealed, and of those after: one attribute, so that readers see them change at once.
        self._held: tuple[pa.StringArray, list[str]] = (base, [])
        self.size = len(base)
        self.ref: BlockRef | None = None
        self.fingerprints = Buffer(np.uint64)
        self.fingerprints.put(0, fingerprints)
        self._rows: dict[str, int] = dict(zip(base.to_pylist(), range(len(base)), strict=True))
        if erased:
            alive = [row for row in range(len(base)) if row not in erased]
            self._rows = dict(zip(base.take(pa.array(alive)).to_pylist(), alive, strict=True))

    def row_of(self, id: str) -> int | None:
        return self._rows.get(id)

    def rows_of(self, ids: Iterable[str]) -> list[int]:
        """The row of each id; -1 for unknown ones."""
        get = self._rows.get
        return [get(id, -1) for id in ids]

    def allot(self, ids: Iterable[str]) -> list[int]:
        """The row of each id, unknown ones being given new rows in order."""
        known = self._rows
        rows = []
        new: list[str] = []
        size = self.size
        for id in ids:
            row = known.get(id)
            if row is None:
                row = known[id] = size + len(new)
                new.append(id)
            rows.append(row)
        self._append(new)
        return rows

    def _append(self, new: list[str]) -> None:
        if new:
            self.fingerprints.put(self.size, fingerprints_of(new))
            self._held[1].extend(new)
            self.size += len(new)

    def erase(self, row: int) -> None:
        self._rows.pop(self.text(row), None)

    def text(self, row: int) -> str:
        base, tail = self._held
        id: str = base[row].as_py() if row < len(base) else tail[row - len(base)]
        return id

    def texts(self, rows: Rows) -> list[str]:
        base, tail = self._held
        sealed = rows < len(base)
        if sealed.all():
            ids: list[str] = base.take(pa.array(rows)).to_pylist()
            return ids
        held = len(base)
        return [tail[row - held] if row >= held else base[row].as_py() for row in rows.tolist()]

    def arrow(self, size: int) -> pa.StringArray:
        """The ids of the first `size` rows."""
        base, tail = self._held
        if size <= len(base):
            return base[:size]
        return pa.concat_arrays([base, strings(tail[: size - len(base)])])

    @property
    def sealed(self) -> int:
        """How many rows have their id in the sealed array."""
        return len(self._held[0])

    def seal(self, erased: BitMap) -> None:
        """Move all ids into one array; those of `erased` rows become empty."""
        ids = self.arrow(self.size)
        if erased:
            ids = pc.if_else(pa.array(to_mask(erased, self.size)), "", ids)
            self.fingerprints.array = np.where(
                to_mask(erased, len(self.fingerprints.array)), 0, self.fingerprints.array
            )
        self._held = (ids, [])
        self.ref = None


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
