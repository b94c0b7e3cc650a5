"""The values of documents as literals of a field's type, and literals as the values of documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from dsl import tree
from dsl.literals import day_number, instant_ms, quoted
from dsl.moments import EPOCH, EPOCH_ORDINAL, MILLISECOND
from dsl.parse import LIMITS
from dsl.problems import NOWHERE, Flaw, Problem, Span
from dsl.schema import Field, Type

NUMERAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*")
"""A number as people type it into a text box."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Literal = tree.Text | tree.Number | tree.Negative | tree.Boolean | tree.Day | tree.Instant


def bad(message: str, hint: str | None = None) -> Flaw:
    return Flaw(Problem("bad-rules", message, hint))


def said(value: object) -> str:
    """A value of a document, short, as a message has it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value[:40])
        case int() if value.bit_length() > 128:
            return "a very large number"
        case int() | float() | Decimal():
            return str(value)
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return "an object"


# --- reading -------------------------------------------------------------------------------------------------


def literal(field: Field, value: object, zone: ZoneInfo) -> Literal:
    """The literal a value stands for when it is compared with `field`; Flaw when it stands for none.

    A text is read as what the field holds, as form inputs give it: "30" for a number, "true" for a boolean.
    """
    return READERS[field.type](value, zone)


def text(value: object, zone: ZoneInfo) -> tree.Text:
    if not isinstance(value, str):
        raise bad(f"found {said(value)}, where a text is needed", "write it in quotes")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise Flaw(Problem("bad-character", "half a surrogate pair is no character"))
    return tree.Text(NOWHERE, value)


def number(value: object, zone: ZoneInfo) -> tree.Number | tree.Negative:
    match value:
        case bool():
            pass
        case int() if value.bit_length() <= 128:
            return signed(Decimal(value))
        case float() | Decimal() if (exact := Decimal(str(value))).is_finite():
            return signed(exact)
        case str() if len(value) <= LIMITS.digits + 2 and value.isascii() and NUMERAL.fullmatch(value):
            return signed(Decimal(value.strip()))
    raise bad(f"found {said(value)}, where a number is needed", "write it as 12.5")


def signed(value: Decimal, span: Span = NOWHERE) -> tree.Number | tree.Negative:
    """A number as the language writes it: the sign of a negative one stands apart."""
    if abs(value.adjusted()) > LIMITS.digits or len(f"{abs(value):f}") > LIMITS.digits:
        raise Flaw(Problem("number-too-long", f"a number has at most {LIMITS.digits} digits"))
    bare = tree.Number(span, Decimal(f"{abs(value):f}"))
    return tree.Negative(span, bare) if value < 0 else bare


def boolean(value: object, zone: ZoneInfo) -> tree.Boolean:
    flags = {"true": True, "false": False}
    found = flags.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise bad(f"found {said(value)}, where true or false is needed")
    return tree.Boolean(NOWHERE, found)


def day(value: object, zone: ZoneInfo) -> tree.Day:
    if not isinstance(value, str):
        raise bad(f"found {said(value)}, where a date is needed", 'write it as "2026-06-30"')
    _real(lambda: day_number(value))
    return tree.Day(NOWHERE, value)


def moment(value: object, zone: ZoneInfo) -> tree.Day | tree.Instant:
    if not isinstance(value, str):
        raise bad(f"found {said(value)}, where a datetime is needed", 'write it as "2026-06-30T14:00"')
    if _DAY.fullmatch(value):
        return day(value, zone)
    written = value.strip().upper().replace(" ", "T")
    _real(lambda: instant_ms(written, zone))
    return tree.Instant(NOWHERE, written)


def _real(read: Callable[[], int]) -> None:
    try:
        read()
    except (ValueError, OverflowError) as error:
        raise Flaw(Problem("no-such-date", str(error))) from None


READERS = {
    Type.TEXT: text,
    Type.CHOICE: text,
    Type.NUMBER: number,
    Type.FLOAT: number,
    Type.BOOLEAN: boolean,
    Type.DATE: day,
    Type.DATETIME: moment,
    Type.TAGS: text,
}


# --- writing -------------------------------------------------------------------------------------------------


def decimal_of(value: Fraction) -> Decimal | None:
    """The decimal that a fraction is; None when it has no end, or more digits than numbers may have."""
    shift = 10**LIMITS.digits
    scaled = value * shift
    if scaled.denominator != 1 or abs(value) >= shift:
        return None
    return Decimal(scaled.numerator).scaleb(-LIMITS.digits).normalize()


def json_number(value: Decimal) -> int | float | None:
    """The JSON number that every program reads as exactly `value`; None when doubles cannot hold it."""
    if value == value.to_integral_value():
        return int(value) if abs(value) < 2**53 else None
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value else None


def plain_number(node: tree.Number | tree.Negative) -> Decimal:
    """The value of a signed literal."""
    if isinstance(node, tree.Negative):
        assert isinstance(node.item, tree.Number), "signs are kept before literals alone"
        return -node.item.value
    return node.value


def iso_day(days: int) -> str:
    """`2026-06-30` of days since 1970; ValueError beyond the calendar."""
    return date.fromordinal(days + EPOCH_ORDINAL).isoformat()


def iso_instant(milliseconds: int) -> str:
    """`2026-06-30T14:00:05.000Z`, as JavaScript's toISOString; ValueError or OverflowError beyond the calendar."""
    moment: datetime = EPOCH + milliseconds * MILLISECOND
    return moment.isoformat(timespec="milliseconds") + "Z"
