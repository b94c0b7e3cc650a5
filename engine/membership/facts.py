"""What is known of one contact: looked up when it is first asked for, and once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.folding import fold
from dsl.moments import Clock, Unit, Window, step_instant
from dsl.schema import EVENT_SYSTEM_FIELDS, type_of_value
from dsl.typed import Condition
from engine.deadline import still_wanted
from engine.reading import Entities, EventPart, Version

Value = type_of_value | frozenset[str] | None
"""A physical value, or folded tags; None where it is missing."""

Bounds = tuple[int | None, int | None]
"""[start, end) in milliseconds or days since 1970; None is no bound."""


def folded(value: type_of_value | None) -> Value:
    """A text, or tags, in the form in which they are compared."""
    match value:
        case str():
            return fold(value)
        case tuple():
            return frozenset(map(fold, value))
        case _:
            return value


class Row:
    """A contact or a company."""

    __slots__ = ("_entities", "_folded", "_row", "_values")

    def __init__(self, entities: Entities, row: int) -> None:
        self._entities = entities
        self._row = row
        self._values: dict[str, type_of_value | None] = {}
        self._folded: dict[str, Value] = {}

    def value(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            column = self._entities.column(name)
            found = self._values[name] = None if column is None else column.value(self._row)
            return found

    def folded(self, name: str) -> Value:
        try:
            return self._folded[name]
        except KeyError:
            self.value(name)
            found = self._folded[name] = folded(self._values[name])
            return found


class EventTest(Protocol):
    """A condition on events."""

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        """Where, ascending, the events stand of which it holds."""


class Happened:
    """Events of a contact, ordered by moment, then acceptance."""

    __slots__ = ("_folded", "_held", "_order", "_values", "at", "parts")

    def __init__(self, parts: list[tuple[EventPart, NDArray[np.uint32]]]) -> None:
        """`parts` are those that have some of them, with their rows."""
        self.parts = parts
        self._order: list[int] | None = None
        self.at: list[int] = [at for part, rows in parts for at in part.at[rows].tolist()]
        if len(parts) > 1:
            self.at.sort()
        self._values: dict[str, list[type_of_value | None]] = {}
        self._folded: dict[str, list[Value]] = {}
        self._held: dict[tuple[str, bool], dict[Value, list[int]]] = {}

    @property
    def order(self) -> list[int]:
        """Where each event stands among those of the parts, one part after the other."""
        if self._order is None:
            at = np.concatenate([part.at[rows] for part, rows in self.parts])
            accepted = np.concatenate([part.order_of(rows) for part, rows in self.parts])
            self._order = np.lexsort((accepted, at)).tolist()
        return self._order

    def having(self, name: str, folded: bool, value: Value) -> Sequence[int]:
        """Where the events stand that have a value for a property."""
        places = self._held.get((name, folded))
        if places is None:
            places = self._held[name, folded] = {}
            for place, each in enumerate(self.folded(name) if folded else self.values(name)):
                places.setdefault(each, []).append(place)
        return places.get(value, ())

    def values(self, name: str) -> Sequence[Value]:
        """Of a property, event by event."""
        if name == "at":
            return self.at
        if name not in self._values:
            found = [value for part, rows in self.parts for value in _values_of(part, name, rows)]
            self._values[name] = [found[place] for place in self.order] if len(self.parts) > 1 else found
        return self._values[name]

    def folded(self, name: str) -> Sequence[Value]:
        if name not in self._folded:
            self.values(name)
            self._folded[name] = list(map(folded, self._values[name]))
        return self._folded[name]


def _values_of(part: EventPart, name: str, rows: NDArray[np.uint32]) -> list[type_of_value | None]:
    column = part.column(name)
    return [None] * rows.size if column is None else column.values(rows)


class Occasions(Protocol):
    """Which events count, wherever they lie in time."""

    @property
    def event(self) -> str | None: ...

    @property
    def where(self) -> EventTest | None: ...


class Calculated(Protocol):
    """A number; None where it is missing."""

    def of(self, facts: Facts) -> int | Fraction | None: ...


Properties = tuple[tuple[str, bool], ...]
"""Names of properties, each with whether its values are compared folded."""

Key = tuple[Value, ...]


class Chosen:
    """The events of a contact that count, in order."""

    __slots__ = ("_by_values", "_events", "_places", "at")

    def __init__(self, events: Happened, places: Sequence[int] | None) -> None:
        self._events = events
        self._places = places
        self._by_values: dict[Properties, dict[Key, list[int]]] = {}
        self.at = events.at if places is None else [events.at[place] for place in places]

    def span(self, bounds: Bounds) -> tuple[int, int]:
        """The first of those within, and the first after them."""
        start, end = bounds
        first = 0 if start is None else bisect_left(self.at, start)
        return first, len(self.at) if end is None else max(first, bisect_left(self.at, end))

    def values(self, name: str, folded: bool) -> Sequence[Value]:
        found = self._events.folded(name) if folded else self._events.values(name)
        return found if self._places is None else [found[place] for place in self._places]

    def keys(self, properties: Properties) -> list[Key | None]:
        """The values of each event for some properties; None where one is missing."""
        keys = zip(*(self.values(name, folded) for name, folded in properties), strict=True)
        return [None if None in key else key for key in keys]

    def by_values(self, properties: Properties) -> dict[Key, list[int]]:
        """The moments of the events that have the same values for some properties."""
        found = self._by_values.get(properties)
        if found is None:
            found = self._by_values[properties] = {}
            for key, at in zip(self.keys(properties), self.at, strict=True):
                if key is not None:
                    found.setdefault(key, []).append(at)
        return found


ALWAYS: Bounds = (None, None)


class Facts:
    """Of one contact, in one state, at one moment.

    Checks are told apart by their ids: they are kept by the rules, and equal ones are one. `planned` answers for a
    condition that there is no check for, `rules` has the rules of segments.
    """

    __slots__ = (
        "_answers", "_bounds", "_chosen", "_company", "_days", "_happened", "_members", "_numbers", "_planned",
        "_ruled", "_steps", "_version", "clock", "contact", "row", "rules",
    )  # fmt: skip

    def __init__(
        self,
        version: Version,
        row: int,
        clock: Clock,
        rules: Mapping[str, Ruled],
        planned: Callable[[Condition], bool],
    ) -> None:
        self.row = row
        self.clock = clock
        self.contact = Row(version.contacts, row)
        self.rules = rules
        self._version = version
        self._planned = planned
        self._company: list[Row | None] = []
        self._bounds: dict[int, Bounds] = {}
        self._days: dict[int, Bounds] = {}
        self._steps: dict[tuple[int, Unit], int] = {}
        self._happened: dict[str | None, Happened] = {}
        self._chosen: dict[int, Chosen] = {}
        self._members: dict[str, bool] = {}
        self._ruled: dict[str, bool] = {}
        self._answers: dict[int, bool] = {}
        self._numbers: dict[int, int | Fraction | None] = {}

    # --- segments ---

    def member(self, key: str) -> bool:
        """Whether the contact is in a segment: (rules - removed) | added."""
        try:
            return self._members[key]
        except KeyError:
            found = self._members[key] = self._is_member(key)
            return found

    def _is_member(self, key: str) -> bool:
        rules = self.rules[key]
        if rules.alone is not None:
            still_wanted()
            return rules.alone.holds(self)
        return self.row in rules.added or (self.row not in rules.removed and self.ruled(key))

    def ruled(self, key: str) -> bool:
        """Whether a segment's rules select the contact, which are narrowed by its parent's members."""
        found = self._ruled.get(key)
        if found is None:
            still_wanted()
            rules = self.rules[key]
            narrowed = rules.parent is None or self.member(rules.parent)
            found = self._ruled[key] = narrowed and rules.check is not None and rules.check.holds(self)
        return found

    def planned(self, condition: Condition) -> bool:
        found = self._answers.get(id(condition))
        if found is None:
            found = self._answers[id(condition)] = self._planned(condition)
        return found

    # --- time ---

    def bounds(self, window: Window | None, days: bool = False) -> Bounds:
        """A window's, in milliseconds or in days."""
        if window is None:
            return ALWAYS
        known = self._days if days else self._bounds
        found = known.get(id(window))
        if found is None:
            found = known[id(window)] = window.days(self.clock) if days else window.instants(self.clock)
        return found

    def back(self, count: int, unit: Unit) -> int:
        """The moment so many units before the clock's."""
        found = self._steps.get((count, unit))
        if found is None:
            found = self._steps[count, unit] = step_instant(self.clock.now, -count, unit, self.clock.zone)
        return found

    # --- rows ---

    @property
    def company(self) -> Row | None:
        if not self._company:
            company = self._version.company_link.company_of(self.row)
            there = company is not None and company in self._version.companies.alive
            self._company.append(Row(self._version.companies, company) if company is not None and there else None)
        return self._company[0]

    @property
    def fingerprint(self) -> int:
        return int(self._version.contacts.fingerprints[self.row])

    def happened(self, event: str | None) -> Happened:
        """The contact's events of a type, or of any."""
        found = self._happened.get(event)
        if found is None:
            found = self._happened[event] = Happened(self._rows(event))
        return found

    def _rows(self, event: str | None) -> list[tuple[EventPart, NDArray[np.uint32]]]:
        """In each part that has any, the rows of the contact's events of a type, or of any."""
        if event is None:
            return [part for type in self._version.schema.events for part in self.happened(type).parts]
        events = self._version.events(event)
        found = [] if events is None else [(part, part.rows_of_one(self.row)) for part in events.parts]
        return [(part, rows) for part, rows in found if rows.size]

    def declares(self, event: str | None, property: str) -> bool:
        """Whether events of a type have a property."""
        return property in EVENT_SYSTEM_FIELDS or (event is not None and property in self._version.schema.events[event])

    def number(self, number: Calculated) -> int | Fraction | None:
        """Calculated once."""
        try:
            return self._numbers[id(number)]
        except KeyError:
            found = self._numbers[id(number)] = number.of(self)
            return found

    def chosen(self, occasions: Occasions) -> Chosen:
        try:
            return self._chosen[id(occasions)]
        except KeyError:
            events, where = self.happened(occasions.event), occasions.where
            found = Chosen(events, None if where is None or not events.at else where.places(events, self))
            self._chosen[id(occasions)] = found
            return found


class Ruled(Protocol):
    """The rules of one segment; `check` is None for a static one."""

    @property
    def check(self) -> Check | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def added(self) -> BitMap: ...
    @property
    def removed(self) -> BitMap: ...
    @property
    def alone(self) -> Check | None: ...


class Check(Protocol):
    """A condition that is asked of one contact."""

    def holds(self, facts: Facts) -> bool: ...
