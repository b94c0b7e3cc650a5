"""What a typed term measures: its type, and for numbers the scale of its values."""

from __future__ import annotations

from msgspec import Struct

from dsl.schema import Field, Type
from dsl.typed import (
    Aggregate,
    AggregateFunction,
    Arithmetic,
    Bucket,
    Constant,
    DatePart,
    FieldTerm,
    Term,
)

NUMERIC = frozenset({Type.NUMBER, Type.FLOAT})
TEXTUAL = frozenset({Type.TEXT, Type.CHOICE})
TEMPORAL = frozenset({Type.DATE, Type.DATETIME})


class Measure(Struct, frozen=True):
    """The type of a term's values. Numbers are scaled by 10**decimals, or exact fractions when that is None."""

    type: Type
    decimals: int | None = None
    options: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        return self.type in NUMERIC

    @property
    def is_textual(self) -> bool:
        return self.type in TEXTUAL

    @property
    def is_temporal(self) -> bool:
        return self.type in TEMPORAL


WHOLE = Measure(Type.NUMBER, 0)
EXACT = Measure(Type.NUMBER)
FLOAT = Measure(Type.FLOAT)


def measure(term: Term) -> Measure:
    """The measure of any typed term."""
    match term:
        case FieldTerm():
            return _of_field(term.field)
        case Aggregate():
            return _of_aggregate(term)
        case Constant(type=kind):
            return Measure(kind)
        case Arithmetic(left=left, right=right):
            return FLOAT if Type.FLOAT in (measure(left).type, measure(right).type) else EXACT
        case DatePart() | Bucket():
            return WHOLE
        case _:
            raise TypeError(f"no term: {type(term).__name__}")


def _of_field(field: Field) -> Measure:
    return Measure(field.type, field.decimals if field.type is Type.NUMBER else None, field.options)


def _of_aggregate(term: Aggregate) -> Measure:
    match term.function, term.property:
        case ((AggregateFunction.COUNT | AggregateFunction.DISTINCT), _):
            return WHOLE
        case _, None:
            return Measure(Type.DATETIME)
        case AggregateFunction.AVG, Field(type=Type.NUMBER):
            return EXACT
        case _, field:
            return _of_field(field)
