"""Values for completion, from the columns: what they hold, and how many contacts or events have each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from dsl.complete import Counted, Held, Source
from dsl.complete.matching import Match, match
from dsl.folding import fold
from dsl.schema import Type
from dsl.typed import HasAny, OneOf, Scope
from engine.bitmaps import from_rows, to_array
from engine.reading import Column, EventPart
from engine.tables.loose import LooseTags, LooseText
from engine.tables.patches import PatchedColumn
from engine.tables.state import TablesVersion

COMPANIES_WORTH = 8
"""Values of companies are chosen by the companies that have them, and ordered by contacts: so many times as many are
chosen, since the two orders differ."""


@dataclass(frozen=True, slots=True)
class HeldValues:
    """`dsl.complete.Values` over one version of the data.

    Counts of contact fields and of company fields are of contacts, exact for this version. Those of properties are of
    events: whose they are would take longer to find out than a keystroke lasts.
    """

    data: TablesVersion

    def held(self, source: Source, typed: str, limit: int) -> Sequence[Held]:
        asked = limit
        while True:
            found = tuple(self._found(source, typed, asked))
            held = sorted((each for each in found if each.count), key=lambda each: _order(each, typed))[:limit]
            # Values that nobody has any more, and those that nearly fit, may have taken the places of others.
            if len(found) < asked or (len(held) == limit and _order(held[-1], typed)[0] < Match.NEAR):
                return held
            asked *= 2

    def _found(self, source: Source, typed: str, limit: int) -> Iterable[Held]:
        """Values that fit, with their counts: fewer than `limit` only where there are no others."""
        match source.scope:
            case Scope.CONTACTS:
                return self._of_contacts(source, typed, limit)
            case Scope.COMPANIES:
                return self._of_companies(source, typed, limit)
            case Scope.EVENTS:
                return self._of_events(source, typed, limit)

    def did(self, event: str) -> int:
        table = self.data.events(event)
        if table is None:
            return 0
        covers = [part.cover(None, None) for part in table.parts]
        bitmaps = [bitmap for some, _ in covers for bitmap in some] + [from_rows(rows) for _, rows in covers]
        return len(BitMap.union(*bitmaps) - self.data.contacts.erased) if bitmaps else 0

    def _of_contacts(self, source: Source, typed: str, limit: int) -> Iterable[Held]:
        column = self.data.contacts.columns.get(source.field.name)
        if column is None:
            return ()
        return (Held(value, len(_rows(column, value))) for value in _candidates(column, typed, limit))

    def _of_companies(self, source: Source, typed: str, limit: int) -> Iterable[Held]:
        column = self.data.companies.columns.get(source.field.name)
        if column is None:
            return ()
        sizes = self.data.company_link.sizes
        candidates = _candidates(column, typed, limit * COMPANIES_WORTH)
        return (Held(value, int(sizes[to_array(_rows(column, value))].sum())) for value in candidates)

    def _of_events(self, source: Source, typed: str, limit: int) -> Iterable[Held]:
        table = None if source.event is None else self.data.events(source.event)
        erased = self.data.contacts.erased
        columns = [_PartColumn.of(part, source.field.name, erased) for part in (table.parts if table else ())]
        there = [column for column in columns if column is not None]
        values = dict.fromkeys(value for part in there for value in _candidates(part.column, typed, limit))
        alike = {fold(value) if isinstance(value, str) else value: value for value in values}
        return (Held(value, sum(part.count(value) for part in there), Counted.EVENTS) for value in alike.values())


@dataclass(frozen=True, slots=True)
class _PartColumn:
    """A property in one part, and the events there of contacts that were erased since it was sealed."""

    column: Column
    erased: BitMap

    @classmethod
    def of(cls, part: EventPart, name: str, erased: BitMap) -> _PartColumn | None:
        column = part.column(name)
        if column is None:
            return None
        bitmaps, rows = part.cover(None, None) if erased else ([], None)
        gone = [bitmap & erased for bitmap in bitmaps] + ([from_rows(rows) & erased] if rows is not None else [])
        contacts = BitMap.union(*gone) if gone else BitMap()
        return cls(column, from_rows(part.rows_of(contacts)) if contacts else BitMap())

    def count(self, value: str | bool) -> int:
        rows = _rows(self.column, value)
        return len(rows) - rows.intersection_cardinality(self.erased) if self.erased else len(rows)


def _candidates(column: Column, typed: str, limit: int) -> Iterable[str | bool]:
    """Values that fit what is typed, those that fold alike once."""
    if column.field.type is Type.BOOLEAN:
        return (True, False)
    match column:
        case PatchedColumn() | LooseText() | LooseTags():
            found = column.texts_like(typed, limit)
            return {fold(text): text for text in reversed(found)}.values()
        case _:
            return ()


def _rows(column: Column, value: str | bool) -> BitMap:
    asked = fold(value) if isinstance(value, str) else value
    return column.matching(HasAny((str(asked),)) if column.field.type is Type.TAGS else OneOf((asked,)))


def _order(held: Held, typed: str) -> tuple[int, int]:
    """How well a value fits, then how many have it."""
    how = match(typed, held.value) if isinstance(held.value, str) else Match.START
    return Match.NEAR if how is None else how, -held.count
