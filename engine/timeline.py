"""What one contact did: its events of all types, newest first, in pages."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyroaring import BitMap

from dsl.problems import DataError, Problem
from dsl.schema import Schema
from engine.cursor import Cursor, decode_cursor, encode_cursor
from engine.reading import EventPart, Version
from engine.results import TimelinePage
from engine.values import iso_datetime, to_json

TIMELINE_LIMIT = 1000
ORDER = "timeline"

Place = tuple[int, int, str, EventPart, int]
"""Moment, acceptance number, event type, part and row of one event: its place in the timeline."""


def timeline_page(
    version: Version, contact: int, limit: int, before: str | None, types: list[str] | None
) -> TimelinePage:
    """At most `limit` events before the cursor `before`. DataError for an unknown type, a bad cursor or limit."""
    if not 0 < limit <= TIMELINE_LIMIT:
        hint = f"ask for 1 to {TIMELINE_LIMIT}, and follow 'next'"
        raise DataError([Problem("bad-limit", f"a page of {limit} events", hint, path="$.limit")])
    places = sorted(_places(version, contact, _types(version.schema, types)), key=_when, reverse=True)
    if before is not None:
        reached = _reached(before)
        places = [place for place in places if _when(place) < reached]
    page = places[:limit]
    following = _cursor(page[-1]) if len(places) > limit else None
    return TimelinePage([_event(version.schema, place) for place in page], following)


def _when(place: Place) -> tuple[int, int, str]:
    """What orders a timeline: moment, then acceptance; the type tells events of one moment and number apart."""
    return place[0], place[1], place[2]


def _cursor(place: Place) -> str:
    return encode_cursor(Cursor(ORDER, f"{place[0]} {place[2]}", place[1]))


def _reached(before: str) -> tuple[int, int, str]:
    cursor = decode_cursor(before, ORDER)
    at, _, name = str(cursor.key).partition(" ")
    try:
        return int(at), cursor.row, name
    except ValueError:
        raise DataError([Problem("bad-cursor", "this is not a cursor that a timeline gave", path="$.before")]) from None


def _types(schema: Schema, types: list[str] | None) -> list[str]:
    if types is None:
        return list(schema.events)
    unknown = [name for name in types if name not in schema.events]
    if unknown:
        hint = f"the event types are {', '.join(schema.events)}"
        raise DataError([Problem("unknown-event-type", f"no event type '{unknown[0]}'", hint, path="$.types")])
    return types


def _places(version: Version, contact: int, types: list[str]) -> list[Place]:
    wanted = BitMap([contact])
    places: list[Place] = []
    for name in types:
        events = version.events(name)
        for part in () if events is None else events.parts:
            rows = part.rows_of(wanted)
            at, order = part.at[rows], part.order_of(rows)
            places += [(int(a), int(o), name, part, int(r)) for a, o, r in zip(at, order, rows, strict=True)]
    return places


def _event(schema: Schema, place: Place) -> dict[str, Any]:
    """An event as JSON: type and moment, its id where it has one, and the properties it has."""
    at, _, name, part, row = place
    rows = np.array([row], np.uint32)
    event: dict[str, Any] = {"type": name, "at": iso_datetime(at)}
    ids = part.column("id")
    if ids is not None and (id := ids.values(rows)[0]) is not None:
        event["id"] = id
    for field in schema.events[name].values():
        column = part.column(field.name)
        value = None if column is None else column.values(rows)[0]
        if value is not None:
            event[field.name] = to_json(field, value)
    return event
