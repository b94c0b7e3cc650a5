"""The engine as the proofs see it: writes in JSON rows, and selections asked in the ways of `asking`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from dsl import typed
from dsl.moments import Clock
from dsl.schema import Field, Type
from engine.directory import Tamis
from engine.language import understand
from engine.snapshot import Snapshot
from engine.workspace import Workspace
from formats.batch import Batch, Kind
from tests.asking import WAYS, Question
from tests.oracle.world import World
from tests.oracle.writes import (
    Companies,
    Contacts,
    Erase,
    Events,
    Json,
    Members,
    PutSegment,
    Write,
    apply,
    physical_row,
)

ENTITY_KEYS = {"id", "company"}
EVENT_KEYS = {"contact", "type", "at", "id"}


class Subject:
    """A workspace in a directory of its own, and the oracle's world that gets the same writes."""

    def __init__(self, path: Path, schema: Json) -> None:
        self.path = path
        self.tamis = Tamis.open(path)
        self.workspace.patch_schema(schema).result()
        self.world = World(self.workspace.schema)
        self.located: tuple[Snapshot, dict[str, int]] | None = None

    @property
    def workspace(self) -> Workspace:
        return self.tamis.workspace("default")

    @property
    def snapshot(self) -> Snapshot:
        return self.workspace.snapshot

    def close(self) -> None:
        self.tamis.close()

    def reopen(self) -> None:
        self.tamis.close()
        self.tamis = Tamis.open(self.path)

    def understand(self, text: str, params: Mapping[str, Any] | None = None) -> typed.Selection:
        """ExpressionError."""
        return understand(text, self.workspace.schema, self.snapshot.segments.names, params or {})

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, write: Write, *, bulk: bool = False) -> None:
        """Apply a write to both; as a bulk import where one can say the same."""
        rules = None
        if isinstance(write, PutSegment) and write.body.get("expression") is not None:
            rules = self.understand(write.body["expression"])
        apply(self.world, write, rules)
        if bulk and importable(write):
            self._import(write)
        else:
            self._send(write)

    def _send(self, write: Write) -> None:
        workspace = self.workspace
        match write:
            case Contacts(rows=rows):
                workspace.upsert_contacts(rows).result()
            case Companies(rows=rows):
                workspace.upsert_companies(rows).result()
            case Events(rows=rows):
                workspace.add_events(rows).result()
            case Erase(id=id):
                workspace.erase_contact(id).result()
            case PutSegment(key=key, body=body):
                workspace.put_segment(key, body).result()
            case Members(key=key, add=add, remove=remove, reset=reset):
                workspace.change_members(key, add, remove, reset).result()
            case _:
                raise TypeError(f"no such write: {type(write).__name__}")

    def _import(self, write: Write) -> None:
        schema = self.workspace.schema
        match write:
            case Contacts(rows=rows):
                self.workspace.bulk_contacts([entity_batch(Kind.CONTACTS, rows, self.world)])
            case Companies(rows=rows):
                self.workspace.bulk_contacts([entity_batch(Kind.COMPANIES, rows, self.world)], companies=True)
            case Events(rows=rows):
                types = [type for type in schema.events if any(row["type"] == type for row in rows)]
                self.workspace.bulk_events([event_batch(type, rows, self.world) for type in types])
            case _:
                raise TypeError(f"cannot be imported: {type(write).__name__}")

    def seal(self) -> None:
        self.workspace.checkpoint()

    # --- asking -----------------------------------------------------------------------------------------

    def ways_that_differ(
        self,
        selection: typed.Selection,
        clock: Clock,
        random: Random,
        expected: set[str],
        ways: Iterable[str] = tuple(WAYS),
    ) -> dict[str, set[str]]:
        """The members that a way of asking gives, for each way that does not give the expected ones. Disagreement."""
        question = Question(self.snapshot, selection, clock, random)
        rows = self.rows(expected)
        found = ((way, WAYS[way](question)) for way in ways)
        return {way: self.ids(members) for way, members in found if members != rows}

    def rows(self, ids: Iterable[str]) -> BitMap:
        """Where contacts lie; all of them are looked up once for each state of the data."""
        snapshot = self.snapshot
        if self.located is None or self.located[0] is not snapshot:
            alive = np.array(snapshot.data.contacts.alive.to_array(), np.uint32)
            self.located = snapshot, dict(zip(snapshot.data.contacts.ids(alive), alive.tolist(), strict=True))
        row_of = self.located[1]
        return BitMap([row_of[id] for id in ids])

    def ids(self, rows: BitMap) -> set[str]:
        return set(self.snapshot.data.contacts.ids(np.array(rows.to_array(), np.uint32)))


# --- what is stored ----------------------------------------------------------------------------------------


def stored_contacts(snapshot: Snapshot) -> dict[str, Json]:
    """The declared fields of every living contact, and its company; missing values have no entry."""
    data = snapshot.data
    rows = np.array(data.contacts.alive.to_array(), np.uint32)
    found: dict[str, Json] = {id: {} for id in data.contacts.ids(rows)}
    for name in snapshot.schema.contacts:
        column = data.contacts.column(name)
        values = [None] * len(rows) if column is None else column.values(rows)
        for contact, value in zip(found.values(), values, strict=True):
            if value is not None:
                contact[name] = value
    for row, contact in zip(rows.tolist(), found.values(), strict=True):
        company = data.company_link.company_of(row)
        if company is not None:
            [contact["company"]] = data.companies.ids(np.array([company], np.uint32))
    return found


def contacts_of_world(world: World) -> dict[str, Json]:
    system = ("id", "created", "updated")
    return {
        id: {name: value for name, value in values.items() if name not in system}
        | ({"company": world.company_of[id]} if id in world.company_of else {})
        for id, values in world.contacts.items()
    }


EventKey = tuple[str, str, int, frozenset[tuple[str, object]]]


def stored_events(snapshot: Snapshot) -> Counter[EventKey]:
    """(contact, type, moment, properties and id) of every event of a living contact, with how often it is there."""
    data, found = snapshot.data, Counter[EventKey]()
    alive = np.array(data.contacts.alive.to_array(), np.uint32)
    id_of = dict(zip(alive.tolist(), data.contacts.ids(alive), strict=True))
    for type, fields in snapshot.schema.events.items():
        events = data.events(type)
        for part in () if events is None else events.parts:
            rows = np.arange(part.size, dtype=np.uint32)
            columns = {name: part.column(name) for name in (*fields, "id")}
            values = {name: column.values(rows) for name, column in columns.items() if column is not None}
            for row, (contact, at) in enumerate(zip(part.contacts.tolist(), part.at.tolist(), strict=True)):
                if contact in id_of:
                    given = {(name, value[row]) for name, value in values.items() if value[row] is not None}
                    found[id_of[contact], type, at, frozenset(given)] += 1
    return found


def events_of_world(world: World) -> Counter[EventKey]:
    return Counter(
        (e.contact, e.type, e.at, frozenset((name, v) for name, v in e.values.items() if name != "at"))
        for e in world.events
    )


# --- bulk imports ------------------------------------------------------------------------------------------


def importable(write: Write) -> bool:
    """Whether a bulk import says the same: there, null means not given rather than cleared."""
    match write:
        case Contacts(rows=rows) | Companies(rows=rows) | Events(rows=rows):
            return all(value is not None and value != [] for row in rows for value in row.values())
        case _:
            return False


def entity_batch(kind: Kind, rows: list[Json], world: World) -> Batch:
    fields = world.schema.contacts if kind is Kind.CONTACTS else world.schema.companies
    linked = any("company" in row for row in rows)
    return Batch(
        kind,
        texts(row["id"] for row in rows),
        company=texts(row.get("company") for row in rows) if linked else None,
        columns=columns(fields, rows, ENTITY_KEYS, world),
    )


def event_batch(type: str, rows: list[Json], world: World) -> Batch:
    mine = [row for row in rows if row["type"] == type]
    at = [world_moment(row, world) for row in mine]
    return Batch(
        Kind.EVENTS,
        texts(row["contact"] for row in mine),
        type,
        at=np.array(at, np.int64),
        ids=texts(row.get("id") for row in mine) if any("id" in row for row in mine) else None,
        columns=columns(world.schema.events[type], mine, EVENT_KEYS, world),
    )


def world_moment(row: Json, world: World) -> int:
    found = physical_row({"at": Field("at", Type.DATETIME)}, {"at": row["at"]}, world.schema, set())["at"]
    assert isinstance(found, int)
    return found


def texts(values: Iterable[str | None]) -> pa.StringArray:
    return pa.array(list(values), pa.string())


ARROW = {
    Type.TEXT: pa.string(),
    Type.CHOICE: pa.string(),
    Type.NUMBER: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.int32(),
    Type.DATETIME: pa.int64(),
    Type.TAGS: pa.list_(pa.string()),
}


def columns(fields: Mapping[str, Field], rows: list[Json], apart: set[str], world: World) -> dict[str, pa.Array]:
    values = [physical_row(fields, row, world.schema, apart) for row in rows]
    return {
        name: pa.array([row.get(name) for row in values], ARROW[field.type])
        for name, field in fields.items()
        if any(name in row for row in values)
    }
