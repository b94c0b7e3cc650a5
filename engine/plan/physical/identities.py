"""Numbers that stand for values, equal where the values are: what is compared and counted instead of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import count

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from engine.deadline import still_wanted
from engine.native import kernel
from engine.plan.physical.numbers import Array
from engine.reading import Column


class Known:
    """The identities given out so far: the same value has the same one in every part and column, whoever asks.

    They are small, though some may be skipped when threads ask at the same time.
    """

    __slots__ = ("_given", "_next")

    def __init__(self) -> None:
        self._given: dict[Hashable, int] = {}
        self._next = count()

    def of(self, value: Hashable) -> int:
        known = self._given.get(value)
        return self._given.setdefault(value, next(self._next)) if known is None else known

    def of_all(self, values: Iterable[Hashable]) -> NDArray[np.int64]:
        return np.array([self.of(value) for value in values], np.int64)


def text_identities(
    column: Column, rows: NDArray[np.uint32], known: Known
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The identity of each row's folded text and where there is one; `known` grows by the texts it had not."""
    numbers, present = column.numbers(rows)
    still_wanted()
    codes = numbers.astype(np.int64, copy=False)
    most = int(codes.max(initial=-1, where=present))
    some_row = np.full(most + 1, -1, np.int64)
    _find_some_row(codes, present, rows, some_row)
    used = np.flatnonzero(some_row >= 0)
    identity = np.zeros(most + 1, np.int64)
    # Each text is read once.
    identity[used] = [known.of(fold(str(text))) for text in column.values(some_row[used].astype(np.uint32))]
    still_wanted()
    identities = np.zeros(rows.size, np.int64)
    _identify(codes, present, identity, identities)
    return identities, present


def tag_set_identities(
    column: Column, rows: NDArray[np.uint32], known: Known
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The identity of each row's set of folded tags, and where there is one."""
    sets = [frozenset(fold(tag) for tag in tags) if isinstance(tags, tuple) else None for tags in column.values(rows)]
    identities = [0 if tags is None else known.of(tags) for tags in sets]
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


@kernel("i8[]", "b1[]", "u4[]", "out i8[]")
def _find_some_row(
    codes: NDArray[np.int64], present: NDArray[np.bool_], rows: NDArray[np.uint32], some_row: NDArray[np.int64]
) -> None:
    """One of the rows of each code that is present."""
    for i in range(codes.size):
        if present[i]:
            some_row[codes[i]] = rows[i]


@kernel("i8[]", "b1[]", "i8[]", "out i8[]")
def _identify(
    codes: NDArray[np.int64],
    present: NDArray[np.bool_],
    identity: NDArray[np.int64],
    identities: NDArray[np.int64],
) -> None:
    """The identity of each code that is present."""
    for i in range(codes.size):
        if present[i]:
            identities[i] = identity[codes[i]]
