"""What is known of one contact: looked up when it is first asked for, and once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.moments import Clock, Unit, Window, step_instant
from dsl.schema import EVENT_SYSTEM_FIELDS, type_of_value
from dsl.typed import Condition
from engine.deadline import still_wanted
from engine.reading import Entities, EventPart, Version

Value = type_of_value | frozenset[str] | None
"""A physical value, or folded tags; None where it is missing."""

Bounds = tuple[int, int]
"""[start, end) in milliseconds or days since 1970; of what has no bound, one that lies beyond all of them."""

ALWAYS: Bounds = (-(1 << 63), 1 << 63)

K = TypeVar("K")
V = TypeVar("V")


class Lookup(dict[K, V]):
    """What is made of a key when it is first asked for: from then on it is found without a call of Python."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        found = self[key] = self._make(key)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """A window of moments, or of `days`; None is always. Equal ones are one (see `rules`)."""

    window: Window | None
    days: bool = False

    def bounds(self, clock: Clock) -> Bounds:
        if self.window is None:
            return ALWAYS
        start, end = self.window.days(clock) if self.days else self.window.instants(clock)
        return ALWAYS[0] if start is None else start, ALWAYS[1] if end is None else end


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
    """A contact or a company: its values by the names of fields, and what is compared of `texts` and tags."""

    __slots__ = ("texts", "values")

    def __init__(self, entities: Entities, row: int) -> None:
        def value(name: str) -> type_of_value | None:
            column = entities.column(name)
            return None if column is None else column.value(row)

        self.values: Lookup[str, type_of_value | None] = Lookup(value)
        self.texts: Lookup[str, Value] = Lookup(lambda name: folded(self.values[name]))


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
        self._by_values: dict[Properties, dict[Key, list[int]]] | None = None
        self.at = events.at if places is None else [events.at[place] for place in places]

    def span(self, bounds: Bounds) -> tuple[int, int]:
        """The first of those within, and the first after them."""
        return bisect_left(self.at, bounds[0]), bisect_left(self.at, bounds[1])

    def value(self, event: int, name: str, folded: bool) -> Value:
        """That of one of them."""
        found = self._events.folded(name) if folded else self._events.values(name)
        return found[event if self._places is None else self._places[event]]

    def values(self, name: str, folded: bool) -> Sequence[Value]:
        found = self._events.folded(name) if folded else self._events.values(name)
        return found if self._places is None else [found[place] for place in self._places]

    def keys(self, properties: Properties) -> list[Key | None]:
        """The values of each event for some properties; None where one is missing."""
        keys = zip(*(self.values(name, folded) for name, folded in properties), strict=True)
        return [None if None in key else key for key in keys]

    def by_values(self, properties: Properties) -> dict[Key, list[int]]:
        """The moments of the events that have the same values for some properties."""
        if self._by_values is None:
            self._by_values = {}
        found = self._by_values.get(properties)
        if found is None:
            found = self._by_values[properties] = {}
            for key, at in zip(self.keys(properties), self.at, strict=True):
                if key is not None:
                    found.setdefault(key, []).append(at)
        return found


class Facts:
    """Of one contact, in one state, at one moment.

    What is asked about is known by its identity: checks, and what they are made of, are kept by the rules, and equal
    ones are one. `planned` answers for a condition that there is no check for, `rules` has the rules of segments.
    """

    __slots__ = (
        "_company", "_version", "bounds", "chosen", "clock", "contact", "happened", "members", "numbers", "planned",
        "row", "ruled", "rules", "steps",
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
        self.rules = rules
        self.contact = Row(version.contacts, row)
        self._version = version
        self._company: list[Row | None] = []
        self.members: Lookup[str, bool] = Lookup(lambda key: rules[key].member.holds(self))
        self.ruled: Lookup[str, bool] = Lookup(self._is_ruled)
        self.planned: Lookup[Conditional, bool] = Lookup(lambda check: planned(check.condition))
        self.bounds: Lookup[When, Bounds] = Lookup(lambda when: when.bounds(clock))
        self.steps: Lookup[tuple[int, Unit], int] = Lookup(
            lambda back: step_instant(clock.now, -back[0], back[1], clock.zone)
        )
        self.happened: Lookup[str | None, Happened] = Lookup(lambda event: Happened(self._rows(event)))
        self.chosen: Lookup[Occasions, Chosen] = Lookup(self._choose)
        self.numbers: Lookup[Calculated, int | Fraction | None] = Lookup(lambda number: number.of(self))

    def member(self, key: str) -> bool:
        """Whether the contact is in a segment."""
        return self.members[key]

    def _is_ruled(self, key: str) -> bool:
        """Whether a segment's rules select the contact, which are narrowed by its parent's members."""
        rules = self.rules[key]
        narrowed = rules.parent is None or self.members[rules.parent]
        return narrowed and rules.check is not None and rules.check.holds(self)

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

    def _rows(self, event: str | None) -> list[tuple[EventPart, NDArray[np.uint32]]]:
        """In each part that has any, the rows of the contact's events of a type, or of any."""
        still_wanted()
        if event is None:
            return [part for type in self._version.schema.events for part in self.happened[type].parts]
        events = self._version.events(event)
        found = [] if events is None else [(part, part.rows_of_one(self.row)) for part in events.parts]
        return [(part, rows) for part, rows in found if rows.size]

    def declares(self, event: str | None, property: str) -> bool:
        """Whether events of a type have a property."""
        return property in EVENT_SYSTEM_FIELDS or (event is not None and property in self._version.schema.events[event])

    def _choose(self, occasions: Occasions) -> Chosen:
        still_wanted()
        events, where = self.happened[occasions.event], occasions.where
        return Chosen(events, None if where is None or not events.at else where.places(events, self))


class Ruled(Protocol):
    """What decides who is in one segment; `check` is None for a static one."""

    @property
    def member(self) -> Check: ...
    @property
    def check(self) -> Check | None: ...
    @property
    def parent(self) -> str | None: ...


class Check(Protocol):
    """A condition that is asked of one contact."""

    def holds(self, facts: Facts) -> bool: ...


class Conditional(Protocol):
    """A check that may have to be planned."""

    @property
    def condition(self) -> Condition: ...
