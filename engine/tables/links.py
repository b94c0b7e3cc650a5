"""The link from contacts to companies, kept as an entity column of company rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, Type
from dsl.typed import IsSet
from engine.bitmaps import (
    Mask,
    Rows,
    Words,
    below,
    clear_rows,
    fitted,
    from_rows,
    from_sorted,
    from_words,
    is_dense,
    set_rows,
    to_array,
    to_mask,
    to_words,
)
from engine.native import kernel
from engine.tables.groups import Postings
from engine.tables.loose import Loose, LooseNumbers, present
from engine.tables.numeric import SealedNumbers
from engine.tables.patches import PatchedColumn
from engine.tables.sealed import Sealed

COMPANY = Field(":company", Type.NUMBER, decimals=0)
"""The column of company rows; no declared field can have this name."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Contacts that have a company, ascending, and the company of each, which is below `size`."""

    contacts: Rows
    linked: NDArray[np.int64]
    size: int

    @property
    def companies(self) -> BitMap:
        return from_rows(self.linked.astype(np.uint32))

    def to(self, companies: BitMap) -> BitMap:
        """Those contacts whose company is among `companies`."""
        return from_sorted(self._kept(companies))

    def count(self, companies: BitMap) -> int:
        """How many these are."""
        return len(self._kept(companies))

    def _kept(self, companies: BitMap) -> Rows:
        kept = np.empty(len(self.contacts), np.uint32)
        return kept[: _keep(self.contacts, self.linked, to_words(companies, self.size), kept)]


class CompanyLink:
    """Which company each contact of one version belongs to."""

    def __init__(self, column: PatchedColumn | None, companies: int) -> None:
        self._column = column
        self._companies = companies

    @property
    def unmade(self) -> int:
        base = None if self._column is None else self._column.base
        return base.size if isinstance(base, SealedNumbers) and base.index is None else 0

    def contacts_of(self, companies: BitMap, within: BitMap | None = None) -> BitMap:
        """Contacts whose company is among `companies`, among `within` when given."""
        column = self._column
        if column is None or not companies:
            return BitMap()
        words = self._linked(column.base, companies)
        rows = self._linked_few(column.base, companies) if words is None else from_words(words)
        if column.size:
            rows = (rows - column.patch.overridden(column.size)) | self._linked_later(column, companies)
        return rows if within is None else rows & within

    def words(self, companies: BitMap, size: int) -> Words | None:
        """The same of `size` contacts as words that nobody changes; None where a bitmap is better."""
        column = self._column
        words = None if column is None else self._linked(column.base, companies)
        if column is None or words is None:
            return None
        words = fitted(words, size)
        if not column.size:
            return words
        changed = words.copy()
        clear_rows(to_array(column.patch.overridden(column.size)), changed)
        set_rows(to_array(self._linked_later(column, companies)), changed)
        return changed

    def _linked_later(self, column: PatchedColumn, companies: BitMap) -> BitMap:
        """Rows whose latest entry leads to any of `companies`."""
        return column.rows_at(_linked_entries(column.tail, to_mask(companies, self._companies)))

    def count_of(self, companies: BitMap) -> int:
        """How many contacts there are whose company is among `companies`, where none is erased."""
        column = self._column
        if column is None:
            return 0
        if column.size or not isinstance(column.base, SealedNumbers):
            return len(self.contacts_of(companies))
        index = _postings(column.base)
        return index.count(_groups(companies, index))

    def _linked(self, base: Sealed | None, companies: BitMap) -> Words | None:
        """Rows of a sealed link column that lead to any of `companies`, if these and those are dense: of more than half
        of the rows, all but the rest."""
        if base is None or not is_dense(len(companies), self._companies):
            return None
        assert isinstance(base, SealedNumbers)
        there = base.words(IsSet(), base.size)
        if len(companies) == self._companies:
            return there
        index = _postings(base)
        groups = _groups(companies, index)
        linked = index.count(groups)
        if linked * 2 <= len(index.rows) or there is None:
            return index.words(groups, base.size) if is_dense(linked, base.size) else None
        others = np.ones(len(index.starts) - 1, np.bool_)
        others[groups] = False
        return there & ~index.words(np.flatnonzero(others), base.size)

    def _linked_few(self, base: Sealed | None, companies: BitMap) -> BitMap:
        if base is None:
            return BitMap()
        assert isinstance(base, SealedNumbers)
        index = _postings(base)
        return from_rows(index.among(_groups(companies, index)))

    def followed(self, contacts: BitMap) -> Followed:
        """The companies of few contacts."""
        if self._column is None:
            return Followed(np.empty(0, np.uint32), np.empty(0, np.int64), self._companies)
        rows = to_array(contacts)
        companies, there = self._column.numbers(rows)
        return Followed(rows[there], companies[there].astype(np.int64, copy=False), self._companies)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many contacts each company has, by its row."""
        sizes = np.zeros(self._companies, np.int64)
        column = self._column
        if column is None:
            return sizes
        if isinstance(column.base, SealedNumbers):
            kept = np.ones(column.base.size, np.bool_)
            if column.size:
                kept[to_array(below(column.patch.overridden(column.size), column.base.size))] = False
            sizes += _sizes(column.base.data[kept], self._companies)
        if column.size:
            assert isinstance(column.tail, LooseNumbers)
            _, entries = column.latest_entries()
            sizes += _sizes(column.tail.data[entries], self._companies)
        return sizes

    def company_of(self, contact: int) -> int | None:
        """The company's row."""
        if self._column is None:
            return None
        value = self._column.value(contact)
        return value if isinstance(value, int) else None


def _postings(base: SealedNumbers) -> Postings:
    """The contacts of each company; who asks first makes them."""
    if base.index is None:
        rows = np.arange(len(base.data), dtype=np.uint32)
        base.index = Postings.of(base.data, rows, max(0, int(base.data.max(initial=-1)) + 1))
    return base.index


def _groups(companies: BitMap, index: Postings) -> NDArray[np.int64]:
    """Those of the companies that have postings; ones made later have none."""
    wanted = to_array(companies)
    return wanted[: np.searchsorted(wanted, len(index.starts) - 1)].astype(np.int64)


def _sizes(companies: NDArray[Any], size: int) -> NDArray[np.int64]:
    """How often each company occurs."""
    return np.bincount(companies[present(companies)].astype(np.int64), minlength=size)


def _linked_entries(tail: Loose, wanted: Mask) -> Mask:
    """Entries of a patch that lead to a company whose entry in `wanted` is true."""
    assert isinstance(tail, LooseNumbers)
    linked = present(tail.data)
    linked[linked] = wanted[tail.data[linked]]
    return linked


@kernel("u4[]", "i8[]", "u8[]", "out u4[]")
def _keep(contacts: Rows, linked: NDArray[np.int64], companies: Words, kept: Rows) -> int:
    """Write the contacts that are linked to any of `companies`; how many those are."""
    count = 0
    for place in range(contacts.size):
        company = linked[place]
        kept[count] = contacts[place]
        if companies[company >> 6] >> np.uint64(company & 63) & np.uint64(1):
            count += 1
    return count
