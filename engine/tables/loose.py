"""Loose columns: values without an index, tested by scanning.

They are what a tail shows to readers, and the form in which values travel: a sealed column comes from a loose one and
gives one back, so that merging is joining loose columns, choosing rows and sealing again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, Type, type_of_value
from dsl.typed import HasAll, HasAny, IsSet, OneOf, Range
from engine.bitmaps import Mask, Rows, below, to_array
from engine.reading import ColumnPredicate, Intervals
from engine.tables.columns import Numbers, Plain, scan
from engine.tables.dictionary import Dictionary
from engine.tables.holding import loose_texts
from engine.tables.keys import Keys

MISSING_INT = -(1 << 63)
"""Stands for a missing int64, as the least number of each narrower type does; validation keeps values above it.
A missing float is NaN."""


class LooseText(Plain):
    """Text or choice values as codes of a dictionary, `MISSING_CODE` for a missing one."""

    __slots__ = ("codes", "dictionary", "field")

    def __init__(self, field: Field, dictionary: Dictionary, codes: NDArray[Any]) -> None:
        self.field = field
        self.dictionary = dictionary
        self.codes = codes

    @property
    def size(self) -> int:
        return len(self.codes)

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        codes = self.codes if rows is None else self.codes[rows]
        if isinstance(predicate, IsSet):
            return codes >= 0
        return np.append(self.dictionary.select(predicate), False).take(codes)  # the code -1 reads the last entry

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        return scan(self, predicate, within)

    @property
    def searched(self) -> int:
        return len(self.dictionary)

    def estimate(self, predicate: ColumnPredicate) -> int:
        return guess(predicate, self.size, len(self.dictionary))

    def values(self, rows: Rows) -> list[type_of_value | None]:
        return list(self.dictionary.texts(self.codes[rows]))

    def value(self, row: int) -> type_of_value | None:
        code = int(self.codes[row])
        return None if code < 0 else self.dictionary.text(code)

    def numbers(self, rows: Rows) -> Numbers:
        codes = self.codes[rows]
        return np.append(self.dictionary.groups, MISSING_INT)[codes], codes >= 0

    def texts_like(self, typed: str, limit: int, rows: Mask | None = None) -> list[str]:
        """At most `limit` texts, of `rows` or of all, that fit what is typed (see `holding`)."""
        return loose_texts(self.dictionary, self.codes if rows is None else self.codes[rows], typed, limit)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        codes = self.codes[to_array(below(within, self.size))]
        return tally(self.dictionary, codes[codes >= 0])


class LooseNumbers(Plain):
    """Numbers, dates, datetimes, floats and booleans (as 0 and 1); whole numbers of any width, or float64."""

    __slots__ = ("_missing", "data", "field")

    def __init__(self, field: Field, data: NDArray[Any]) -> None:
        self.field = field
        self.data = data
        self._missing = missing_of(data.dtype)

    @property
    def size(self) -> int:
        return len(self.data)

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        data = self.data if rows is None else self.data[rows]
        return test_numbers(predicate, data)

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        return scan(self, predicate, within)

    @property
    def scanned(self) -> int:
        return self.size

    @property
    def searched(self) -> int:
        return 0

    def estimate(self, predicate: ColumnPredicate) -> int:
        return guess(predicate, self.size, 100)

    def values(self, rows: Rows) -> list[type_of_value | None]:
        return physical(self.field, *self.numbers(rows))

    def value(self, row: int) -> type_of_value | None:
        value: Any = self.data[row].item()
        if value != value or value == self._missing:
            return None
        return value == 1 if self.field.type is Type.BOOLEAN else value  # type: ignore[no-any-return]

    def numbers(self, rows: Rows) -> Numbers:
        data = self.data[rows]
        there = present(data)
        return (data if data.dtype.kind == "f" else data.astype(np.int64, copy=False)), there

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return count_numbers(self.field, *self.numbers(to_array(below(within, self.size))))


class LooseTags(Plain):
    """Sets of tags: row `i` has the codes `codes[starts[i]:starts[i + 1]]`."""

    __slots__ = ("codes", "dictionary", "field", "starts")

    def __init__(self, field: Field, dictionary: Dictionary, starts: NDArray[Any], codes: NDArray[Any]) -> None:
        self.field = field
        self.dictionary = dictionary
        self.starts = starts
        self.codes = codes

    @property
    def size(self) -> int:
        return len(self.starts) - 1

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        mask = self._test_all(predicate)
        return mask if rows is None else mask[rows]

    def _test_all(self, predicate: ColumnPredicate) -> Mask:
        match predicate:
            case IsSet():
                return np.diff(self.starts) > 0
            case HasAll(values):
                tests = [self._having(HasAny((value,))) for value in values]
                return np.logical_and.reduce(tests) if tests else np.diff(self.starts) > 0
            case _:
                return self._having(predicate)

    def _having(self, predicate: ColumnPredicate) -> Mask:
        """Rows with at least one tag that satisfies `predicate`."""
        found = self.dictionary.select(predicate)[self.codes]
        mask = np.zeros(self.size, np.bool_)
        mask[self.owners()[found]] = True
        return mask

    def owners(self) -> NDArray[np.int64]:
        """The row of each code."""
        return np.repeat(np.arange(self.size), np.diff(self.starts))

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        return scan(self, predicate, within)

    @property
    def searched(self) -> int:
        return 0

    def estimate(self, predicate: ColumnPredicate) -> int:
        return guess(predicate, self.size, len(self.dictionary))

    def values(self, rows: Rows) -> list[type_of_value | None]:
        starts, ends = self.starts[rows].tolist(), self.starts[rows.astype(np.int64) + 1].tolist()
        texts = self.dictionary.texts
        return [tuple(texts(self.codes[a:b])) if b > a else None for a, b in zip(starts, ends, strict=True)]  # type: ignore[arg-type]

    def value(self, row: int) -> type_of_value | None:
        codes = self.codes[self.starts[row] : self.starts[row + 1]].tolist()
        return tuple(map(self.dictionary.text, codes)) or None

    def numbers(self, rows: Rows) -> Numbers:
        raise TypeError("tags have no numbers")

    def texts_like(self, typed: str, limit: int, rows: Mask | None = None) -> list[str]:
        """At most `limit` tags, of `rows` or of all, that fit what is typed (see `holding`)."""
        codes = self.codes if rows is None else self.codes[rows[self.owners()]]
        return loose_texts(self.dictionary, codes, typed, limit)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        chosen = np.zeros(self.size, np.bool_)
        chosen[to_array(below(within, self.size))] = True
        return tally(self.dictionary, self.codes[chosen[self.owners()]])


Loose = LooseText | LooseNumbers | LooseTags | Keys


def guess(predicate: ColumnPredicate, size: int, distinct: int) -> int:
    """An estimate where there is no index to ask."""
    match predicate:
        case OneOf(values) | HasAny(values):
            return min(size, size * len(values) // max(1, distinct) + 1)
        case IsSet():
            return size
        case _:
            return size // 4 + 1


def missing_of(dtype: np.dtype[Any]) -> Any:
    """The number that stands for a missing value in arrays of `dtype`."""
    return np.nan if dtype.kind == "f" else int(np.iinfo(dtype).min)


def test_numbers(predicate: ColumnPredicate, data: NDArray[Any]) -> Mask:
    """Which entries of `data` satisfy `predicate`."""
    match predicate:
        case IsSet():
            return present(data)
        case OneOf(values):
            return _equal_to_any(data, values)
        case Range() if data.dtype.kind == "f":
            return _floats_between(data, *float_bounds(predicate))
        case Range():
            return _ints_between(data, *int_bounds(predicate))
        case Intervals(lows, highs):
            place = np.searchsorted(lows, data, "right")
            mask: Mask = (place > 0) & (data <= np.append(highs[:1], highs)[place]) & present(data)
            return mask
        case _:
            raise TypeError(f"{type(predicate).__name__} does not apply to numbers")


def intervals_of(predicate: ColumnPredicate, kind: np.dtype[Any]) -> Intervals | None:
    """The intervals of values that satisfy `predicate`, of a column of one kind; None when it is not about values."""
    floats = kind.kind == "f"
    match predicate:
        case Intervals():
            return predicate
        case Range() if floats:
            low, high = float_bounds(predicate)
            return _intervals([(-np.inf if low is None else low, np.inf if high is None else high)], np.float64)
        case Range():
            least, most = int_bounds(predicate)
            return _intervals([(_LEAST if least is None else least, _MOST if most is None else most)], np.int64)
        case OneOf(values):
            exact = sorted({float(value) if floats else int(value) for value in values})
            return _intervals([(value, value) for value in exact], np.float64 if floats else np.int64)
        case _:
            return None


_LEAST, _MOST = MISSING_INT + 1, -MISSING_INT - 1


def _intervals(ends: Sequence[tuple[Any, Any]], dtype: type[np.int64] | type[np.float64]) -> Intervals:
    """Intervals, cut to whole numbers that are values."""
    if dtype is np.int64:
        ends = [(max(low, _LEAST), min(high, _MOST)) for low, high in ends if low <= _MOST and high >= _LEAST]
    lows, highs = zip(*ends, strict=True) if ends else ((), ())
    return Intervals(np.array(lows, dtype), np.array(highs, dtype))


def present(data: NDArray[Any]) -> Mask:
    mask: Mask = ~np.isnan(data) if data.dtype.kind == "f" else data != missing_of(data.dtype)
    return mask


def _equal_to_any(data: NDArray[Any], values: tuple[Any, ...]) -> Mask:
    mask = np.zeros(len(data), np.bool_)
    for value in values:
        if data.dtype.kind == "f":
            mask |= data == float(value)
        elif missing_of(data.dtype) < value <= np.iinfo(data.dtype).max:
            mask |= data == int(value)
    return mask


def _ints_between(data: NDArray[Any], low: int | None, high: int | None) -> Mask:
    least, most = missing_of(data.dtype) + 1, int(np.iinfo(data.dtype).max)
    low = least if low is None else max(low, least)
    high = most if high is None else min(high, most)
    if low > high:
        return np.zeros(len(data), np.bool_)
    mask: Mask = data >= low
    if high < most:
        mask &= data <= high
    return mask


def _floats_between(data: NDArray[Any], low: float | None, high: float | None) -> Mask:
    mask: Mask = data >= (-np.inf if low is None else low)
    if high is not None:
        mask &= data <= high
    return mask


def int_bounds(wanted: Range) -> tuple[int | None, int | None]:
    """The least and the greatest whole number within `wanted`; None where it has no end."""
    low, high = wanted.low, wanted.high
    least = None if low is None else floor(low) + 1 if wanted.low_open else ceil(low)
    most = None if high is None else ceil(high) - 1 if wanted.high_open else floor(high)
    return least, most


def float_bounds(wanted: Range) -> tuple[float | None, float | None]:
    """The least and the greatest double within `wanted`; None where it has no end."""
    low, high = wanted.low, wanted.high
    least = most = None
    if low is not None:
        least = float(low)
        if least < low or (wanted.low_open and least == low):
            least = float(np.nextafter(least, np.inf))
    if high is not None:
        most = float(high)
        if most > high or (wanted.high_open and most == high):
            most = float(np.nextafter(most, -np.inf))
    return least, most


def physical(field: Field, data: NDArray[Any], there: Mask) -> list[type_of_value | None]:
    """Python values of numbers as `field` declares them."""
    values: list[Any] = data.tolist()
    if field.type is Type.BOOLEAN:
        values = [value == 1 for value in values]
    if there.all():
        return values
    return [value if held else None for value, held in zip(values, there.tolist(), strict=True)]


def count_numbers(field: Field, data: NDArray[Any], there: Mask) -> Mapping[type_of_value, int]:
    distinct, counts = np.unique(data[there], return_counts=True)
    values = physical(field, distinct, np.ones(len(distinct), np.bool_))
    return dict(zip(values, counts.tolist(), strict=True))  # type: ignore[arg-type]


def tally(dictionary: Dictionary, codes: NDArray[Any]) -> Mapping[type_of_value, int]:
    """How often each text of `dictionary` occurs among `codes`; those that never do are left out."""
    counted = np.bincount(codes)
    used = np.flatnonzero(counted)
    return dict(zip(dictionary.texts(used), counted[used].tolist(), strict=True))  # type: ignore[arg-type]
