"""Contacts by time: which contacts have an event in a window, as a few dozen unions whatever its length."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Rows, from_rows, union
from engine.tables.shelf import Shelf
from storage import Array

DAY = 86_400_000
FAN = 4
"""Each level covers so many spans of the level below: 1, 4, 16, 64… days."""
FINEST = 4
CROWDED = 1 << 13
"""Where days hold more events than this, the first level has spans of a quarter of a day, or of a quarter of that…,
up to `FINEST` times, so that what lies at the edges of a window is soon looked through."""


@dataclass(frozen=True, slots=True)
class Level:
    """Contacts of each span of this level that has events; `spans` ascend and number units // FAN**level."""

    spans: list[int]
    shelf: Shelf

    def between(self, first: int, last: int) -> list[BitMap]:
        """The bitmaps of spans first <= span < last."""
        low, high = bisect_left(self.spans, first), bisect_left(self.spans, last)
        return [self.shelf[number] for number in range(low, high)]


class TimeIndex:
    """Levels from single units (milliseconds: a day or a fraction of it) up to one that has at most two spans: those
    on both sides of 1970 never meet."""

    __slots__ = ("_everyone", "_levels", "unit")

    def __init__(self, unit: int, levels: list[Level]) -> None:
        self.unit = unit
        self._levels = levels
        self._everyone: BitMap | None = None

    @classmethod
    def of(cls, contacts: Rows, at: NDArray[np.int64]) -> TimeIndex:
        """Index events whose moments `at` ascend."""
        unit = _unit(at)
        units = at // unit
        first = np.flatnonzero(np.append(True, units[1:] != units[:-1]))
        edges = np.append(first, len(units)).tolist()
        bitmaps = [from_rows(contacts[low:high]) for low, high in pairwise(edges)]
        levels = list(_levels(units[first], bitmaps))
        return cls(unit, [Level(spans.tolist(), Shelf.of(rows)) for spans, rows in levels])

    @property
    def everyone(self) -> BitMap:
        """Contacts of all events."""
        if self._everyone is None:
            shelf = self._levels[-1].shelf
            self._everyone = union([shelf[number] for number in range(len(shelf))])
        return self._everyone

    def between(self, first: int, last: int) -> list[BitMap]:
        """Bitmaps whose union is the contacts of units first <= unit < last: few of each level, the widest that fit."""
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
        levels = {
            f"{number}.{name}": array
            for number, level in enumerate(self._levels)
            for name, array in ({"spans": np.array(level.spans, np.int64)} | level.shelf.arrays()).items()
        }
        return {"unit": np.array([self.unit]), **levels}

    @classmethod
    def opened(cls, arrays: dict[str, Any]) -> TimeIndex:
        levels: list[Level] = []
        while (spans := arrays.get(f"{len(levels)}.spans")) is not None:
            prefix = f"{len(levels)}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            levels.append(Level(spans.tolist(), Shelf.opened(own)))
        return cls(int(arrays["unit"][0]), levels)


def _unit(at: NDArray[np.int64]) -> int:
    """The length of the spans of the first level, for moments that ascend."""
    unit = DAY
    while unit > DAY // FAN**FINEST and len(at) > CROWDED * ((int(at[-1]) - int(at[0])) // unit + 1):
        unit //= FAN
    return unit


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
