"""What the values of a sample are: one type a column, kept only when every value fits it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dsl.schema import Type
from formats.inferred import DateOrder, Dialect
from formats.instants import ISO_DATE, ISO_DATETIME, SHORT, WRITTEN, YEAR_FIRST, ZONED, instants_from_text
from formats.numbers import decimals_of, floats_from_text, mask_of, plain, scaled_from_text

MOST_DECIMALS = 6
BOOLEAN_WORDS = r"(?i)^(true|false|yes|no|oui|non|vrai|faux)$"
ADDRESS = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
LIKE_A_NAME = r"^([+-]?0\d|\+\d{7})"
"""Leading zeros and international telephone numbers: digits that count nothing."""

STYLES: tuple[tuple[str, str], ...] = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
"""(decimal mark, thousands separator), the likeliest first."""

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Guess:
    type: Type
    decimals: int | None = None


TEXT = Guess(Type.TEXT)


def distinct_texts(array: pa.Array) -> pa.StringArray:
    """The distinct values of a text column, trimmed, without empty ones."""
    texts = pc.unique(pc.utf8_trim_whitespace(array.drop_null()))
    return texts.filter(pc.not_equal(texts, ""))


def all_match(texts: pa.StringArray, shape: str) -> bool:
    return bool(len(texts)) and bool(mask_of(pc.match_substring_regex(texts, shape)).all())


def any_match(texts: pa.StringArray, shape: str) -> bool:
    return bool(mask_of(pc.match_substring_regex(texts, shape)).any())


def guess_text(texts: pa.StringArray, dialect: Dialect) -> Guess:
    """The type of a column of text (a CSV one), by its distinct values."""
    if not len(texts):
        return TEXT
    if all_match(texts, BOOLEAN_WORDS):
        return Guess(Type.BOOLEAN)
    moment = guess_moment(texts, dialect)
    if moment is not None:
        return moment
    return guess_number(texts, dialect) or TEXT


def guess_moment(texts: pa.StringArray, dialect: Dialect) -> Guess | None:
    """Date when no value has a time of day, datetime when one has; None when a value is neither."""
    shapes = (ISO_DATETIME, ZONED, WRITTEN[dialect.date_order], YEAR_FIRST, *SHORT[dialect.date_order])
    if not all_match(texts, "|".join(f"(?:{re.sub(r'[?]P<[a-zA-Z]>', '?:', shape)})" for shape in shapes)):
        return None
    if instants_from_text(texts, dialect.date_order, _UTC)[1].any():
        return None
    return Guess(Type.DATETIME) if any_match(texts, ":") else Guess(Type.DATE)


def guess_number(texts: pa.StringArray, dialect: Dialect) -> Guess | None:
    """A number with as many decimals as were seen, a float when they are too many; None when a value is neither."""
    if any_match(texts, LIKE_A_NAME):
        return None
    simple = plain(texts, dialect)
    if all_match(simple, r"^[+-]?(\d+\.?\d*|\.\d+)$"):
        fractions = pc.replace_substring_regex(simple, r"^[^.]*\.?", "")
        decimals = int(pc.max(pc.utf8_length(fractions)).as_py())
        if decimals <= MOST_DECIMALS and not scaled_from_text(texts, decimals, dialect)[1].any():
            return Guess(Type.NUMBER, decimals)
        if not decimals:
            return None
    return None if floats_from_text(texts, dialect)[1].any() else Guess(Type.FLOAT)


def header_like_data(header: str, below: pa.StringArray, dialect: Dialect) -> bool:
    """Whether a header looks like the distinct values below it: an address, a number, a date, or one of their words.

    A year may well be a header.
    """
    name = pa.array([header])
    if all_match(name, r"^(19|20)\d\d$") or not header or not len(below):
        return False
    if all_match(name, ADDRESS):
        return True
    type_ = guess_text(name, dialect).type
    return type_ is not Type.TEXT and type_ is guess_text(below, dialect).type


def number_style(columns: Iterable[pa.StringArray], dialect: Dialect) -> tuple[str, str]:
    """The style under which most columns are numbers; among equals the likelier for the file's delimiter."""
    with_digits = [texts for texts in columns if all_match(texts, r"^[+-]?[\d.,' \x{a0}\x{202f}]+$")]
    ranked = sorted(
        STYLES,
        key=lambda style: (style == (".", ","), False) if dialect.delimiter != "," else (False, style == (",", "")),
    )

    def numbers(style: tuple[str, str]) -> int:
        manner = replace(dialect, decimal=style[0], thousands=style[1])
        return sum(guess_number(texts, manner) is not None for texts in with_digits)

    return max(ranked, key=numbers)


def date_order(columns: Iterable[pa.StringArray], dialect: Dialect) -> tuple[DateOrder, bool]:
    """The order under which most columns are dates, and whether the other would do as well.

    A tie is settled day first.
    """
    written = [texts for texts in columns if any_match(texts, r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}")]

    def dates(order: DateOrder) -> int:
        return sum(guess_moment(texts, replace(dialect, date_order=order)) is not None for texts in written)

    day, month = dates(DateOrder.DAY_FIRST), dates(DateOrder.MONTH_FIRST)
    return (DateOrder.MONTH_FIRST if month > day else DateOrder.DAY_FIRST), day == month > 0


def guess_arrow(array: pa.Array) -> Guess | None:
    """The type of a column that has one already (Parquet's or JSON's); None when no field can hold it."""
    type_ = array.type
    if kinds.is_string(type_):
        return TEXT
    if kinds.is_boolean(type_):
        return Guess(Type.BOOLEAN)
    if kinds.is_integer(type_):
        return Guess(Type.NUMBER, 0)
    if kinds.is_floating(type_):
        decimals = decimals_of(array, MOST_DECIMALS)
        return Guess(Type.FLOAT) if decimals is None else Guess(Type.NUMBER, decimals)
    if kinds.is_decimal(type_):
        return Guess(Type.NUMBER, type_.scale) if 0 <= type_.scale <= MOST_DECIMALS else Guess(Type.FLOAT)
    if kinds.is_date(type_):
        return Guess(Type.DATE)
    if kinds.is_timestamp(type_):
        return Guess(Type.DATETIME)
    if kinds.is_list(type_) or kinds.is_large_list(type_):
        inner = type_.value_type
        return Guess(Type.TAGS) if kinds.is_string(inner) or kinds.is_large_string(inner) else None
    return TEXT if kinds.is_null(type_) else None


def iso_moment(texts: pa.StringArray) -> Guess:
    """Dates and datetimes among JSON strings, which are text otherwise."""
    if all_match(texts, ISO_DATE) or all_match(texts, rf"{ISO_DATETIME}|{ZONED}"):
        return guess_moment(texts, Dialect()) or TEXT
    return TEXT


def tag_separator(texts: pa.StringArray) -> str:
    """What parts the tags of a column's cells: the most frequent of the usual separators."""
    counts = [pc.sum(pc.count_substring(texts, mark)).as_py() or 0 for mark in "|;,"]
    return "|;,"[counts.index(max(counts))]
