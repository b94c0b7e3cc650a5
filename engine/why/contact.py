"""One contact at one moment: which conditions hold for it, and the values and events behind them.

Everything is asked of the same plans that answer for all contacts, restricted to one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl import typed
from dsl.measure import Measure, measure
from dsl.moments import Clock
from dsl.schema import Field, Type, type_of_value
from dsl.typed import AggregateFunction
from engine.plan import execute, lower, lower_selector, lower_term, plan, plan_selection, plan_term
from engine.plan.physical.numbers import Numbers
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, PartSpace
from engine.reading import EventPart
from engine.snapshot import Snapshot

Found = type_of_value | Fraction
"""A physical value; exact fractions, unscaled, of what is computed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event row of the contact."""

    type: str
    part: EventPart
    row: int
    at: int

    @property
    def order(self) -> int:
        """Ascending in the order of acceptance; asked for events of one millisecond alone."""
        return int(self.part.order_of(np.array([self.row], np.uint32))[0])

    @property
    def key(self) -> tuple[int, int]:
        """Tells events of one snapshot apart."""
        return id(self.part), self.row

    def value(self, property: str) -> type_of_value | None:
        column = PartSpace(self.part).column(property)
        return None if column is None else column.values(_row(self.row))[0]


@dataclass(frozen=True, slots=True)
class Contact:
    """The contact of a living row in a snapshot, at a clock."""

    snapshot: Snapshot
    row: int
    clock: Clock
    known: dict[tuple[typed.Selector, int], list[Event]] = field(default_factory=dict, compare=False)
    """The events that selectors were found to name, by selector and clock."""

    @property
    def id(self) -> str:
        [id] = self.snapshot.data.contacts.ids(_row(self.row))
        return id

    def at(self, instant: int) -> Contact:
        """The same contact, seen at another moment."""
        return replace(self, clock=Clock(instant, self.clock.zone))

    def holds(self, condition: typed.Condition) -> bool:
        """Whether a condition holds, as a count of it would have it."""
        return self.matches(typed.Selection(condition))

    def matches(self, selection: typed.Selection) -> bool:
        data = self.snapshot.data
        logical = lower(selection, self.clock, self.snapshot.schema, self.snapshot.segments.segments)
        # For one row, rewriting takes longer than what it saves.
        return bool(execute(plan(logical, data), data, BitMap([self.row])))

    # --- values ---

    def value(self, term: typed.Term) -> Found | None:
        """The value of a term; None when it is missing."""
        match term:
            case typed.FieldTerm(_, scope, asked):
                return self._field(scope, asked)
            case typed.Aggregate(_, AggregateFunction.COUNT, selector):
                return len(self.events(selector))
            case typed.Aggregate(_, AggregateFunction.FIRST | AggregateFunction.LAST, selector, property):
                return self._edge(self.events(selector), term.function, property)
            case _:
                return self._number(term)

    def _field(self, scope: typed.Scope, asked: Field) -> type_of_value | None:
        data = self.snapshot.data
        entities = data.companies if scope is typed.Scope.COMPANIES else data.contacts
        row, column = self._row_in(scope), entities.column(asked.name)
        return None if row is None or column is None else column.values(_row(row))[0]

    def _row_in(self, scope: typed.Scope) -> int | None:
        """The contact's row, or that of its company."""
        if scope is typed.Scope.COMPANIES:
            return self.snapshot.data.company_link.company_of(self.row)
        return self.row

    @property
    def has_company(self) -> bool:
        return self._row_in(typed.Scope.COMPANIES) is not None

    def _edge(self, events: list[Event], function: AggregateFunction, property: Field | None) -> type_of_value | None:
        if not events:
            return None
        event = events[0 if function is AggregateFunction.FIRST else -1]
        return event.at if property is None else event.value(property.name)

    def _number(self, term: typed.Term) -> Found | None:
        data, scope = self.snapshot.data, scope_of(term)
        row = self._row_in(scope)
        if row is None:
            return None
        context = Context.of_contacts(data)
        if scope is typed.Scope.COMPANIES:
            context = context.of_companies()
        planned = plan_term(lower_term(term, self.clock, self.snapshot.schema), data)
        return number_at(planned.numbers(context, _domain(row)), 0, measure(term))

    # --- events ---

    def events(self, selector: typed.Selector) -> list[Event]:
        """The events that a selector names, in order of moment and acceptance; not to be changed."""
        asked = selector, self.clock.now
        if asked not in self.known:
            self.known[asked] = in_order(self._found(selector))
        return self.known[asked]

    def _found(self, selector: typed.Selector) -> list[Event]:
        data = self.snapshot.data
        selection = plan_selection(lower_selector(selector, self.clock, self.snapshot.schema), data)
        context, domain = Context.of_contacts(data), _domain(self.row)
        return [event for name in selection.types for event in _picked(name, selection, context, domain)]


def in_order(events: list[Event]) -> list[Event]:
    """By moment, those of one millisecond by acceptance."""
    if len({event.at for event in events}) == len(events):
        return sorted(events, key=lambda event: event.at)
    return sorted(events, key=lambda event: (event.at, event.order))


def _picked(type: str, selection: Selection, context: Context, domain: Domain) -> Iterator[Event]:
    for picked in structs.replace(selection, types=(type,)).picked(context, domain):
        rows = picked.row_numbers()
        for row, at in zip(rows.tolist(), picked.part.at[rows].tolist(), strict=True):
            yield Event(type, picked.part, row, at)


def _row(row: int) -> NDArray[np.uint32]:
    return np.array([row], np.uint32)


def _domain(row: int) -> Domain:
    return Domain(1, _row(row), BitMap([row]))


def number_at(numbers: Numbers, place: int, found: Measure) -> Found | None:
    """The number at a place: physical where a term has a scale of its own, else an exact fraction."""
    if not numbers.present[place]:
        return None
    top = numbers.numerator[place]
    if numbers.is_float:
        return float(top)
    bottom = numbers.denominator if isinstance(numbers.denominator, int) else numbers.denominator[place]
    exact = Fraction(int(top), int(bottom))
    if found.type is Type.FLOAT:
        return float(exact)
    return exact if found.type is Type.NUMBER and found.decimals is None else int(exact)


def scope_of(term: typed.Term) -> typed.Scope:
    """Whose row a term is a value of."""
    match term:
        case typed.FieldTerm(scope=scope):
            return scope
        case typed.Arithmetic(left=typed.Constant(), right=right):
            return scope_of(right)
        case typed.Arithmetic(left=left):
            return scope_of(left)
        case typed.DatePart(term=inner):
            return scope_of(inner)
        case _:
            return typed.Scope.CONTACTS
