"""How names and values are written in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from dsl.schema import Field, Type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ORDER = '"(order)"'
FINGERPRINT = '"(fingerprint)"'
COMPANY = '"(company)"'
"""Columns beside the fields; no field has parentheses in a schema these are used with."""


def name(field: str) -> str:
    escaped = field.replace('"', '""')
    return f'"{escaped}"'


def folded(field: str) -> str:
    """The column in which a text lies folded, beside the one in which it lies as written; or tags, as a sorted list."""
    return name(f"{field} (folded)")


def events_of(type: str | None) -> str:
    """The table of the events of one type, or of any."""
    return name("events") if type is None else name(f"{type} events")


def text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def texts(values: Iterable[str]) -> str:
    return ", ".join(text(value) for value in values)


def day(days: int) -> str:
    return f"DATE '{(date(1970, 1, 1) + timedelta(days)).isoformat()}'"


def instant(milliseconds: int) -> str:
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"TIMESTAMPTZ '{moment.replace(tzinfo=None).isoformat(' ', timespec='milliseconds')}+00'"


def float_literal(value: float) -> str:
    return f"'{value!r}'::DOUBLE"


def ratio(value: Fraction | int) -> str:
    exact = Fraction(value)
    return f"ratio({exact.numerator}, {exact.denominator})"


def literal(field_type: Type, value: str | int | float | bool | Fraction) -> str:
    """A physical value of a type, or of a number whose scale is known to be that of the value."""
    match field_type:
        case Type.TEXT | Type.CHOICE:
            return text(str(value))
        case Type.BOOLEAN:
            return "true" if value else "false"
        case Type.NUMBER:
            return str(int(value))
        case Type.FLOAT:
            return float_literal(float(value))
        case Type.DATE:
            return day(int(value))
        case Type.DATETIME:
            return instant(int(value))
        case _:
            raise TypeError(f"no literal of {field_type}")


def is_folded(field: Field) -> bool:
    return field.type in (Type.TEXT, Type.CHOICE, Type.TAGS)


def all_of(conditions: Iterable[str]) -> str:
    """Joined by `and`; true of none."""
    return " and ".join(f"({condition})" for condition in conditions) or "true"


def any_of(conditions: Iterable[str]) -> str:
    """Joined by `or`; false of none."""
    return " or ".join(f"({condition})" for condition in conditions) or "false"
