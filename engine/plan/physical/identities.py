"""Numbers that stand for values, equal where the values are: what is compared and counted instead of them."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from engine.deadline import still_wanted
from engine.plan.physical.numbers import Array
from engine.reading import Column

Known = dict[Hashable, int]
"""The identities given out so far: the same value has the same one in every part and column."""


def text_identities(
    column: Column, rows: NDArray[np.uint32], known: Known
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The identity of each row's folded text and where there is one; `known` grows by the texts it had not."""
    codes, present = column.numbers(rows)
    still_wanted()
    identities = np.zeros(rows.size, np.int64)
    if present.any():
        still_wanted()
        held = codes[present].astype(np.int64)
        identities[present] = _of_codes(column, rows[present], held, known)[held]
    return identities, present


def _of_codes(column: Column, rows: NDArray[np.uint32], codes: NDArray[np.int64], known: Known) -> NDArray[np.int64]:
    """The identity of each code of the column that occurs in `rows`: each text is read once."""
    row_of_code = np.full(int(codes.max()) + 1, -1, np.int64)
    row_of_code[codes] = rows
    used = np.flatnonzero(row_of_code >= 0)
    for code, text in zip(used, column.values(row_of_code[used].astype(np.uint32)), strict=True):
        row_of_code[code] = known.setdefault(fold(str(text)), len(known))
    return row_of_code


def tag_set_identities(
    column: Column, rows: NDArray[np.uint32], known: Known
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The identity of each row's set of folded tags, and where there is one."""
    sets = [frozenset(fold(tag) for tag in tags) if isinstance(tags, tuple) else None for tags in column.values(rows)]
    identities = [0 if tags is None else known.setdefault(tags, len(known)) for tags in sets]
    return np.array(identities, np.int64), np.array([bool(tags) for tags in sets], np.bool_)


def compact(values: Array) -> NDArray[np.int64]:
    """Small numbers from 0, equal where the values are; at most four times as large as there are values."""
    if not values.size:
        return np.empty(0, np.int64)
    if values.dtype.kind != "f":
        low = int(values.min())
        if int(values.max()) - low < 4 * values.size:
            return values.astype(np.int64) - low
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)
