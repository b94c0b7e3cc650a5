"""Imports of contacts and companies made beside the writer: on a copy of the tables, whose columns it then takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyroaring import BitMap

from engine.bitmaps import Rows, from_rows
from engine.changes import BulkContacts
from engine.tables.bulk_contacts import apply_bulk_contacts
from engine.tables.entities import EntitiesVersion, EntityTable
from engine.tables.loose import Loose
from engine.tables.patches import PatchedColumn, resealed
from engine.tables.state import Applied, State, TablesVersion
from storage import MappedBlocks


class DraftTable(EntityTable):
    """A table that begins as a version has it, and remembers which rows of which columns were set since."""

    __slots__ = ("set_rows", "version")

    def __init__(self, version: EntitiesVersion) -> None:
        super().__init__(version.fields)
        self.version = version
        self.ids = version.copied_ids()
        self.erased = version.erased
        self.set_rows: dict[str, BitMap] = {}
        for name, column in version.columns.items():
            base = resealed(column, version.size) if column.size else column.base
            if base is not None:
                self.rebase(name, base)

    def merge(self, name: str, rows: Rows, values: Loose) -> None:
        super().merge(name, rows, values)
        self._remember(name, rows)

    def write(self, name: str, rows: Sequence[int], values: Sequence[Any]) -> None:
        super().write(name, rows, values)
        self._remember(name, np.array(rows, np.uint32))

    def _remember(self, name: str, rows: Rows) -> None:
        self.set_rows[name] = self.set_rows.get(name, BitMap()) | from_rows(rows)

    def finish(self) -> None:
        """Make one of base and patch."""
        for name in self.set_rows:
            column = PatchedColumn(self.fields[name], self.bases.get(name), self.patches[name])
            if column.size:
                self.rebase(name, resealed(column, self.ids.size))


@dataclass(frozen=True, slots=True)
class Draft:
    """What an import makes of the tables of a version."""

    version: TablesVersion
    contacts: DraftTable
    companies: DraftTable
    applied: Applied

    @classmethod
    def of(cls, version: TablesVersion, change: BulkContacts, blocks: MappedBlocks) -> Draft:
        state = State(version.schema)
        contacts, companies = DraftTable(version.contacts), DraftTable(version.companies)
        state.contacts, state.companies = contacts, companies
        applied = apply_bulk_contacts(state, change, version.seq + 1, blocks)
        contacts.finish()
        companies.finish()
        return cls(version, contacts, companies, applied)

    def taken(self, state: State, seq: int) -> Applied | None:
        """Make the tables as drafted, under what was written to them since; None, with nothing done, when contacts
        or companies came or went since, or columns were made anew."""
        pairs = ((state.contacts, self.contacts), (state.companies, self.companies))
        if state.schema is not self.version.schema or not all(_fits(table, draft) for table, draft in pairs):
            return None
        for table, draft in pairs:
            _take(table, draft)
        state.seq = seq
        return self.applied


def _fits(table: EntityTable, draft: DraftTable) -> bool:
    version = draft.version
    same = table.ids.size == version.size and table.erased == version.erased
    return same and all(_still(table, draft, name) for name in draft.set_rows)


def _still(table: EntityTable, draft: DraftTable, name: str) -> bool:
    """Whether a column has the base and the patch that the draft began with, be it a longer one."""
    column = draft.version.columns.get(name)
    if column is None:
        return name not in table.patches
    return table.bases.get(name) is column.base and table.patches.get(name) is column.patch


def _take(table: EntityTable, draft: DraftTable) -> None:
    table.ids.become(draft.ids)
    for name, rows in draft.set_rows.items():
        column = draft.version.columns.get(name)
        later = ([], []) if column is None else column.patch.since(column.field, column.size)
        kept = [(row, value) for row, value in zip(*later, strict=True) if row not in rows]
        table.rebase(name, draft.bases[name])
        table.write(name, [row for row, _ in kept], [value for _, value in kept])
