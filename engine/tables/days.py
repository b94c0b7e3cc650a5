"""Contacts by day: which contacts have an event in a window, as a few dozen unions whatever its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Rows, from_rows
from engine.tables.shelf import Shelf, union
from storage import Array

DAY = 86_400_000
FAN = 4
"""Each level covers so many spans of the level below: 1, 4, 16, 64… days."""


@dataclass(frozen=True, slots=True)
class Level:
    """Contacts of each span of this level that has events; `spans` ascend and number days // FAN**level."""

    spans: NDArray[np.int32]
    shelf: Shelf

    def between(self, first: int, last: int) -> list[BitMap]:
        """The bitmaps of spans first <= span < last."""
        low, high = np.searchsorted(self.spans, (first, last))
        return [self.shelf[number] for number in range(low, high)]


class DayIndex:
    """Levels from single days up to one that has at most two spans: those on both sides of 1970 never meet."""

    __slots__ = ("_everyone", "_levels")

    def __init__(self, levels: list[Level]) -> None:
        self._levels = levels
        self._everyone: BitMap | None = None

    @classmethod
    def of(cls, contacts: Rows, at: NDArray[np.int64]) -> DayIndex:
        """Index events whose moments `at` ascend."""
        days = at // DAY
        first = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
        edges = np.append(first, len(days)).tolist()
        bitmaps = [from_rows(contacts[low:high]) for low, high in pairwise(edges)]
        levels = list(_levels(days[first], bitmaps))
        return cls([Level(spans.astype(np.int32), Shelf.of(rows)) for spans, rows in levels])

    @property
    def everyone(self) -> BitMap:
        """Contacts of all events."""
        if self._everyone is None:
            shelf = self._levels[-1].shelf
            self._everyone = union([shelf[number] for number in range(len(shelf))])
        return self._everyone

    def between(self, first: int, last: int) -> list[BitMap]:
        """Bitmaps whose union is the contacts of days first <= day < last."""
        found: list[BitMap] = []
        for level in self._levels[:-1]:
            if first >= last:
                return found
            inner_first, inner_last = -(-first // FAN), last // FAN
            if inner_first >= inner_last:
                return found + level.between(first, last)
            found += level.between(first, inner_first * FAN)
            found += level.between(inner_last * FAN, last)
            first, last = inner_first, inner_last
        return found + self._levels[-1].between(first, last)

    def arrays(self) -> dict[str, Array]:
        return {
            f"{number}.{name}": array
            for number, level in enumerate(self._levels)
            for name, array in ({"spans": level.spans} | level.shelf.arrays()).items()
        }

    @classmethod
    def opened(cls, arrays: dict[str, Any]) -> DayIndex:
        levels: list[Level] = []
        while (spans := arrays.get(f"{len(levels)}.spans")) is not None:
            prefix = f"{len(levels)}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            levels.append(Level(spans, Shelf.opened(own)))
        return cls(levels)


def _levels(spans: NDArray[np.int64], bitmaps: list[BitMap]) -> Iterator[tuple[NDArray[np.int64], list[BitMap]]]:
    """The spans and bitmaps of each level, the first being given."""
    while True:
        yield spans, bitmaps
        if len(spans) <= 2:
            return
        wider = spans // FAN
        first = np.flatnonzero(np.append(True, wider[1:] != wider[:-1]))
        edges = np.append(first, len(wider)).tolist()
        bitmaps = [union(bitmaps[low:high]) for low, high in pairwise(edges)]
        spans = wider[first]
