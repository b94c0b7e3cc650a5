"""What a plan reads: the columns, event types and segments whose changes can change its answer."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.typed import Scope
from engine.plan.logical import (
    Arithmetic,
    Compares,
    Cut,
    DatePart,
    Did,
    EdgeMatch,
    Match,
    Measure,
    MonthDay,
    OfCompany,
    Plan,
    Satisfies,
    Scaled,
    Segment,
    Selected,
    Sequence,
    Step,
    Term,
    Value,
    children,
)


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A column of contacts, of companies, or of an event type (None: of any)."""

    scope: Scope
    name: str
    event: str | None = None


@dataclass(frozen=True, slots=True)
class EventsOf:
    """The events of a type: their existence, contacts and moments."""

    type: str


@dataclass(frozen=True, slots=True)
class CompanyLink:
    """Which company each contact belongs to."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A segment, by key."""

    segment: str


Reads = frozenset[ColumnOf | EventsOf | CompanyLink | Rules]


def reads(plan: Plan) -> Reads:
    """Everything the plan reads. Draws read contact ids, which never change, and are not named."""
    found: set[ColumnOf | EventsOf | CompanyLink | Rules] = set()
    seen: set[int] = set()
    pending = [plan]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            found |= _of_node(node)
            pending.extend(children(node))
    return frozenset(found)


def _of_node(plan: Plan) -> Reads:
    match plan:
        case Match(scope, field, _, event):
            return frozenset({ColumnOf(scope, field.name, event)})
        case OfCompany():
            return frozenset({CompanyLink()})
        case Did(selected):
            return _of_events(selected)
        case EdgeMatch(selected, _, property):
            return _of_events(selected) | {ColumnOf(Scope.EVENTS, property.name, selected.name)}
        case Satisfies(term) | Cut(term=term) if term is not None:
            return _of_term(term)
        case Compares(_, left, right):
            return _of_term(left) | _of_term(right)
        case Sequence(steps):
            return frozenset().union(*(_of_step(place, steps) for place in range(len(steps))))
        case Segment(key):
            return frozenset({Rules(key)})
        case _:
            return frozenset()


def _of_events(selected: Selected) -> Reads:
    return frozenset(EventsOf(type) for type in selected.types)


def _of_step(place: int, steps: tuple[Step, ...]) -> Reads:
    """A step's events, and what is compared between them and those of earlier steps."""
    step = steps[place]
    here = (ColumnOf(Scope.EVENTS, same.property.name, step.selected.name) for same in step.same)
    there = (ColumnOf(Scope.EVENTS, same.earlier.name, steps[same.step].selected.name) for same in step.same)
    return _of_events(step.selected) | {*here, *there}


def _of_term(term: Term) -> Reads:
    match term:
        case Value(scope, field, event):
            return frozenset({ColumnOf(scope, field.name, event)})
        case Measure(_, selected, None):
            return _of_events(selected)
        case Measure(_, selected, property) if property is not None:
            return _of_events(selected) | {ColumnOf(Scope.EVENTS, property.name, selected.name)}
        case Arithmetic(_, left, right):
            return _of_term(left) | _of_term(right)
        case Scaled(inner) | DatePart(_, inner) | MonthDay(inner):
            return _of_term(inner)
        case _:
            return frozenset()
