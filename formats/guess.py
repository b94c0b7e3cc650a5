"""What the values of a sample are: one type a column, kept when every value fits it, or all but few."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dsl.schema import Type
from formats.inferred import DateOrder, Dialect
from formats.instants import ISO_DATETIME, SHORT, WRITTEN, YEAR_FIRST, ZONED, instants_from_text
from formats.numbers import Mask, decimals_of, floats_from_text, mask_of, plain, scaled_from_text, without

MOST_DECIMALS = 6
BOOLEAN_WORDS = r"(?i)^(true|false|yes|no|oui|non|vrai|faux)$"
ADDRESS = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)$"
DIGITS = r"^[+-]?[\d.,' \x{a0}\x{202f}]+$"
LIKE_A_NAME = r"^([+-]?0\d|\+\d{7})"
"""Leading zeros and international telephone numbers: digits that count nothing."""
LIKE_A_CODE = r"\d.*\pL|\pL.*\d|\d[-/:_]\d"
"""Digits beside letters, or parted by signs, such as 2A, C536379 and 18-25: the numbers among these count nothing."""

FEW, ALONE = 20, 4
"""A type holds for a column when at most one row in `FEW` does not fit it, or a single one of at least `ALONE`.

Rows that do not fit are told one by one and can be mended; a field of text would stay one.
"""

STYLES: tuple[tuple[str, str], ...] = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
"""(decimal mark, thousands separator), the likeliest first."""

ISO = (ISO_DATETIME, ZONED)

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The distinct values of a text column, trimmed, without empty ones, and how many rows have each."""

    texts: pa.StringArray
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, array: pa.StringArray) -> Values:
        counted = pc.value_counts(pc.utf8_trim_whitespace(array.drop_null()))
        texts, counts = counted.field("values"), counted.field("counts").to_numpy()
        return cls(texts, counts).where(mask_of(pc.not_equal(texts, "")))

    def where(self, chosen: Mask) -> Values:
        """The values chosen."""
        return self if chosen.all() else Values(self.texts.filter(pa.array(chosen)), self.counts[chosen])

    @property
    def rows(self) -> int:
        return int(self.counts.sum())


@dataclass(frozen=True, slots=True)
class Guess:
    """The type that most rows fit: of `rows` with a value, `misfits` have one that does not, `misfit` among them.

    It is that of the column when it is `settled`.
    """

    type: Type
    decimals: int | None = None
    rows: int = 0
    misfits: int = 0
    misfit: str | None = None
    settled: bool = True


TEXT = Guess(Type.TEXT)


def distinct_texts(array: pa.Array) -> pa.StringArray:
    """The distinct values of a text column, trimmed, without empty ones."""
    return Values.of(array).texts


def all_match(texts: pa.StringArray, shape: str) -> bool:
    return bool(len(texts)) and bool(mask_of(pc.match_substring_regex(texts, shape)).all())


def any_match(texts: pa.StringArray, shape: str) -> bool:
    return bool(mask_of(pc.match_substring_regex(texts, shape)).any())


def guess_text(values: Values, dialect: Dialect) -> Guess:
    """What a column of text (a CSV one) is taken for, or would be, were it not for too many misfits."""
    if all_match(values.texts, BOOLEAN_WORDS):
        return Guess(Type.BOOLEAN)
    found = [guess_moment(values, written_in(dialect), dialect), guess_number(values, dialect)]
    return next((guess for guess in found if guess is not None), TEXT)


def guess_moment(values: Values, shapes: Sequence[str], dialect: Dialect) -> Guess | None:
    """Date when no value has a time of day, datetime when one has; None when most are neither.

    Where every value is written like one, most make it settled: 30 February is meant to be a day.
    """
    any_shape = "|".join(f"(?:{re.sub(r'[?]P<[a-zA-Z]>', '?:', shape)})" for shape in shapes)
    shaped = mask_of(pc.match_substring_regex(values.texts, any_shape))
    if 2 * values.where(shaped).rows <= values.rows:
        return None
    missing = instants_from_text(without(values.texts, ~shaped), dialect.date_order, _UTC)[1]
    guess = _of_most(values, shaped & ~missing, _moment)
    return guess if guess is None else replace(guess, settled=guess.settled or bool(shaped.all()))


def written_in(dialect: Dialect) -> tuple[str, ...]:
    """The shapes that dates and datetimes have in a CSV file."""
    return (*ISO, WRITTEN[dialect.date_order], YEAR_FIRST, *SHORT[dialect.date_order])


def _moment(texts: pa.StringArray) -> Guess:
    return Guess(Type.DATETIME if any_match(texts, ":") else Type.DATE)


def guess_number(values: Values, dialect: Dialect) -> Guess | None:
    """A number with as many decimals as were seen, a float when they are too many; None when most are neither."""
    if any_match(values.texts, LIKE_A_NAME):
        return None
    simple = plain(values.texts, dialect)
    fits = mask_of(pc.match_substring_regex(simple, PLAIN))
    if not fits.all():
        fits = ~floats_from_text(simple, Dialect())[1]
    guess = _of_most(values, fits, lambda texts: _number(plain(texts, dialect)))
    codes = guess is not None and guess.misfits and any_match(values.where(~fits).texts, LIKE_A_CODE)
    return replace(guess, settled=False) if guess is not None and codes else guess


def _number(texts: pa.StringArray) -> Guess | None:
    """The type of plain numbers; none holds whole ones of so many digits."""
    if not all_match(texts, PLAIN):
        return Guess(Type.FLOAT)
    fractions = pc.replace_substring_regex(texts, r"^[^.]*\.?", "")
    decimals = int(pc.max(pc.utf8_length(fractions)).as_py())
    if decimals <= MOST_DECIMALS and not scaled_from_text(texts, decimals, Dialect())[1].any():
        return Guess(Type.NUMBER, decimals)
    return Guess(Type.FLOAT) if decimals else None


def _of_most(values: Values, fits: Mask, type_of: Callable[[pa.StringArray], Guess | None]) -> Guess | None:
    """The guess made of the values that fit; None when they are not those of most rows."""
    fitting = values.where(fits)
    misfits = values.rows - fitting.rows
    guess = type_of(fitting.texts) if 2 * misfits < values.rows else None
    if guess is None or not misfits:
        return guess if guess is None else replace(guess, rows=values.rows)
    few = FEW * misfits <= values.rows or (misfits == 1 and values.rows >= ALONE)
    return replace(guess, rows=values.rows, misfits=misfits, misfit=values.where(~fits).texts[0].as_py(), settled=few)


def header_like_data(header: str, below: Values, dialect: Dialect) -> bool:
    """Whether a header looks like the values below it: an address, a number, a date, or one of their words.

    A year may well be a header.
    """
    name = pa.array([header])
    if all_match(name, r"^(19|20)\d\d$") or not header or not len(below.texts):
        return False
    if all_match(name, ADDRESS):
        return True
    type_ = guess_text(Values.of(name), dialect).type
    return type_ is not Type.TEXT and type_ is guess_text(below, dialect).type


def number_style(columns: Iterable[Values], dialect: Dialect) -> tuple[str, str]:
    """The style under which most columns are numbers, then most values; among equals the likelier for the delimiter."""
    with_digits = [
        values
        for values in columns
        if 2 * values.where(mask_of(pc.match_substring_regex(values.texts, DIGITS))).rows > values.rows
    ]
    ranked = sorted(
        STYLES,
        key=lambda style: (style == (".", ","), False) if dialect.delimiter != "," else (False, style == (",", "")),
    )

    def numbers(style: tuple[str, str]) -> tuple[int, int]:
        manner = replace(dialect, decimal=style[0], thousands=style[1])
        return _agreeing(guess_number(values, manner) for values in with_digits)

    return max(ranked, key=numbers)


def date_order(columns: Iterable[Values], dialect: Dialect) -> tuple[DateOrder, bool]:
    """The order under which most columns are dates, then most values, and whether the other would do as well.

    A tie is settled day first.
    """
    written = [values for values in columns if any_match(values.texts, r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}")]

    def dates(order: DateOrder) -> tuple[int, int]:
        manner = replace(dialect, date_order=order)
        return _agreeing(guess_moment(values, written_in(manner), manner) for values in written)

    day, month = dates(DateOrder.DAY_FIRST), dates(DateOrder.MONTH_FIRST)
    return (DateOrder.MONTH_FIRST if month > day else DateOrder.DAY_FIRST), day == month > (0, 0)


def _agreeing(guesses: Iterable[Guess | None]) -> tuple[int, int]:
    """How many columns have a type that is settled, and how many rows fit it."""
    settled = [guess for guess in guesses if guess is not None and guess.settled]
    return len(settled), sum(guess.rows - guess.misfits for guess in settled)


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


def iso_moment(values: Values) -> Guess:
    """Dates and datetimes among JSON strings, which are text otherwise."""
    return guess_moment(values, ISO, Dialect()) or TEXT


def tag_separator(texts: pa.StringArray) -> str:
    """What parts the tags of a column's cells: the most frequent of the usual separators."""
    counts = [pc.sum(pc.count_substring(texts, mark)).as_py() or 0 for mark in "|;,"]
    return "|;,"[counts.index(max(counts))]
