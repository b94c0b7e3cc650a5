"""Contacts and companies: rows with an id, and columns that are a sealed base under a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet
from engine.bitmaps import Rows, Words, rows_below, take, to_mask
from engine.reading import Column
from engine.tables.hashing import TextTable
from engine.tables.identity import IdColumn, IdTable, SealedIds, no_ids
from engine.tables.loose import Loose
from engine.tables.patches import Patch, PatchedColumn, resealed
from engine.tables.sealed import Sealed

PATCH_LIMIT = 1 << 15
PATCH_SHARE = 20
"""A patch is merged when it has more entries than the limit and than one in so many of its base's rows."""


class EntitiesVersion:
    """Contacts or companies as one version sees them.

    Ids are shared with the writer: of a row that was erased after this version, `row` knows nothing any more, even
    when its id was given to another row since, and `ids` gives "" once the ids were sealed again.
    """

    __slots__ = ("_alive", "_ids", "_living", "columns", "erased", "fields", "sealed_ids", "size")

    def __init__(
        self,
        ids: IdTable,
        size: int,
        erased: BitMap,
        columns: Mapping[str, PatchedColumn],
        fields: Mapping[str, Field],
    ) -> None:
        self.size = size
        self.fields = fields
        self._ids = ids
        self.erased = erased
        self.columns = columns
        self._alive: BitMap | None = None
        self._living: Words | None = None
        self.sealed_ids: SealedIds = ids.sealed

    @property
    def alive(self) -> BitMap:
        if self._alive is None:
            self._alive = BitMap(range(self.size)) - self.erased
        return self._alive

    @property
    def living(self) -> Words:
        if self._living is None:
            living = rows_below(self.size)
            take(self.erased, living)
            self._living = living
        return self._living

    def row(self, id: str) -> int | None:
        row = self._ids.row_of(id)
        return row if row is not None and row < self.size else None

    def rows_of(self, ids: pa.StringArray) -> NDArray[np.int64]:
        """The row of each id; -1 for those of no living row."""
        rows = self._ids.lookup(ids, self.size)
        return np.where(np.append(to_mask(self.alive, self.size), False)[rows], rows, -1)

    def table(self) -> TextTable:
        """The ids of living rows, so that a great many can be looked up."""
        return self._ids.table(to_mask(self.alive, self.size))

    def copied_ids(self) -> IdTable:
        """The ids of this version in a table of their own."""
        return self._ids.copied(self.size, self.erased)

    def ids(self, rows: Rows) -> list[str]:
        return self._ids.texts(rows)

    def first(self, rows: Rows, count: int) -> Rows:
        return self._ids.first(rows, count)

    @property
    def fingerprints(self) -> NDArray[np.uint64]:
        return self._ids.fingerprints.array[: self.size]

    def column(self, name: str) -> Column | None:
        if name == "id":
            return IdColumn(self.fields["id"], self._ids, self.size, self.alive) if self.size else None
        return self.columns.get(name)


class Rebase:
    """A base and its patch made one, while writing goes on."""

    def __init__(self, table: EntityTable, column: PatchedColumn, rows: int) -> None:
        self._table = table
        self._column = column
        self._rows = rows
        self._merged: Sealed | None = None

    def build(self) -> None:
        self._merged = resealed(self._column, self._rows)

    def adopt(self) -> bool:
        assert self._merged is not None, "adopted before it was built"
        return self._table.take(self._column, self._merged)


class EntityTable:
    """The writer's side of contacts or companies: a sealed base and a patch for each column that holds something."""

    __slots__ = ("_published", "_touched", "bases", "erased", "fields", "ids", "patches")

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.ids = IdTable(no_ids())
        self.erased = BitMap()
        self.bases: dict[str, Sealed] = {}
        self.patches: dict[str, Patch] = {}
        self._published: dict[str, PatchedColumn] = {}
        self._touched: set[str] = set()

    def declare(self, fields: Mapping[str, Field]) -> None:
        """Take the fields of a new schema; columns whose type changed (they hold nothing) begin anew."""
        for name in list(self.patches):
            before, now = self.fields[name], fields.get(name)
            if now is None or (now.type, now.decimals) != (before.type, before.decimals):
                self._drop(name)
        self.fields = fields
        self._touched.update(self.patches)

    def _drop(self, name: str) -> None:
        del self.patches[name]
        self.bases.pop(name, None)
        # Not in place: versions published before hold the mapping, and go on seeing the column.
        self._published = {other: column for other, column in self._published.items() if other != name}
        self._touched.discard(name)

    def write(self, name: str, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Set field `name` of `rows`; None clears."""
        patch = self.patches.get(name)
        if patch is None:
            if all(value is None or value == [] for value in values):
                return
            patch = self.patches[name] = Patch(self.fields[name])
        patch.put(rows, values)
        self._touched.add(name)

    def erase(self, rows: Sequence[int]) -> list[int]:
        """Erase living `rows`: their ids and values. Returns those that were alive."""
        gone = [row for row in dict.fromkeys(rows) if row < self.ids.size and row not in self.erased]
        for row in gone:
            self.ids.erase(row)
        self.erased = self.erased | BitMap(gone)
        for name in self.patches if gone else ():
            self.write(name, gone, [None] * len(gone))
        return gone

    def seal_ids(self) -> None:
        """Seal new ids, and forget those of erased rows."""
        if self.ids.unsealed:
            self.ids.seal()

    def due(self) -> Rebase | None:
        """The merge of a patch that has grown large into its base, when there is one."""
        for name, patch in self.patches.items():
            base = self.bases.get(name)
            if patch.size > max(PATCH_LIMIT, base.size // PATCH_SHARE if base else 0):
                return Rebase(self, PatchedColumn(self.fields[name], base, patch), self.ids.size)
        return None

    def adopt(self, saved: EntitiesVersion) -> None:
        """Take the merged columns that saving a version made."""
        for column in saved.columns.values():
            if column.merged is not None:
                self.take(column, column.merged)

    def take(self, column: PatchedColumn, merged: Sealed) -> bool:
        """Put the merged form of a column in its place, under what was written since; whether it still had one."""
        name = column.field.name
        if self.patches.get(name) is not column.patch:
            return False
        later = column.patch.since(column.field, column.size)
        self.rebase(name, merged)
        self.write(name, *later)
        return True

    def merge(self, name: str, rows: Rows, values: Loose) -> None:
        """Set field `name` of many rows at once; of values for the same row the last holds."""
        patch = self.patches.get(name) or Patch(self.fields[name])
        column = PatchedColumn(self.fields[name], self.bases.get(name), patch)
        self.rebase(name, resealed(column, self.ids.size, (rows, values)))

    def rebase(self, name: str, base: Sealed) -> None:
        """Give column `name` a new base and an empty patch; a column without any value is dropped."""
        self.patches[name] = Patch(self.fields[name])
        self._touched.add(name)
        self.bases[name] = base
        if not base.estimate(IsSet()):
            self._drop(name)

    @classmethod
    def restored(
        cls, fields: Mapping[str, Field], ids: SealedIds, erased: BitMap, bases: dict[str, Sealed]
    ) -> EntityTable:
        """The table that was saved."""
        table = cls(fields)
        table.ids = IdTable(ids)
        table.erased = erased
        for name, base in bases.items():
            table.rebase(name, base)
        return table

    def publish(self) -> EntitiesVersion:
        if self._touched:
            columns = dict(self._published)
            for name in self._touched:
                columns[name] = PatchedColumn(self.fields[name], self.bases.get(name), self.patches[name])
            self._published = columns
            self._touched.clear()
        return EntitiesVersion(self.ids, self.ids.size, self.erased, self._published, self.fields)
