"""The plainest model of a workspace: dictionaries and lists, changed the way the contract says writes change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dsl.schema import Schema, type_of_value
from dsl.typed import Selection

Values = dict[str, type_of_value]
"""Physical values by field name; a missing value has no entry."""


@dataclass
class Event:
    contact: str
    type: str
    at: int
    order: int
    id: str | None
    properties: Values

    @cached_property
    def values(self) -> Values:
        return {**self.properties, "at": self.at} | ({"id": self.id} if self.id is not None else {})


@dataclass
class Segment:
    """`rules` is None for a static segment. Overrides are contact ids."""

    rules: Selection | None = None
    parent: str | None = None
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)


@dataclass
class World:
    schema: Schema
    contacts: dict[str, Values] = field(default_factory=dict)
    company_of: dict[str, str] = field(default_factory=dict)
    companies: dict[str, Values] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    segments: dict[str, Segment] = field(default_factory=dict)
    event_ids: set[tuple[str, str]] = field(default_factory=set)
    accepted: int = 0

    def upsert_contact(self, id: str, values: Mapping[str, type_of_value | None], at: int = 0) -> None:
        """Absent fields stay, None clears. `company` among the values names the contact's company."""
        contact = self.contacts.setdefault(id, {"id": id, "created": at})
        contact["updated"] = at
        given = dict(values)
        if "company" in given:
            self._link(id, given.pop("company"))
        assign(contact, given)

    def _link(self, id: str, company: type_of_value | None) -> None:
        if company is None:
            self.company_of.pop(id, None)
        else:
            self.company_of[id] = str(company)
            self.companies.setdefault(str(company), {"id": str(company)})

    def upsert_company(self, id: str, values: Mapping[str, type_of_value | None]) -> None:
        assign(self.companies.setdefault(id, {"id": id}), values)

    def add_event(
        self, contact: str, type: str, at: int, properties: Mapping[str, type_of_value | None], id: str | None = None
    ) -> None:
        """An event id that its type already has is a duplicate, skipped; an unseen contact is created."""
        if id is not None and (type, id) in self.event_ids:
            return
        if id is not None:
            self.event_ids.add((type, id))
        if contact not in self.contacts:
            self.upsert_contact(contact, {})
        present: Values = {}
        assign(present, properties)
        self.events.append(Event(contact, type, at, self.accepted, id, present))
        self.accepted += 1

    def erase(self, id: str) -> None:
        """Its events go with it; their ids stay taken, so that a repeated delivery does not bring it back."""
        del self.contacts[id]
        self.company_of.pop(id, None)
        self.events = [e for e in self.events if e.contact != id]
        for segment in self.segments.values():
            segment.added.discard(id)
            segment.removed.discard(id)

    def change_members(self, key: str, add: set[str], remove: set[str], reset: set[str]) -> None:
        segment = self.segments[key]
        segment.added = (segment.added | add) - remove - reset
        segment.removed = (segment.removed | remove) - add - reset


def assign(values: Values, given: Mapping[str, type_of_value | None]) -> None:
    for name, value in given.items():
        if value is None or value == ():
            values.pop(name, None)
        else:
            values[name] = value
