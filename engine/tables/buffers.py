"""Arrays that one writer appends to while readers hold prefixes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

FIRST_CAPACITY = 256
GROWTH = 2
"""An array that is full grows by one entry for so many."""


class Buffer:
    """A growing array. Entries below a length that a reader took are never moved or changed under that reader.

    Growth replaces `array` by a larger copy, so `array[:n]` is right for every `n` published so far.
    Entries not written yet hold `empty`.
    """

    __slots__ = ("array", "empty")

    def __init__(self, dtype: DTypeLike, empty: Any = 0) -> None:
        self.empty = empty
        self.array: NDArray[Any] = np.full(FIRST_CAPACITY, empty, dtype)

    @classmethod
    def of(cls, array: NDArray[Any]) -> Buffer:
        """A buffer that begins with these entries, which are not copied before it grows."""
        made = cls.__new__(cls)
        made.array, made.empty = array, 0
        return made

    def put(self, start: int, values: Any) -> None:
        """Write `values` at `start`, beyond every published length."""
        end = start + len(values)
        self._reserve(end)
        self.array[start:end] = values

    def _reserve(self, size: int) -> None:
        held = len(self.array)
        if size > held:
            grown = np.full(max(size, held + held // GROWTH, FIRST_CAPACITY), self.empty, self.array.dtype)
            grown[:held] = self.array
            self.array = grown

    def first(self, size: int) -> NDArray[Any]:
        """The first `size` entries, for readers: those never written are `empty`."""
        held = self.array
        if size <= len(held):
            return held[:size]
        return np.concatenate([held, np.full(size - len(held), self.empty, held.dtype)])
