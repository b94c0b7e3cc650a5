"""Tail columns: values appended by the single writer, read as loose columns of a given length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np

from dsl.schema import Field, Type
from engine.tables.buffers import Buffer
from engine.tables.dictionary import MISSING_CODE, GrowingDictionary, Prefix
from engine.tables.keys import KeysTail, is_key
from engine.tables.loose import MISSING_INT, Loose, LooseNumbers, LooseTags, LooseText


class TailColumn(Protocol):
    """Appendable values. What lies between the last write and a later start is missing."""

    @property
    def end(self) -> int:
        """One past the last entry written."""

    def put(self, start: int, values: Sequence[Any]) -> None:
        """Write physical values (None where missing) at `start`, which is not before `end`."""

    def view(self, field: Field, size: int) -> Loose:
        """The first `size` entries, which the writer has finished."""


def tail_column(field: Field) -> TailColumn:
    """An empty tail column for values of `field`."""
    if is_key(field):
        return KeysTail()
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return TextTail()
        case Type.TAGS:
            return TagsTail()
        case Type.FLOAT:
            return NumberTail(np.float64, np.nan)
        case Type.NUMBER | Type.BOOLEAN | Type.DATE | Type.DATETIME:
            return NumberTail(np.int64, MISSING_INT)


class TextTail:
    __slots__ = ("codes", "dictionary", "end")

    def __init__(self) -> None:
        self.dictionary = GrowingDictionary()
        self.codes = Buffer(np.int32, MISSING_CODE)
        self.end = 0

    def put(self, start: int, values: Sequence[Any]) -> None:
        self.codes.put(start, self.dictionary.encode(values))
        self.end = start + len(values)

    def view(self, field: Field, size: int) -> Loose:
        codes = self.codes.first(size)
        return LooseText(field, Prefix(self.dictionary, int(codes.max(initial=-1)) + 1), codes)


class NumberTail:
    __slots__ = ("data", "end")

    def __init__(self, dtype: type[np.int64] | type[np.float64], missing: float) -> None:
        self.data = Buffer(dtype, missing)
        self.end = 0

    def put(self, start: int, values: Sequence[Any]) -> None:
        missing = self.data.empty
        self.data.put(start, [missing if value is None else value for value in values])
        self.end = start + len(values)

    def view(self, field: Field, size: int) -> Loose:
        return LooseNumbers(field, self.data.first(size))


class TagsTail:
    """`ends[i]` is where the codes of row `i` end; -1 for rows passed over, which have none."""

    __slots__ = ("codes", "dictionary", "end", "ends")

    def __init__(self) -> None:
        self.dictionary = GrowingDictionary()
        self.ends = Buffer(np.int64, -1)
        self.codes = Buffer(np.int32)
        self.end = 0

    def put(self, start: int, values: Sequence[Any]) -> None:
        sets = [value or () for value in values]
        held = int(self.ends.array[self.end - 1]) if self.end else 0
        self.codes.put(held, self.dictionary.encode(list(chain.from_iterable(sets))))
        self.ends.put(start, held + np.cumsum([len(tags) for tags in sets]))
        self.end = start + len(values)

    def view(self, field: Field, size: int) -> Loose:
        starts = np.zeros(size + 1, np.int64)
        np.maximum.accumulate(self.ends.first(size), out=starts[1:])
        np.maximum(starts, 0, out=starts)
        codes = self.codes.array[: starts[-1]]
        return LooseTags(field, Prefix(self.dictionary, int(codes.max(initial=-1)) + 1), starts, codes)
