"""What a typed expression reads: segments, fields, event types. For dependencies, caches and cycle checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import astuple

from dsl.typed import Aggregate, Correlation, FieldTerm, InSegment, Scope, Selection, Selector


@dataclass(frozen=True, slots=True)
class Reads:
    """The data an expression depends on. Event fields are (type, name); type None stands for every event type.

    An expression over "any event" has None among its `events`. `company` tells whether the link to companies counts.
    """

    contacts: frozenset[str]
    companies: frozenset[str]
    events: frozenset[str | None]
    properties: frozenset[tuple[str | None, str]]
    segments: frozenset[str]

    @property
    def company(self) -> bool:
        return bool(self.companies)


def walk(node: object) -> Iterator[object]:
    """`node` and every node under it, tuples looked into, in no promised order."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, tuple):
            pending.extend(current)
        elif isinstance(current, Struct):
            yield current
            pending.extend(astuple(current))


def segments_used(selection: Selection) -> frozenset[str]:
    """The keys of the segments an expression names itself."""
    return frozenset(node.segment for node in walk(selection) if isinstance(node, InSegment))


def reads(selection: Selection) -> Reads:
    """The fields, event types and segments an expression names itself."""
    nodes = list(walk(selection))
    terms = [node for node in nodes if isinstance(node, FieldTerm)]
    return Reads(
        frozenset(term.field.name for term in terms if term.scope is Scope.CONTACTS),
        frozenset(term.field.name for term in terms if term.scope is Scope.COMPANIES),
        frozenset(node.event for node in nodes if isinstance(node, Selector)),
        frozenset(_properties(nodes, terms)),
        segments_used(selection),
    )


def _properties(nodes: list[object], terms: list[FieldTerm]) -> Iterator[tuple[str | None, str]]:
    yield from ((term.event, term.field.name) for term in terms if term.scope is Scope.EVENTS)
    for node in nodes:
        match node:
            case Aggregate(property=property, selector=selector) if property is not None:
                yield selector.event, property.name
            case Correlation(property=property, earlier=earlier):
                yield from ((None, property.name), (None, earlier.name))
            case _:
                pass
