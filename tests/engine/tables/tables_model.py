"""A naive model of the tables: dicts and lists, one Python loop for each question."""

import re
from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from pyroaring import BitMap

from dsl.draw import fingerprint
from dsl.folding import fold
from dsl.schema import Field, Schema, Type
from dsl.typed import (
    Contains,
    EndsWith,
    ExactlyOneOf,
    HasAll,
    HasAny,
    IsSet,
    Like,
    Matches,
    OneOf,
    Range,
    StartsWith,
)
from engine.bitmaps import from_words, to_array
from engine.changes import AddEvents, ContactRow, EraseContacts, EventColumns, UpsertCompanies, UpsertContacts

FIELDS = MappingProxyType(
    {
        "country": Field("country", Type.TEXT),
        "kind": Field("kind", Type.CHOICE, options=("red", "Green", "blue")),
        "points": Field("points", Type.NUMBER),
        "score": Field("score", Type.FLOAT),
        "newsletter": Field("newsletter", Type.BOOLEAN),
        "birth": Field("birth", Type.DATE),
        "seen": Field("seen", Type.DATETIME),
        "interests": Field("interests", Type.TAGS),
    }
)
SCHEMA = Schema(
    contacts=FIELDS,
    companies=MappingProxyType({"country": FIELDS["country"], "points": FIELDS["points"]}),
    events=MappingProxyType({"open": FIELDS, "buy": FIELDS}),
)


@dataclass
class Event:
    contact: int
    at: int
    order: int
    values: dict


@dataclass
class Model:
    contacts: list = field(default_factory=list)  # (id, values) or None when erased
    companies: list = field(default_factory=list)
    rows: dict = field(default_factory=dict)
    company_rows: dict = field(default_factory=dict)
    events: dict = field(default_factory=dict)
    accepted: int = 0

    def copy(self):
        return Model(
            [None if c is None else (c[0], dict(c[1])) for c in self.contacts],
            [(c[0], dict(c[1])) for c in self.companies],
            dict(self.rows),
            dict(self.company_rows),
            {type: list(events) for type, events in self.events.items()},
            self.accepted,
        )

    def apply(self, change):
        match change:
            case UpsertContacts(at, upserts):
                for upsert in upserts:
                    values = self._contact(upsert.id, at)
                    values["updated"] = at
                    _set(values, upsert.values)
                    if upsert.company is not None:
                        values[":company"] = self._company(upsert.company)
                    elif upsert.clears_company:
                        values.pop(":company", None)
            case UpsertCompanies(_, upserts):
                for upsert in upserts:
                    _set(self.companies[self._company(upsert.id)][1], upsert.values)
            case AddEvents(at, columns):
                for events in columns:
                    self._add(at, events)
            case EraseContacts(rows):
                for row in rows:
                    if row < len(self.contacts) and self.contacts[row] is not None:
                        del self.rows[self.contacts[row][0]]
                        self.contacts[row] = None

    def _contact(self, id, at):
        if id not in self.rows:
            self.rows[id] = len(self.contacts)
            self.contacts.append((id, {"id": id, "created": at, "updated": at}))
        return self.contacts[self.rows[id]][1]

    def _company(self, id):
        if id not in self.company_rows:
            self.company_rows[id] = len(self.companies)
            self.companies.append((id, {"id": id}))
        return self.company_rows[id]

    def _add(self, at, events, gone=None):
        held = self.events.setdefault(events.type, [])
        known = {event.values["id"] for event in held if "id" in event.values}
        for i, contact in enumerate(events.contacts):
            values = {}
            if events.ids is not None and events.ids[i] is not None:
                if events.ids[i] in known:
                    continue
                known.add(events.ids[i])
                values["id"] = events.ids[i]
            row = (gone or {}).get(contact)
            if row is None:
                self._contact(contact, at)
                row = self.rows[contact]
            _set(values, {name: column[i] for name, column in events.properties.items()})
            held.append(Event(row, events.at[i], self.accepted, values))
            self.accepted += 1

    def bulk_events(self, change, before):
        """An import: the contacts of its events exist first, and skipped duplicates use up acceptance numbers.

        `before` are the rows of contacts when it began. One that was erased since stays erased: its events are never
        seen.
        """
        first = self.accepted
        gone = {id: row for id, row in before.items() if id not in self.rows}
        doing = self._doing(change)
        for contact in dict.fromkeys(contact for events in change.columns for contact in events.contacts):
            if contact in doing and contact not in gone:
                self._contact(contact, change.at)
        for events in change.columns:
            for i in range(len(events.contacts)):
                one = EventColumns(
                    events.type,
                    [events.contacts[i]],
                    [events.at[i]],
                    None if events.ids is None else [events.ids[i]],
                    {name: [column[i]] for name, column in events.properties.items()},
                )
                self.accepted = first
                self._add(change.at, one, gone)
                first += 1
        self.accepted = first

    def _doing(self, change):
        """Contacts with an event that is no duplicate."""
        known = {(type, event.values.get("id")) for type, held in self.events.items() for event in held}
        doing = set()
        for events in change.columns:
            for contact, id in zip(events.contacts, events.ids or [None] * len(events.contacts), strict=True):
                if id is None or (events.type, id) not in known:
                    doing.add(contact)
                known.add((events.type, id))
        return doing

    def bulk_contacts(self, change):
        """An import: nulls leave what is there."""
        given = [
            ContactRow(row.id, {k: v for k, v in row.values.items() if v is not None and v != []}, row.company)
            for row in change.rows
        ]
        self.apply(UpsertContacts(change.at, given))

    def alive(self):
        return [row for row, contact in enumerate(self.contacts) if contact is not None]


def _set(values, given):
    for name, value in given.items():
        if value is None or value == []:
            values.pop(name, None)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value


def holds(predicate, value):
    if value is None:
        return False
    match predicate:
        case IsSet():
            return True
        case OneOf(values):
            return (fold(value) if isinstance(value, str) else value) in values
        case ExactlyOneOf(values):
            return value in values
        case Range(low, high, low_open, high_open):
            above = low is None or value > low or (value == low and not low_open)
            return above and (high is None or value < high or (value == high and not high_open))
        case StartsWith(text):
            return fold(value).startswith(text)
        case EndsWith(text):
            return fold(value).endswith(text)
        case Contains(text):
            return text in fold(value)
        case Like(pattern):
            parts = {"%": ".*", "_": "."}
            return bool(re.fullmatch("".join(parts.get(c) or re.escape(c) for c in pattern), fold(value), re.S))
        case Matches(pattern, ignore_case):
            return bool(re.search(pattern, value, re.I if ignore_case else 0))
        case HasAny(values):
            return any(fold(tag) in values for tag in value)
        case HasAll(values):
            return {fold(tag) for tag in value} >= set(values) and bool(value)
        case _:
            raise TypeError(type(predicate).__name__)


def check_column(column, values, predicate, within):
    """`values` maps rows to the values that are there; the column agrees with it about `predicate`."""
    expected = {row for row, value in values.items() if holds(predicate, value)}
    if column is None:
        assert not values
        return
    assert set(column.matching(predicate)) == expected
    assert set(column.matching(predicate, BitMap(within))) == expected & set(within)
    assert column.counted(predicate) in (None, len(expected))
    assert column.estimate(predicate) >= 0


def check_values(column, values, rows):
    if column is None:
        assert not values
        return
    asked = np.array(rows, np.uint32)
    assert column.values(asked) == [values.get(row) for row in rows]
    counts = {}
    for row in set(rows):
        if row in values:
            for value in values[row] if isinstance(values[row], tuple) else (values[row],):
                counts[value] = counts.get(value, 0) + 1
    assert dict(column.counts(BitMap(rows))) == counts
    if column.field.type is not Type.TAGS:
        check_numbers(column, values, rows, asked)


def check_numbers(column, values, rows, asked):
    numbers, there = column.numbers(asked)
    assert there.tolist() == [row in values for row in rows]
    found = [(values[row], number) for row, number in zip(rows, numbers.tolist(), strict=True) if row in values]
    if column.field.type in (Type.TEXT, Type.CHOICE):
        for value, number in found:
            for other, code in found:
                assert (fold(value) == fold(other)) == (number == code)
    else:
        assert all(value == number for value, number in found)


def check_version(version, model, predicates, within, window, forgotten=frozenset()):
    """Everything a version answers, against the model of its time; `forgotten` are rows that were erased since.

    Their ids alone are gone: they are no values of the time, but the names by which rows are found.
    """
    known = [row for row in model.alive() if row not in forgotten]
    alive = model.alive()
    assert version.contacts.size == len(model.contacts)
    assert set(version.contacts.alive) == set(alive)
    assert version.contacts.ids(np.array(known, np.uint32)) == [model.contacts[row][0] for row in known]
    for id, row in model.rows.items():
        assert version.contacts.row(id) == (None if row in forgotten else row)
    assert [int(f) for f in version.contacts.fingerprints[known]] == [fingerprint(model.contacts[r][0]) for r in known]
    assert set(version.companies.alive) == set(range(len(model.companies)))
    _check_entities(version.contacts, {row: model.contacts[row][1] for row in alive}, predicates, within, forgotten)
    _check_entities(version.companies, {r: c[1] for r, c in enumerate(model.companies)}, predicates, within, set())
    _check_link(version, model, within)
    for type in ("open", "buy"):
        _check_events(version.events(type), model, model.events.get(type, []), predicates, within, window)


def _check_entities(entities, values, predicates, within, forgotten):
    for name in entities.fields:
        if name == ":company" or (name == "id" and forgotten):
            continue
        held = {row: fields[name] for row, fields in values.items() if name in fields}
        column = entities.column(name)
        for predicate in predicates[entities.fields[name].type]:
            check_column(column, held, predicate, [row for row in within if row < entities.size])
        check_values(column, held, [row for row in within if row < entities.size and row in values])


def _check_link(version, model, within):
    companies = [row for row in within if row % 2 and row < len(model.companies)]
    linked = {row: model.contacts[row][1].get(":company") for row in model.alive()}
    expected = {row for row, company in linked.items() if company in companies}
    assert set(version.company_link.contacts_of(BitMap(companies))) == expected
    assert set(version.company_link.contacts_of(BitMap(companies), BitMap(within))) == expected & set(within)
    assert version.company_link.count_of(BitMap(companies)) == len(expected)
    words = version.company_link.words(BitMap(companies), version.contacts.size)
    assert words is None or set(from_words(words & version.contacts.living)) == expected
    assert all(version.company_link.company_of(row) == company for row, company in linked.items())
    followed = version.company_link.followed(BitMap(within))
    assert set(followed.companies) == {linked.get(row) for row in within} - {None}
    assert set(followed.to(BitMap(companies))) == expected & set(within)
    assert followed.count(BitMap(companies)) == len(expected & set(within))


def _check_events(events, model, held, predicates, within, window):
    living = set(model.alive())
    seen = [event for event in held if event.contact in living]
    if events is None:
        assert not held
        return
    found = [entry for part in events.parts for entry in _check_part(part, living, predicates, within, window)]
    assert sorted(found) == sorted((event.contact, event.at, event.order) for event in seen)
    by_order = {event.order: event for event in seen}
    for part in events.parts:
        orders = part.order_of(np.arange(part.size, dtype=np.uint32)).tolist()
        for name in ("id", *FIELDS):
            values = {
                row: by_order[order].values[name]
                for row, order in enumerate(orders)
                if order in by_order and name in by_order[order].values
            }
            column = part.column(name)
            rows = [row for row in within if row < part.size and orders[row] in by_order]
            if column is None:
                assert not values
                continue
            dead = BitMap([row for row, order in enumerate(orders) if order not in by_order])
            for predicate in predicates[column.field.type]:
                expected = {row for row, value in values.items() if holds(predicate, value)}
                assert set(column.matching(predicate) - dead) == expected
                assert set(column.matching(predicate, BitMap(rows))) == expected & set(rows)
            check_values(column, values, rows)


def covered(part, start, end):
    """The contacts with an event in the window."""
    bitmaps, rows = part.cover(start, end)
    return BitMap.union(BitMap(rows), *bitmaps)


def _check_part(part, living, predicates, within, window):
    contacts, at, order = (
        part.contacts.tolist(),
        part.at.tolist(),
        part.order_of(np.arange(part.size, dtype=np.uint32)).tolist(),
    )
    assert len(contacts) == len(at) == len(order) == part.size
    start, end = window
    inside = [r for r, t in enumerate(at) if (start is None or t >= start) and (end is None or t < end)]
    assert list(BitMap(part.rows_between(start, end))) == inside
    assert set(covered(part, start, end)) & living == {contacts[row] for row in inside} & living
    assert part.estimate_between(start, end) >= 0
    tallied = np.zeros(max(contacts) + 1, np.uint32)
    part.tally(tallied, start, end)
    assert tallied.tolist() == np.bincount([contacts[row] for row in inside], minlength=len(tallied)).tolist()
    assert part.most >= np.bincount(contacts).max()
    asked = BitMap(within)
    of_asked = np.zeros(len(asked), np.uint16)
    part.tally_few(to_array(asked), of_asked, start, end)
    of_each = Counter(contacts[row] for row in inside)
    assert of_asked.tolist() == [of_each[contact] for contact in asked]
    mine = sorted((contacts[row], at[row], order[row], row) for row in range(part.size) if contacts[row] in asked)
    assert part.rows_of(asked).tolist() == [row for *_, row in mine]
    return [entry for entry in zip(contacts, at, order, strict=True) if entry[0] in living]
