"""JSON values to physical values and back, one pair of functions for each type.

A converter takes what a JSON or MessagePack body holds and gives the physical value of `dsl.schema.Type`, or
raises `BadValue` with what was wrong and how to mend it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from dsl.folding import fold
from dsl.habits import date_hint
from dsl.literals import no_such_day
from dsl.moments import TIMELINE
from dsl.schema import Field, Type, type_of_value
from engine.changes import Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
INT64_MAX = (1 << 63) - 1
TEXT_LIMIT = 65_536
MILLISECOND = timedelta(milliseconds=1)

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class BadValue(Exception):
    """A value does not fit its field."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


Converter = Callable[[Any], Value]


def converter(field: Field, zone: ZoneInfo) -> Converter:
    """How values of `field` are read. Naive datetimes are in `zone`. None never reaches a converter."""
    match field.type:
        case Type.TEXT:
            return text_value
        case Type.CHOICE:
            return _choice_converter(field)
        case Type.NUMBER:
            return _number_converter(field)
        case Type.FLOAT:
            return _float_value
        case Type.BOOLEAN:
            return _boolean_value
        case Type.DATE:
            return _date_value
        case Type.DATETIME:
            return lambda value: datetime_value(value, zone)
        case Type.TAGS:
            return _tags_value


def found(value: object) -> str:
    """How a JSON value is named in a message."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def text_value(value: Any) -> str:
    """A text of at most 65,536 characters."""
    if type(value) is not str:
        raise BadValue(f"found {found(value)} where text is needed", 'write it in quotes: "…"')
    if len(value) > TEXT_LIMIT:
        raise BadValue(f"text of {len(value)} characters is too long", f"keep it within {TEXT_LIMIT} characters")
    return value


def _choice_converter(field: Field) -> Converter:
    options = {fold(option): option for option in field.options}

    def choice_value(value: Any) -> str:
        option = options.get(fold(text_value(value)))
        if option is None:
            close = get_close_matches(fold(value), options, n=1)
            near = f"did you mean '{options[close[0]]}'? " if close else ""
            raise BadValue(f"'{value}' is not an option", f"{near}The options are {', '.join(field.options)}")
        return option

    return choice_value


def _number_converter(field: Field) -> Converter:
    scale = int(10**field.decimals)

    def number_value(value: Any) -> int:
        kind = type(value)
        if kind is int:
            scaled = int(value) * scale
        elif kind is float:
            scaled = _scaled_float(value, scale, field)
        else:
            raise BadValue(f"found {found(value)} where a number is needed", "write it without quotes: 12.5")
        if not -INT64_MAX < scaled < INT64_MAX:
            raise BadValue(
                "the number is too large", f"numbers with {field.decimals} decimals go up to 9.2e{18 - field.decimals}"
            )
        return scaled

    return number_value


def _scaled_float(value: float, scale: int, field: Field) -> int:
    """The exact decimal that `value` was written as, scaled: the one whose nearest double is `value`."""
    if value != value or value in (float("inf"), float("-inf")):
        raise BadValue("not a finite number", "write a decimal number")
    scaled = round(value * scale)
    if abs(scaled) < 1 << 53 and scaled / scale == value:
        return scaled
    exact = Decimal(repr(value)) * scale
    if exact != exact.to_integral_value():
        raise BadValue(
            f"{value!r} has more decimals than the field's {field.decimals}",
            f"round it to {field.decimals} decimals, or declare the field with more (up to 6)",
        )
    return int(exact)


def _float_value(value: Any) -> float:
    if type(value) not in (int, float):
        raise BadValue(f"found {found(value)} where a number is needed", "write it without quotes: 12.5")
    try:
        result = float(value)
    except OverflowError:
        raise BadValue("the number is too large", "a float goes up to 1.8e308") from None
    if result != result or result in (float("inf"), float("-inf")):
        raise BadValue("not a finite number", "write a decimal number")
    return result


def _boolean_value(value: Any) -> bool:
    if type(value) is not bool:
        raise BadValue(f"found {found(value)} where true or false is needed", "write true or false without quotes")
    return value


def _date_value(value: Any) -> int:
    if type(value) is str and len(value) == 10:
        try:
            return date.fromisoformat(value).toordinal() - EPOCH_ORDINAL
        except ValueError:
            pass
    meant = date_hint(value) if type(value) is str else None
    raise BadValue(f"{_shown(value)} is not a date", meant or "write a calendar day as 2026-06-30")


def datetime_value(value: Any, zone: ZoneInfo) -> int:
    """Milliseconds since 1970 UTC of an ISO 8601 text; without an offset it is in `zone`."""
    instant = _instant(value, zone) if type(value) is str and len(value) >= 10 else None
    if instant is None:
        fault = _missing_day(value) if type(value) is str else None
        hint = "write it as 2026-06-30T14:00:05Z" if fault is None else f"there is no such day: {fault}"
        raise BadValue(f"{_shown(value)} is not a date and time", hint)
    if instant not in TIMELINE:
        raise BadValue(
            f"{_shown(value)} lies outside of the years 1 to 9999 in UTC", "leave it out where there is none"
        )
    return instant


def _instant(text: str, zone: ZoneInfo) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return to_milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _missing_day(text: str) -> str | None:
    """Why there is no such day as a text begins with; None when it begins with none, or with one that exists."""
    day = _DAY.match(text)
    return None if day is None else no_such_day(*map(int, day.groups()))


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down."""
    return (moment - EPOCH) // MILLISECOND


def _tags_value(value: Any) -> list[str]:
    if type(value) is not list or any(type(tag) is not str for tag in value):
        raise BadValue(f"found {found(value)} where a list of texts is needed", 'write ["ski", "vtt"]')
    for tag in value:
        text_value(tag)
    return list(dict.fromkeys(value))


def _shown(value: Any) -> str:
    return f"'{value[:40]}'" if type(value) is str else found(value)


def iso_datetime(milliseconds: int) -> str:
    """ISO 8601 in UTC, with milliseconds only where there are some."""
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    form = "milliseconds" if milliseconds % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=form) + "Z"


def iso_date(days: int) -> str:
    return date.fromordinal(days + EPOCH_ORDINAL).isoformat()


def to_json(field: Field, value: type_of_value | None) -> Any:
    """What a JSON body shows for a physical value: numbers with decimals are `Decimal`s, so none is lost."""
    if value is None:
        return None
    match field.type:
        case Type.NUMBER:
            return value if field.decimals == 0 else Decimal(int(value)).scaleb(-field.decimals)  # type: ignore[arg-type]
        case Type.DATE:
            return iso_date(value)  # type: ignore[arg-type]
        case Type.DATETIME:
            return iso_datetime(value)  # type: ignore[arg-type]
        case Type.TAGS:
            return list(value)  # type: ignore[arg-type]
        case _:
            return value
