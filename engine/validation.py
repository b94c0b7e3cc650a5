"""Rows of a request body into changes: everything is checked before anything is written.

Rows are what a JSON or MessagePack body decodes to. All problems are collected, each with its path
(`$.events[3].at`), up to `PROBLEM_LIMIT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from dsl.problems import DataError, Problem
from dsl.schema import Field, Schema
from engine.changes import AddEvents, ContactRow, EventColumns, UpsertCompanies, UpsertContacts, Value
from engine.values import BadValue, Converter, converter, datetime_value, found

ID_LIMIT = 512
PROBLEM_LIMIT = 100


class _Problems:
    """Collects problems of the rows of a list at `root`; stops at the limit: nobody reads the hundred-and-first."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.found: list[Problem] = []

    def add(self, row: int, member: str, code: str, message: str, hint: str) -> None:
        self.found.append(Problem(code, message, hint, path=f"{self.root}[{row}]{member}"))
        if len(self.found) >= PROBLEM_LIMIT:
            raise DataError(self.found)

    def raise_any(self) -> None:
        if self.found:
            raise DataError(self.found)


class _Reader:
    """Reads the fields of rows of one table: converters by name, made once."""

    def __init__(self, fields: Mapping[str, Field], zone: ZoneInfo, what: str, system: tuple[str, ...]) -> None:
        self.what = what
        self.system = system
        self.converters: dict[str, Converter] = {name: converter(field, zone) for name, field in fields.items()}

    def unknown(self, name: str) -> tuple[str, str, str]:
        """The code, message and hint for a name that is no field."""
        if name in self.system:
            return "read-only-field", f"'{name}' is kept by the system", "leave it out"
        close = get_close_matches(str(name), self.converters, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "add it to the schema first, or leave it out"
        return "unknown-field", f"{self.what} have no field '{name}'", hint


def contacts_from_rows(schema: Schema, rows: Any, at: int) -> UpsertContacts:
    """The change of `POST contacts`; `at` is the time of receipt in milliseconds. DataError names every problem."""
    reader = _Reader(schema.contacts, schema.zone, "contacts", ("created", "updated"))
    return UpsertContacts(at, _entities(reader, rows, "$.contacts", linked=True))


def companies_from_rows(schema: Schema, rows: Any, at: int) -> UpsertCompanies:
    """The change of `POST companies`."""
    reader = _Reader(schema.companies, schema.zone, "companies", ())
    return UpsertCompanies(at, _entities(reader, rows, "$.companies", linked=False))


def _entities(reader: _Reader, rows: Any, root: str, *, linked: bool) -> list[ContactRow]:
    problems = _Problems(root)
    entities: list[ContactRow] = []
    for i, row in _objects(rows, problems):
        id = _id(row.get("id"), i, ".id", problems)
        company = row.get("company") if linked else None
        if company is not None:
            company = _id(company, i, ".company", problems)
        values: dict[str, Value] = {}
        for name, value in row.items():
            if name == "id" or (linked and name == "company"):
                continue
            values[name] = _value(reader, name, value, i, problems)
        clears = linked and company is None and "company" in row
        entities.append(ContactRow(id, values, company, clears))
    problems.raise_any()
    return entities


def _value(reader: _Reader, name: str, value: Any, row: int, problems: _Problems) -> Value:
    read = reader.converters.get(name)
    if read is None:
        problems.add(row, _member(name), *reader.unknown(name))
        return None
    if value is None:
        return None
    try:
        return read(value)
    except BadValue as bad:
        problems.add(row, _member(name), "bad-value", bad.message, bad.hint)
        return None


def _member(name: object) -> str:
    """A member in a path. MessagePack allows names that are not text; they are no field either way."""
    return f".{name}" if str(name).isidentifier() else f"['{name}']"


def _objects(rows: Any, problems: _Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    if type(rows) is not list:
        message = f"found {found(rows)} where a list is needed"
        raise DataError([Problem("bad-shape", message, "write [ … ]", path=problems.root)])
    for i, row in enumerate(rows):
        if type(row) is dict:
            yield i, row
        else:
            problems.add(i, "", "bad-shape", f"found {found(row)} where an object is needed", 'write {"id": "…"}')


def _id(value: Any, row: int, member: str, problems: _Problems) -> str:
    if type(value) is str and 0 < len(value) <= ID_LIMIT:
        return value
    if value is None:
        hint = f'give an id as text: "c1" (1 to {ID_LIMIT} characters)'
        problems.add(row, member, "missing-id", "there is no id here", hint)
    elif type(value) is not str:
        problems.add(row, member, "bad-id", f"found {found(value)} where an id is needed", 'write ids in quotes: "c1"')
    else:
        message, hint = f"an id of {len(value)} characters", f"ids have 1 to {ID_LIMIT} characters"
        problems.add(row, member, "bad-id", message, hint)
    return ""


class _TypeColumns:
    """Builds the columns of one event type, event by event; properties that appear late are filled up with None."""

    def __init__(self, type: str, reader: _Reader) -> None:
        self.type = type
        self.reader = reader
        self.contacts: list[str] = []
        self.at: list[int] = []
        self.ids: list[str | None] = []
        self.properties: dict[str, list[Value]] = {}

    def column(self, name: str) -> list[Value]:
        column = self.properties.get(name)
        if column is None:
            column = self.properties[name] = []
        column.extend([None] * (len(self.contacts) - 1 - len(column)))
        return column

    def finished(self) -> EventColumns:
        for column in self.properties.values():
            column.extend([None] * (len(self.contacts) - len(column)))
        ids = self.ids if any(id is not None for id in self.ids) else None
        return EventColumns(self.type, self.contacts, self.at, ids, self.properties)


EVENT_KEYS = frozenset(("contact", "type", "at", "id"))


def events_from_rows(schema: Schema, rows: Any, at: int, exists: Callable[[str], bool] | None = None) -> AddEvents:
    """The change of `POST events`. With `exists`, a contact it does not know is a problem."""
    problems = _Problems("$.events")
    zone = schema.zone
    columns: dict[str, _TypeColumns] = {}
    for i, row in _objects(rows, problems):
        target = _event_type(schema, row.get("type"), i, columns, problems)
        if target is None:
            continue
        contact = _id(row.get("contact"), i, ".contact", problems)
        if exists is not None and contact and not exists(contact):
            hint = "create the contact first, or let events create contacts"
            problems.add(i, ".contact", "unknown-contact", f"no contact '{contact}'", hint)
        target.contacts.append(contact)
        target.at.append(_moment(row.get("at"), at, zone, i, problems))
        id = row.get("id")
        target.ids.append(None if id is None else _id(id, i, ".id", problems))
        for name, value in row.items():
            if name not in EVENT_KEYS:
                target.column(name).append(_value(target.reader, name, value, i, problems))
    problems.raise_any()
    return AddEvents(at, [target.finished() for target in columns.values()])


def _event_type(
    schema: Schema, name: Any, row: int, columns: dict[str, _TypeColumns], problems: _Problems
) -> _TypeColumns | None:
    """Where events of this type go; None when the name is a problem."""
    if type(name) is not str:
        problems.add(row, ".type", "missing-type", "there is no event type here", 'say which: "type": "open"')
        return None
    target = columns.get(name)
    if target is None:
        properties = schema.events.get(name)
        if properties is None:
            close = get_close_matches(name, schema.events, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "add the event type to the schema first"
            problems.add(row, ".type", "unknown-event-type", f"no event type '{name}'", hint)
            return None
        reader = _Reader(properties, schema.zone, f"'{name}' events", ())
        target = columns[name] = _TypeColumns(name, reader)
    return target


def _moment(value: Any, default: int, zone: ZoneInfo, row: int, problems: _Problems) -> int:
    if value is None:
        return default
    try:
        return datetime_value(value, zone)
    except BadValue as bad:
        problems.add(row, ".at", "bad-value", bad.message, bad.hint)
        return default
