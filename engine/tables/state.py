"""The state that changes are applied to, and the versions it publishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from dsl.schema import COMPANY_SYSTEM_FIELDS, CONTACT_SYSTEM_FIELDS, EVENT_SYSTEM_FIELDS, Field, Schema
from engine.bitmaps import Mask, Rows
from engine.changes import AddEvents, ContactRow, EraseContacts, EventColumns, UpsertCompanies, UpsertContacts, Value
from engine.reading import EventPart, Nearest, Neighbours, Recency
from engine.tables.entities import PATCH_LIMIT, EntitiesVersion, EntityTable
from engine.tables.events import TAIL_LIMIT, EventsVersion, EventTable
from engine.tables.identity import rows_bitmap
from engine.tables.links import COMPANY, CompanyLink
from engine.tables.loose import LooseNumbers
from engine.tables.nearest import Measurements
from engine.tables.parts import SealedPart
from engine.tables.prints import IdPrints
from engine.tables.recency import Recencies

DataChange = UpsertContacts | UpsertCompanies | AddEvents | EraseContacts
"""The changes that concern rows."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did. `contacts` and `companies` are the rows it touched, new ones included; `fields` and
    `company_fields` the columns; `events` the event types that have new events."""

    accepted: int = 0
    duplicates: int = 0
    contacts: BitMap = field(default_factory=BitMap)
    companies: BitMap = field(default_factory=BitMap)
    fields: frozenset[str] = frozenset()
    company_fields: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()


class Chore(Protocol):
    """Work on tables that changes nothing of what they hold, done while they are read and written."""

    def build(self) -> None:
        """Make the new form from what does not change; on any thread."""

    def adopt(self) -> bool:
        """Put it in place, on the writer's thread; false, changing nothing, when what it was made of is gone."""


@dataclass(frozen=True, slots=True)
class TablesVersion:
    """An immutable snapshot: `engine.reading.Version`."""

    seq: int
    schema: Schema
    contacts: EntitiesVersion
    companies: EntitiesVersion
    company_link: CompanyLink
    types: Mapping[str, EventsVersion]
    accepted: int
    recencies: Recencies
    measurements: Measurements

    def events(self, type: str) -> EventsVersion | None:
        return self.types.get(type)

    def unordered(self, types: tuple[str, ...], start: int | None, end: int | None) -> int | None:
        return self.recencies.unmade(start, end, types, self._held(types))

    def recency(self, types: tuple[str, ...], start: int | None, end: int | None) -> Recency | None:
        return self.recencies.since(start, end, types, self._held(types))

    def unmeasured(self, asked: Nearest) -> int | None:
        return self.measurements.unmade(asked, self._held(asked.types), self._held(asked.others))

    def nearest(self, asked: Nearest) -> Neighbours | None:
        return self.measurements.of(asked, self._held(asked.types), self._held(asked.others))

    def _held(self, types: tuple[str, ...]) -> list[EventPart]:
        return [part for type in types if type in self.types for part in self.types[type].parts if part.size]


class State:
    """Everything a workspace holds, under a single writer thread. Versions it published never change."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.seq = 0
        self.accepted = 0
        """Events accepted so far: the acceptance number of the next one."""
        self.contacts = EntityTable(contact_fields(schema))
        self.companies = EntityTable(company_fields(schema))
        self.events: dict[str, EventTable] = {}
        self._published: dict[str, EventsVersion] = {}
        self._recencies = Recencies()
        self._measurements = Measurements()

    def declare(self, schema: Schema) -> None:
        """Take a new schema. Fields that hold data keep their type."""
        self.schema = schema
        self.contacts.declare(contact_fields(schema))
        self.companies.declare(company_fields(schema))
        for type, table in self.events.items():
            table.declare(event_fields(schema, type))
        self._show_all()

    def apply(self, change: DataChange, seq: int) -> Applied:
        """Apply a validated change in journal order; it cannot fail, and gives the same rows every time."""
        self.seq = seq
        applied = self._apply(change)
        self.seal()
        return applied

    def _apply(self, change: DataChange) -> Applied:
        match change:
            case UpsertContacts(at, rows):
                return self._upsert_contacts(at, rows)
            case UpsertCompanies(_, rows):
                return self._upsert_companies(rows)
            case AddEvents(at, columns):
                return self._add_events(at, columns)
            case EraseContacts(rows=erased):
                return self._erase(erased)
            case _:
                raise TypeError(f"{type(change).__name__} does not apply to tables")

    def publish(self, seq: int) -> TablesVersion:
        """The state as of journal record `seq`, for readers."""
        self.seq = seq
        contacts = self.contacts.publish()
        companies = self.companies.publish()
        link = CompanyLink(contacts.columns.get(COMPANY.name), companies.size)
        return TablesVersion(
            seq,
            self.schema,
            contacts,
            companies,
            link,
            self._published,
            self.accepted,
            self._recencies,
            self._measurements,
        )

    def rest(self) -> None:
        """Make nothing for questions in the background any more."""
        self._recencies.rest()
        self._measurements.rest()

    def seal(self, everything: bool = False) -> None:
        """Index events that are many; with `everything`, all events and ids.

        The contents stay as they are: this may happen at any moment between two changes.
        """
        if everything:
            self.contacts.seal_ids()
            self.companies.seal_ids()
        for type, table in self.events.items():
            if table.tail.size >= (1 if everything else TAIL_LIMIT):
                table.seal_tail()
                self._show(type, table)

    def due(self) -> Chore | None:
        """What is to be done that takes longer than a writer may wait; None when all is well."""
        tables: list[EventTable | EntityTable] = [*self.events.values(), self.contacts, self.companies]
        return next((chore for table in tables if (chore := table.due()) is not None), None)

    def adopt(self, chore: Chore) -> bool:
        """Take what a chore built, unless the tables have moved on; whether they are another way now."""
        adopted = chore.adopt()
        self._show_all()
        return adopted

    def adopt_saved(self, version: TablesVersion) -> None:
        """Take what saving made of a version of this state: merged columns, and parts without erased contacts."""
        self.contacts.adopt(version.contacts)
        self.companies.adopt(version.companies)
        for table in self.events.values():
            table.adopt()
        self._show_all()

    def tend(self) -> None:
        """Do all that is due, now."""
        while (chore := self.due()) is not None:
            chore.build()
            self.adopt(chore)

    def _upsert_contacts(self, at: int, upserts: list[ContactRow]) -> Applied:
        before = self.contacts.ids.size
        rows = self.contact_rows([upsert.id for upsert in upserts], at)
        new_companies = self.companies.ids.size
        links = self._links(upserts, rows)
        fields = _write(self.contacts, upserts, rows)
        touched = list(dict.fromkeys(rows))
        self.contacts.write("updated", touched, [at] * len(touched))
        created = {"created", "id"} if self.contacts.ids.size > before else set()
        return Applied(
            accepted=len(upserts),
            contacts=rows_bitmap(rows),
            companies=BitMap(range(new_companies, self.companies.ids.size)),
            fields=frozenset({*fields, *links, *created, "updated"}),
        )

    def contact_rows(self, ids: Sequence[str], at: int) -> list[int]:
        """The rows of `ids`; contacts not seen before are created."""
        before = self.contacts.ids.size
        rows = self.contacts.ids.allot(ids)
        self._date_new(before, at)
        return rows

    def many_contact_rows(self, ids: pa.StringArray, at: int) -> Rows:
        """`contact_rows` for any number of ids."""
        before = self.contacts.ids.size
        rows = self.contacts.ids.allot_all(ids)
        self._date_new(before, at)
        return rows

    def _date_new(self, before: int, at: int) -> None:
        """Set when the contacts from row `before` on were created."""
        table = self.contacts
        new = range(before, table.ids.size)
        for name in ("created", "updated") if new else ():
            if len(new) <= PATCH_LIMIT:
                table.write(name, new, [at] * len(new))
            else:
                table.merge(
                    name,
                    np.arange(before, table.ids.size, dtype=np.uint32),
                    LooseNumbers(table.fields[name], np.full(len(new), at)),
                )

    def _links(self, upserts: list[ContactRow], rows: list[int]) -> tuple[str, ...]:
        linked = [
            (row, upsert.company)
            for upsert, row in zip(upserts, rows, strict=True)
            if upsert.company is not None or upsert.clears_company
        ]
        if not linked:
            return ()
        companies = iter(self.companies.ids.allot([company for _, company in linked if company is not None]))
        values = [None if company is None else next(companies) for _, company in linked]
        self.contacts.write(COMPANY.name, [row for row, _ in linked], values)
        return (COMPANY.name,)

    def _upsert_companies(self, upserts: list[ContactRow]) -> Applied:
        rows = self.companies.ids.allot([upsert.id for upsert in upserts])
        fields = _write(self.companies, upserts, rows)
        return Applied(accepted=len(upserts), companies=rows_bitmap(rows), company_fields=frozenset({*fields, "id"}))

    def _add_events(self, at: int, columns: list[EventColumns]) -> Applied:
        before = self.contacts.ids.size
        added = [self._add_events_of(at, events) for events in columns]
        contacts = rows_bitmap([row for rows in added for row in rows])
        accepted = sum(len(rows) for rows in added)
        return Applied(
            accepted=accepted,
            duplicates=sum(len(events.contacts) for events in columns) - accepted,
            contacts=contacts,
            fields=frozenset({"id", "created", "updated"} if self.contacts.ids.size > before else ()),
            events=frozenset(events.type for events, rows in zip(columns, added, strict=True) if rows),
        )

    def _table(self, type: str) -> EventTable:
        table = self.events.get(type)
        if table is None:
            table = self.events[type] = EventTable(event_fields(self.schema, type))
        return table

    def attach(self, type: str, parts: Sequence[SealedPart]) -> None:
        """Add parts of events accepted after all others of their type."""
        if parts:
            table = self._table(type)
            table.attach(parts)
            self._show(type, table)

    def _show(self, type: str, table: EventTable) -> None:
        """Let the next version see a table as it is now; versions published before keep what they saw."""
        self._published = {**self._published, type: table.publish()}

    def _show_all(self) -> None:
        self._published = {type: table.publish() for type, table in self.events.items()}

    def known_ids(self, type: str, prints: IdPrints) -> Mask:
        """Which fingerprints are those of ids of this type's events."""
        table = self.events.get(type)
        if table is None or not len(prints):
            return np.zeros(len(prints), np.bool_)
        table.seal_tail()
        self._show(type, table)
        return table.known(prints.high, prints.low)

    def _add_events_of(self, at: int, events: EventColumns) -> list[int]:
        """Add the events that are not duplicates; the contact row of each."""
        table = self._table(events.type)
        if events.ids is not None:
            events = _chosen(events, table.fresh(events.ids))
        if not events.contacts:
            return []
        rows = self.contact_rows(events.contacts, at)
        columns: dict[str, list[Any]] = dict(events.properties)
        if events.ids is not None:
            columns["id"] = list(events.ids)
        table.append(rows, events.at, self.accepted, columns)
        self.accepted += len(rows)
        self._published = {**self._published, events.type: table.publish()}
        return rows

    def _erase(self, rows: list[int]) -> Applied:
        gone = self.contacts.erase(rows)
        return Applied(
            accepted=len(gone),
            contacts=BitMap(gone),
            fields=frozenset({*self.contacts.patches, "id"}),
            events=frozenset(self.events),
        )


def _write(table: EntityTable, upserts: list[ContactRow], rows: list[int]) -> set[str]:
    """Write the fields of `upserts`, column by column; the names of those given."""
    columns: defaultdict[str, tuple[list[int], list[Value]]] = defaultdict(lambda: ([], []))
    for upsert, row in zip(upserts, rows, strict=True):
        for name, value in upsert.values.items():
            named = columns[name]
            named[0].append(row)
            named[1].append(value)
    for name, (given, values) in columns.items():
        table.write(name, given, values)
    return set(columns)


def _chosen(events: EventColumns, positions: list[int]) -> EventColumns:
    if len(positions) == len(events.contacts):
        return events

    def choose(values: list[Any]) -> list[Any]:
        return [values[position] for position in positions]

    return EventColumns(
        events.type,
        choose(events.contacts),
        choose(events.at),
        choose(events.ids) if events.ids is not None else None,
        {name: choose(values) for name, values in events.properties.items()},
    )


def contact_fields(schema: Schema) -> Mapping[str, Field]:
    return MappingProxyType({**schema.contacts, **CONTACT_SYSTEM_FIELDS, COMPANY.name: COMPANY})


def company_fields(schema: Schema) -> Mapping[str, Field]:
    return MappingProxyType({**schema.companies, **COMPANY_SYSTEM_FIELDS})


def event_fields(schema: Schema, type: str) -> Mapping[str, Field]:
    return MappingProxyType({**schema.events.get(type, {}), **EVENT_SYSTEM_FIELDS})
