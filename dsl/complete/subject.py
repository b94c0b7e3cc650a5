"""What a comparison is about: the type of an operand, and the column that its values come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsl import tree
from dsl.names import COMPANY, Ground
from dsl.schema import (
    COMPANY_SYSTEM_FIELDS,
    CONTACT_SYSTEM_FIELDS,
    EVENT_SYSTEM_FIELDS,
    Field,
    Schema,
    Type,
)
from dsl.typed import AggregateFunction, Scope

ORDERED = frozenset({Type.NUMBER, Type.FLOAT, Type.DATE, Type.DATETIME})
NUMERIC = frozenset({Type.NUMBER, Type.FLOAT})
TEMPORAL = frozenset({Type.DATE, Type.DATETIME})
TEXTUAL = frozenset({Type.TEXT, Type.CHOICE})
ANYTHING = frozenset(Type)

_ALIKE = {Type.FLOAT: Type.NUMBER, Type.CHOICE: Type.TEXT}
_COUNTS = frozenset({AggregateFunction.COUNT, AggregateFunction.SUM, AggregateFunction.AVG, AggregateFunction.DISTINCT})


@dataclass(frozen=True, slots=True)
class Source:
    """A column: a field of contacts or of companies, or a property of events (`event` None: of any type)."""

    scope: Scope
    field: Field
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """An operand. `type` is None where it is not known; `source` the column its values are those of, if any."""

    type: Type | None
    source: Source | None = None
    scope: Scope | None = None
    """Whose rows it varies with; None for a constant."""

    @property
    def is_constant(self) -> bool:
        return self.type is not None and self.scope is None

    def is_any(self, types: frozenset[Type]) -> bool:
        """Whether it may be of one of `types`."""
        return self.type is None or self.type in types

    def compares_with(self, type: Type) -> bool:
        return self.type is None or _ALIKE.get(self.type, self.type) is _ALIKE.get(type, type)


UNKNOWN = Subject(None)


def fields_of(schema: Schema, ground: Ground) -> dict[str, Field]:
    """The fields that a plain name can mean on a ground."""
    if ground.scope is Scope.CONTACTS:
        return {**schema.contacts, **CONTACT_SYSTEM_FIELDS}
    return properties_of(schema, ground.event)


def company_fields(schema: Schema) -> dict[str, Field]:
    return {**schema.companies, **COMPANY_SYSTEM_FIELDS}


def properties_of(schema: Schema, event: str | None) -> dict[str, Field]:
    """The properties of an event type; of any event, those that all have."""
    declared: Mapping[str, Field] = {} if event is None else schema.events.get(event, {})
    return {**declared, **EVENT_SYSTEM_FIELDS}


def subject_of(node: object, schema: Schema, ground: Ground) -> Subject:
    """What an operand, as parsed, is; UNKNOWN where a name means nothing."""
    match node:
        case tree.FieldName():
            return _field(node, schema, ground)
        case tree.Aggregate():
            return _aggregate(node, schema)
        case tree.Arithmetic(operands=operands):
            return _arithmetic([subject_of(operand, schema, ground) for operand in operands])
        case tree.Negative(item=item):
            return _arithmetic([subject_of(item, schema, ground)])
        case tree.DatePart(item=item):
            return Subject(Type.NUMBER, scope=subject_of(item, schema, ground).scope)
        case tree.Bucket():
            return Subject(Type.NUMBER, scope=Scope.CONTACTS)
        case tree.Number():
            return Subject(Type.NUMBER)
        case tree.Text():
            return Subject(Type.TEXT)
        case tree.Boolean():
            return Subject(Type.BOOLEAN)
        case (
            tree.Day()
            | tree.Month()
            | tree.Instant()
            | tree.Ago()
            | tree.NamedMoment()
            | tree.CalendarPeriod()
            | tree.RollingPeriod()
            | tree.Duration()
        ):
            return Subject(Type.DATETIME)
        case _:
            return UNKNOWN


def _field(node: tree.FieldName, schema: Schema, ground: Ground) -> Subject:
    name = node.name.name
    if node.owner is not None:
        return _column(Scope.COMPANIES, company_fields(schema).get(name))
    field = fields_of(schema, ground).get(name)
    if field is None and name == COMPANY and ground.scope is Scope.CONTACTS:
        return _column(Scope.COMPANIES, COMPANY_SYSTEM_FIELDS["id"])
    return _column(ground.scope, field, ground.event)


def _column(scope: Scope, field: Field | None, event: str | None = None) -> Subject:
    return Subject(None, scope=scope) if field is None else Subject(field.type, Source(scope, field, event), scope)


def _aggregate(node: tree.Aggregate, schema: Schema) -> Subject:
    if node.function in _COUNTS:
        return Subject(Type.NUMBER, scope=Scope.CONTACTS)
    if node.property is None:
        return Subject(Type.DATETIME, scope=Scope.CONTACTS)
    event = node.selector.event.name if node.selector.event else None
    found = _column(Scope.EVENTS, properties_of(schema, event).get(node.property.name), event)
    return Subject(found.type, found.source, Scope.CONTACTS)


def _arithmetic(operands: list[Subject]) -> Subject:
    """Numbers, or a moment moved by durations."""
    moment = any(operand.type in TEMPORAL for operand in operands)
    scope = next((operand.scope for operand in operands if operand.scope is not None), None)
    return Subject(Type.DATETIME if moment else Type.NUMBER, scope=scope)
