"""The link from contacts to companies, kept as an entity column of company rows."""

from __future__ import annotations

import numpy as np
from pyroaring import BitMap

from dsl.schema import Field, Type
from engine.bitmaps import from_sorted, to_array, to_mask
from engine.reading import Column
from engine.tables.entities import EntitiesVersion

COMPANY = Field(":company", Type.NUMBER, decimals=0)
"""The column of company rows; no declared field can have this name."""


class CompanyLink:
    """Which company each contact of one version belongs to."""

    __slots__ = ("_contacts",)

    def __init__(self, contacts: EntitiesVersion) -> None:
        self._contacts = contacts

    def contacts_of(self, companies: BitMap, within: BitMap | None = None) -> BitMap:
        """Contacts whose company is among `companies`, among `within` when given."""
        column = self._contacts.column(COMPANY.name)
        if column is None or not companies:
            return BitMap()
        rows = to_array(self._contacts.alive if within is None else within & self._contacts.alive)
        company, linked = column.numbers(rows)
        wanted = to_mask(companies, companies.max() + 1)
        linked = linked & (company <= companies.max())
        linked[linked] = wanted[company[linked].astype(np.int64)]
        return from_sorted(rows[linked])

    def company_of(self, contact: int) -> int | None:
        column = self._contacts.column(COMPANY.name)
        return None if column is None else _whole(column, contact)


def _whole(column: Column, row: int) -> int | None:
    value = column.values(np.array([row], np.uint32))[0]
    return value if isinstance(value, int) else None
