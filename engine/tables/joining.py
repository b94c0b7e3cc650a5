"""Loose columns made from Arrow arrays, from each other, and from chosen rows: how values travel between columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dsl.schema import Field, Type
from engine.tables.dictionary import MISSING_CODE
from engine.tables.groups import spans
from engine.tables.keys import Keys, is_key, joined_keys, no_keys
from engine.tables.loose import MISSING_INT, Loose, LooseNumbers, LooseTags, LooseText, missing_of
from engine.tables.sorted import ArrowDictionary
from engine.tables.texts import strings


def empty(field: Field, size: int) -> Loose:
    """A column of `size` missing values."""
    if is_key(field):
        return no_keys(field, size)
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return LooseText(field, ArrowDictionary(strings([])), np.full(size, MISSING_CODE, np.int32))
        case Type.TAGS:
            nothing = ArrowDictionary(strings([]))
            return LooseTags(field, nothing, np.zeros(size + 1, np.int64), np.zeros(0, np.int32))
        case Type.FLOAT:
            return LooseNumbers(field, np.full(size, np.nan))
        case _:
            return LooseNumbers(field, np.full(size, MISSING_INT, np.int64))


def from_arrow(field: Field, array: pa.Array) -> Loose:
    """The column of physical Arrow values (`formats.Batch.columns`), null where missing."""
    if is_key(field):
        return Keys(field, array)
    match field.type:
        case Type.TEXT | Type.CHOICE:
            exact, codes = _encoded(array)
            return LooseText(field, ArrowDictionary(exact), codes)
        case Type.TAGS:
            exact, codes = _encoded(array.flatten())
            lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
            return LooseTags(field, ArrowDictionary(exact), np.append(0, np.cumsum(lengths)), codes)
        case Type.FLOAT:
            return LooseNumbers(field, _filled(array.cast(pa.float64()), np.nan))
        case Type.BOOLEAN:
            return LooseNumbers(field, _filled(array.cast(pa.int8()).cast(pa.int64()), MISSING_INT))
        case Type.NUMBER | Type.DATE | Type.DATETIME:
            return LooseNumbers(field, _filled(array.cast(pa.int64()), MISSING_INT))


def _filled(array: pa.Array, missing: float) -> NDArray[Any]:
    filled: NDArray[Any] = pc.fill_null(array, missing).to_numpy(zero_copy_only=False)
    return filled


def _encoded(array: pa.StringArray) -> tuple[pa.StringArray, NDArray[np.int32]]:
    encoded = array.dictionary_encode()
    codes: NDArray[np.int32] = pc.fill_null(encoded.indices, MISSING_CODE).to_numpy(zero_copy_only=False)
    return encoded.dictionary, codes


def joined(field: Field, columns: Sequence[Loose]) -> Loose:
    """The rows of `columns`, which are all of the type of `field`, one column after the other."""
    if len(columns) == 1:
        return columns[0]
    if is_key(field):
        return joined_keys(field, [column for column in columns if isinstance(column, Keys)])
    match field.type:
        case Type.TEXT | Type.CHOICE:
            texts = [column for column in columns if isinstance(column, LooseText)]
            exact, codes = _shared([(column.dictionary.exact, column.codes) for column in texts])
            return LooseText(field, ArrowDictionary(exact), codes)
        case Type.TAGS:
            sets = [column for column in columns if isinstance(column, LooseTags)]
            exact, codes = _shared([(column.dictionary.exact, column.codes) for column in sets])
            lengths = np.concatenate([np.diff(column.starts) for column in sets])
            return LooseTags(field, ArrowDictionary(exact), np.append(0, np.cumsum(lengths)), codes)
        case _:
            return LooseNumbers(field, np.concatenate([_wide(column) for column in columns]))


def _shared(coded: list[tuple[pa.StringArray, NDArray[Any]]]) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """One dictionary for all, and all codes in it."""
    exact, renamed = _encoded(pa.concat_arrays([exact for exact, _ in coded]))
    begin = 0
    codes = []
    for texts, old in coded:
        codes.append(np.append(renamed[begin : begin + len(texts)], np.int32(MISSING_CODE)).take(old))
        begin += len(texts)
    return exact, np.concatenate(codes)


def _wide(column: Loose) -> NDArray[Any]:
    assert isinstance(column, LooseNumbers)
    data = column.data
    if data.dtype.kind == "f" or data.dtype == np.int64:
        return data
    return np.where(data == missing_of(data.dtype), MISSING_INT, data.astype(np.int64))


def taken(column: Loose, rows: NDArray[np.int64]) -> Loose:
    """The values of `rows` in that order; -1 stands for a missing value."""
    match column:
        case LooseText():
            return LooseText(
                column.field, column.dictionary, np.append(column.codes, column.codes.dtype.type(-1))[rows]
            )
        case LooseNumbers():
            data = column.data
            return LooseNumbers(column.field, np.append(data, np.array([missing_of(data.dtype)], data.dtype))[rows])
        case LooseTags():
            starts = column.starts.astype(np.int64, copy=False)
            begin, end = starts[rows], starts[rows + 1]
            begin = np.where(rows < 0, 0, begin)
            end = np.where(rows < 0, 0, end)
            ends = np.append(0, np.cumsum(end - begin))
            return LooseTags(column.field, column.dictionary, ends, column.codes[spans(begin, end)])
        case Keys():
            return column.taken(rows)
        case _:
            raise TypeError(f"{type(column).__name__} is not a loose column")
