"""Contacts and companies: rows with an id, and columns that are a sealed base under a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from engine.bitmaps import Rows
from engine.reading import Column
from engine.tables.identity import IdColumn, IdTable
from engine.tables.patches import Patch, PatchedColumn
from engine.tables.texts import strings


class EntitiesVersion:
    """Contacts or companies as one version sees them."""

    __slots__ = ("_alive", "_columns", "_erased", "_ids", "fields", "size")

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
        self._erased = erased
        self._columns = columns
        self._alive: BitMap | None = None

    @property
    def alive(self) -> BitMap:
        if self._alive is None:
            self._alive = BitMap(range(self.size)) - self._erased
        return self._alive

    def row(self, id: str) -> int | None:
        row = self._ids.row_of(id)
        return row if row is not None and row < self.size else None

    def ids(self, rows: Rows) -> list[str]:
        return self._ids.texts(rows)

    @property
    def fingerprints(self) -> NDArray[np.uint64]:
        return self._ids.fingerprints.array[: self.size]

    def column(self, name: str) -> Column | None:
        if name == "id":
            return IdColumn(self.fields["id"], self._ids, self.size, self.alive) if self.size else None
        return self._columns.get(name)


class EntityTable:
    """The writer's side of contacts or companies."""

    __slots__ = ("_published", "_touched", "erased", "fields", "ids", "patches")

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.ids = IdTable(strings([]), np.zeros(0, np.uint64), BitMap())
        self.erased = BitMap()
        self.patches: dict[str, Patch] = {}
        self._published: dict[str, PatchedColumn] = {}
        self._touched: set[str] = set()

    def declare(self, fields: Mapping[str, Field]) -> None:
        """Take the fields of a new schema; columns whose type changed (they hold nothing) begin anew."""
        for name in list(self.patches):
            before, now = self.fields[name], fields.get(name)
            if now is None or (now.type, now.decimals) != (before.type, before.decimals):
                del self.patches[name]
                self._published.pop(name, None)
                self._touched.discard(name)
        self.fields = fields
        self._touched.update(self.patches)

    def write(self, name: str, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Set field `name` of `rows`; None clears."""
        patch = self.patches.get(name)
        if patch is None:
            if all(not value and (value is None or value == []) for value in values):
                return
            patch = self.patches[name] = Patch(self.fields[name].type)
        patch.put(rows, values)
        self._touched.add(name)

    def erase(self, rows: Sequence[int]) -> list[int]:
        """Erase living `rows`: their ids and values. Returns those that were alive."""
        gone = [row for row in rows if row < self.ids.size and row not in self.erased]
        for row in gone:
            self.ids.erase(row)
        self.erased = self.erased | BitMap(gone)
        for name in self.patches if gone else ():
            self.write(name, gone, [None] * len(gone))
        return gone

    def publish(self) -> EntitiesVersion:
        if self._touched:
            columns = dict(self._published)
            for name in self._touched:
                columns[name] = PatchedColumn(self.fields[name], None, self.patches[name])
            self._published = columns
            self._touched.clear()
        return EntitiesVersion(self.ids, self.ids.size, self.erased, self._published, self.fields)
