"""What was written, as tables: contacts, companies, events of each type and of any, their tags, and overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from dsl.draw import fingerprint
from dsl.folding import fold
from dsl.schema import COMPANY_SYSTEM_FIELDS, CONTACT_SYSTEM_FIELDS, EVENT_SYSTEM_FIELDS, Field, Type
from tests.duck import sql
from tests.oracle.world import Event, Values, World

ARROW = {
    Type.TEXT: pa.string(),
    Type.CHOICE: pa.string(),
    Type.NUMBER: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.DATETIME: pa.timestamp("ms", "UTC"),
}
"""Numbers stay scaled by their decimals: DuckDB's sums of them are whole and exact."""

OVERRIDES = pa.schema({"segment": pa.string(), "contact": pa.string(), "added": pa.bool_()})

Columns = dict[str, pa.Array]


def tables(world: World) -> dict[str, pa.Table]:
    """Every table by its name, quotes aside."""
    schema = world.schema
    contacts, companies = list(world.contacts.items()), list(world.companies.items())
    made = {
        "contacts": pa.table(contact_columns(world)),
        "companies": pa.table(columns(schema.companies | COMPANY_SYSTEM_FIELDS, [values for _, values in companies])),
        "contact tags": tags(schema.contacts, contacts, pa.string()),
        "company tags": tags(schema.companies, companies, pa.string()),
        "events": event_table({}, world.events),
        "overrides": overrides(world),
    }
    tagged = []
    for type, fields in schema.events.items():
        events = [event for event in world.events if event.type == type]
        made[f"{type} events"] = event_table(fields, events)
        tagged.append(tags(fields, [(event.order, event.values) for event in events], pa.int64()))
    return made | {"event tags": pa.concat_tables(tagged) if tagged else tags({}, [], pa.int64())}


def contact_columns(world: World) -> Columns:
    return columns(world.schema.contacts | CONTACT_SYSTEM_FIELDS, list(world.contacts.values())) | {
        unquoted(sql.COMPANY): pa.array([world.company_of.get(id) for id in world.contacts], pa.string()),
        unquoted(sql.FINGERPRINT): pa.array([fingerprint(id) for id in world.contacts], pa.uint64()),
    }


def event_table(fields: Mapping[str, Field], events: list[Event]) -> pa.Table:
    return pa.table(
        {
            unquoted(sql.ORDER): pa.array([event.order for event in events], pa.int64()),
            "contact": pa.array([event.contact for event in events], pa.string()),
            **columns(fields | EVENT_SYSTEM_FIELDS, [event.values for event in events]),
        }
    )


def columns(fields: Mapping[str, Field], rows: list[Values]) -> Columns:
    """A column for each field but tags, and beside those of texts their folded forms; of tags these alone, sorted."""
    made: Columns = {}
    for name, field in fields.items():
        values: list[Any] = [row.get(name) for row in rows]
        if field.type is Type.TAGS:
            sets = [sorted({fold(tag) for tag in value}) if value else None for value in values]
            made[unquoted(sql.folded(name))] = pa.array(sets, pa.list_(pa.string()))
            continue
        made[name] = physical(field.type, values)
        if sql.is_folded(field):
            made[unquoted(sql.folded(name))] = pa.array([None if v is None else fold(v) for v in values], pa.string())
    return made


def physical(type: Type, values: list[Any]) -> pa.Array:
    match type:
        case Type.DATE:
            return pa.array(values, pa.int32()).cast(ARROW[type])
        case Type.DATETIME:
            return pa.array(values, pa.int64()).cast(ARROW[type])
        case _:
            return pa.array(values, ARROW[type])


def tags(fields: Mapping[str, Field], rows: Iterable[tuple[str | int, Values]], owner: pa.DataType) -> pa.Table:
    """One row for each tag of each owner."""
    tagged = [name for name, field in fields.items() if field.type is Type.TAGS]
    found = [
        {"owner": key, "field": name, "folded": fold(tag)}
        for key, values in rows
        for name in tagged
        for tag in tuple(values.get(name, ()))  # type: ignore[arg-type]
    ]
    return pa.Table.from_pylist(found, pa.schema({"owner": owner, "field": pa.string(), "folded": pa.string()}))


def overrides(world: World) -> pa.Table:
    rows = [
        {"segment": key, "contact": contact, "added": added}
        for key, segment in world.segments.items()
        for contacts, added in ((segment.added, True), (segment.removed, False))
        for contact in sorted(contacts)
    ]
    return pa.Table.from_pylist(rows, OVERRIDES)


def unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"')
