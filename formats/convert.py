"""From the arrays a file holds to the physical array of a field, by one table of conversions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dsl.folding import fold
from dsl.moments import CALENDAR, TIMELINE
from dsl.problems import Problem
from dsl.schema import Field, Type
from formats.inferred import Dialect
from formats.instants import (
    BEGINS_WITH_YEAR,
    calendar_fault,
    days_from_dates,
    days_from_stamps,
    days_from_text,
    instants_from_dates,
    instants_from_stamps,
    instants_from_text,
)
from formats.numbers import (
    Converted,
    Mask,
    floats_from_numbers,
    floats_from_text,
    mask_of,
    scaled_from_decimals,
    scaled_from_doubles,
    scaled_from_integers,
    scaled_from_text,
    valid,
    without,
)
from formats.tags import split_tags, tidy_tags

TRUE = frozenset({"true", "yes", "oui", "vrai", "y", "o", "t", "1"})
FALSE = frozenset({"false", "no", "non", "faux", "n", "f", "0"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the cells of one column are to be understood: the file's dialect, the tag separator, the zone."""

    dialect: Dialect
    zone: ZoneInfo
    separator: str | None = None


def none_bad(array: pa.Array) -> Mask:
    return np.zeros(len(array), dtype=np.bool_)


def settled(array: pa.Array) -> pa.Array:
    """The array with encodings that do not matter here undone: dictionaries, views, wide and fixed strings, chunks."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if kinds.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if kinds.is_large_string(array.type) or kinds.is_string_view(array.type):
        array = pc.cast(array, pa.string())
    if kinds.is_string(array.type):
        # Empty text is a value not given.
        return without(array, mask_of(pc.equal(array, "")))
    return array


def written(array: pa.Array) -> pa.StringArray:
    """The text of each value of a settled array, whatever its neighbours are; lists and bytes as JSON."""
    type_ = array.type
    if kinds.is_nested(type_) or kinds.is_binary(type_) or kinds.is_large_binary(type_):
        return pa.array([json_text(value) for value in array.to_pylist()], pa.string())
    return pc.cast(array, pa.string())


def json_text(value: object) -> str | None:
    """A value as JSON; text stands for itself, and null is none."""
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def convert(array: pa.Array, field: Field, manner: Manner) -> Converted:
    """The physical array of `field` for a settled array, and the rows that do not fit (their value is null)."""
    values, bad = _CONVERSIONS[field.type](array, field, manner)
    return values, bad


def _text(array: pa.Array, field: Field, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return array, none_bad(array)
    if kinds.is_floating(array.type):
        return _text_of_doubles(array)
    if kinds.is_nested(array.type) or kinds.is_binary(array.type) or kinds.is_fixed_size_binary(array.type):
        return pa.nulls(len(array), pa.string()), valid(array)
    return pc.cast(array, pa.string()), none_bad(array)


def _text_of_doubles(array: pa.Array) -> Converted:
    """Whole doubles read as integers do, since a column of integers with gaps often comes as doubles."""
    whole, bad = scaled_from_doubles(array, 0)
    if not bad.any():
        return pc.cast(whole, pa.string()), bad
    values, bad = floats_from_numbers(array)
    return pc.cast(values, pa.string()), bad


def _choice(array: pa.Array, field: Field, manner: Manner) -> Converted:
    texts, bad = _text(array, field, manner)
    options = {fold(option): option for option in field.options}
    return _by_distinct(
        texts, bad, lambda text: text if text in field.options else options.get(fold(text)), pa.string()
    )


def _boolean(array: pa.Array, field: Field, manner: Manner) -> Converted:
    if kinds.is_boolean(array.type):
        return array, none_bad(array)
    if kinds.is_string(array.type):
        return _by_distinct(array, none_bad(array), truth, pa.bool_())
    if kinds.is_integer(array.type) or kinds.is_floating(array.type):
        texts, bad = _text(array, field, manner)
        return _by_distinct(texts, bad, {"1": True, "0": False}.get, pa.bool_())
    return pa.nulls(len(array), pa.bool_()), valid(array)


def truth(text: str) -> bool | None:
    """What a word says, in English or French; None when it says neither.

    >>> truth("Oui"), truth("0"), truth("maybe")
    (True, False, None)
    """
    word = text.strip().lower()
    return True if word in TRUE else False if word in FALSE else None


def _by_distinct(
    texts: pa.StringArray, bad: Mask, meaning: Callable[[str], object | None], type: pa.DataType
) -> Converted:
    """A conversion asked of each distinct text once; a text that means nothing is bad."""
    coded = pc.dictionary_encode(texts)
    meanings = pa.array([meaning(text) for text in coded.dictionary.to_pylist()], type)
    values = meanings.take(coded.indices)
    return values, bad | (valid(texts) & ~valid(values))


def _number(array: pa.Array, field: Field, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return scaled_from_text(array, field.decimals, manner.dialect)
    if kinds.is_integer(array.type):
        return scaled_from_integers(array, field.decimals)
    if kinds.is_floating(array.type):
        return scaled_from_doubles(array, field.decimals)
    if kinds.is_decimal(array.type):
        return scaled_from_decimals(array, field.decimals)
    return pa.nulls(len(array), pa.int64()), valid(array)


def _float(array: pa.Array, field: Field, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return floats_from_text(array, manner.dialect)
    if kinds.is_integer(array.type) or kinds.is_floating(array.type) or kinds.is_decimal(array.type):
        return floats_from_numbers(array)
    return pa.nulls(len(array), pa.float64()), valid(array)


def _date(array: pa.Array, field: Field, manner: Manner) -> Converted:
    return _among(CALENDAR, _days(array, manner))


def _days(array: pa.Array, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return days_from_text(array, manner.dialect.date_order)
    if kinds.is_date(array.type):
        return days_from_dates(array), none_bad(array)
    if kinds.is_timestamp(array.type):
        return days_from_stamps(array, manner.zone), none_bad(array)
    return pa.nulls(len(array), pa.int32()), valid(array)


def _datetime(array: pa.Array, field: Field, manner: Manner) -> Converted:
    return _among(TIMELINE, _instants(array, manner))


def _instants(array: pa.Array, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return instants_from_text(array, manner.dialect.date_order, manner.zone)
    if kinds.is_timestamp(array.type):
        return instants_from_stamps(array, manner.zone), none_bad(array)
    if kinds.is_date(array.type):
        return instants_from_dates(array, manner.zone), none_bad(array)
    return pa.nulls(len(array), pa.int64()), valid(array)


def _among(existing: range, converted: Converted) -> Converted:
    """Days and instants that can be written again; the others do not fit."""
    values, bad = converted
    numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    outside = (numbers < existing.start) | (numbers >= existing.stop)
    return (without(values, outside), bad | outside) if outside.any() else converted


def _tags(array: pa.Array, field: Field, manner: Manner) -> Converted:
    if kinds.is_string(array.type):
        return split_tags(array, manner.separator or "|"), none_bad(array)
    if kinds.is_list(array.type) or kinds.is_large_list(array.type):
        texts = settled(array.flatten())
        if kinds.is_string(texts.type) or kinds.is_null(texts.type):
            return tidy_tags(pc.cast(array, pa.list_(pa.string()))), none_bad(array)
    return pa.nulls(len(array), pa.list_(pa.string())), valid(array)


_CONVERSIONS: dict[Type, Callable[[pa.Array, Field, Manner], Converted]] = {
    Type.TEXT: _text,
    Type.CHOICE: _choice,
    Type.NUMBER: _number,
    Type.FLOAT: _float,
    Type.BOOLEAN: _boolean,
    Type.DATE: _date,
    Type.DATETIME: _datetime,
    Type.TAGS: _tags,
}

WANTED: dict[Type, tuple[str, str]] = {
    Type.TEXT: ("bad-text", "text"),
    Type.CHOICE: ("unknown-option", "one of the options"),
    Type.NUMBER: ("bad-number", "a number"),
    Type.FLOAT: ("bad-number", "a number"),
    Type.BOOLEAN: ("bad-boolean", "true or false"),
    Type.DATE: ("bad-date", "a date such as 2026-06-30"),
    Type.DATETIME: ("bad-datetime", "a datetime such as 2026-06-30T14:00:05Z"),
    Type.TAGS: ("bad-tags", "a list of tags"),
}


def misfit(value: object, field: Field, manner: Manner) -> Problem:
    """Why a value does not fit its field."""
    code, wanted = WANTED[field.type]
    shown = f"'{value}'" if isinstance(value, str) else str(value)
    if field.type is Type.CHOICE:
        return Problem(code, f"{shown} is not an option of '{field.name}'", _closest(str(value), field.options))
    if field.type is Type.NUMBER and isinstance(value, (str, float, int)) and not isinstance(value, bool):
        return _misfit_number(str(value), shown, field, manner)
    if field.type in (Type.DATE, Type.DATETIME):
        return _misfit_moment(str(value), shown, field, manner)
    return Problem(code, f"{shown} is not {wanted}")


def _misfit_moment(text: str, shown: str, field: Field, manner: Manner) -> Problem:
    code, wanted = WANTED[field.type]
    order = manner.dialect.date_order
    hint = None if re.match(BEGINS_WITH_YEAR, text) else f"other dates are read {order.replace('_', ' ')}"
    fault = calendar_fault(text, order)
    return Problem(code, f"{shown} is not {wanted}" if fault is None else f"{shown} is no day: {fault}", hint)


def _misfit_number(text: str, shown: str, field: Field, manner: Manner) -> Problem:
    as_float = floats_from_text(pa.array([text]), manner.dialect)[0][0].as_py()
    if as_float is None:
        return Problem("bad-number", f"{shown} is not a number", f"the decimal mark is '{manner.dialect.decimal}'")
    if abs(as_float) * 10**field.decimals >= 2**63:
        return Problem("number-out-of-range", f"{shown} is too large for '{field.name}'")
    return Problem("too-many-decimals", f"{shown} has more decimals than '{field.name}' keeps ({field.decimals})")


def _closest(text: str, options: tuple[str, ...]) -> str:
    folded = {fold(option): option for option in options}
    close = difflib.get_close_matches(fold(text), folded, 1)
    return f"did you mean '{folded[close[0]]}'?" if close else f"the options are {', '.join(options)}"
