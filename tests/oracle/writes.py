"""Writes as clients send them (JSON rows), and what each does to the oracle's world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dsl.folding import fold
from dsl.schema import Field, Schema, Type, type_of_value
from dsl.typed import Selection
from tests.oracle import calendar
from tests.oracle.world import Segment, World

Json = dict[str, Any]


@dataclass(frozen=True)
class Contacts:
    rows: list[Json]


@dataclass(frozen=True)
class Companies:
    rows: list[Json]


@dataclass(frozen=True)
class Events:
    rows: list[Json]


@dataclass(frozen=True)
class Erase:
    id: str


@dataclass(frozen=True)
class PutSegment:
    """`body` is the API's; its expression, if any, arrives checked beside it when the oracle applies the write."""

    key: str
    body: Json


@dataclass(frozen=True)
class Members:
    key: str
    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)


Write = Contacts | Companies | Events | Erase | PutSegment | Members


def apply(world: World, write: Write, rules: Selection | None = None) -> None:
    match write:
        case Contacts(rows=rows):
            for row in rows:
                world.upsert_contact(row["id"], physical_row(world.schema.contacts, row, world.schema, {"id"}))
        case Companies(rows=rows):
            for row in rows:
                world.upsert_company(row["id"], physical_row(world.schema.companies, row, world.schema, {"id"}))
        case Events(rows=rows):
            for row in rows:
                add_event(world, row)
        case Erase(id=id):
            world.erase(id)
        case PutSegment(key=key, body=body):
            old = world.segments.get(key, Segment())
            world.segments[key] = Segment(rules, body.get("parent"), old.added, old.removed)
        case Members(key=key, add=add, remove=remove, reset=reset):
            world.change_members(key, set(add), set(remove), set(reset))
        case _:
            raise TypeError(f"no such write: {type(write).__name__}")


def add_event(world: World, row: Json) -> None:
    properties = physical_row(world.schema.events[row["type"]], row, world.schema, {"contact", "type", "at", "id"})
    world.add_event(row["contact"], row["type"], moment(row["at"], world.schema), properties, row.get("id"))


def physical_row(
    fields: dict[str, Field] | Any, row: Json, schema: Schema, apart: set[str]
) -> dict[str, type_of_value | None]:
    return {
        name: value if name not in fields else physical(fields[name], value, schema)
        for name, value in row.items()
        if name not in apart
    }


def physical(field: Field, value: Any, schema: Schema) -> type_of_value | None:
    if value is None:
        return None
    match field.type:
        case Type.NUMBER:
            return int(Decimal(str(value)) * 10**field.decimals)
        case Type.FLOAT:
            return float(value)
        case Type.DATE:
            return (date.fromisoformat(value) - date(1970, 1, 1)).days
        case Type.DATETIME:
            return moment(value, schema)
        case Type.TAGS:
            return tuple(dict.fromkeys(value))
        case Type.CHOICE:
            return next(option for option in field.options if fold(option) == fold(value))
        case _:
            return value  # type: ignore[no-any-return]


def moment(text: str, schema: Schema) -> int:
    """Milliseconds since 1970 UTC; without an offset, the text is in the workspace's zone."""
    parsed = datetime.fromisoformat(text)
    return calendar.to_milliseconds(parsed if parsed.tzinfo else parsed.replace(tzinfo=schema.zone))
