"""The moment of events, read as a column so that conditions on events may ask about `at`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import EVENT_SYSTEM_FIELDS, Field, type_of_value
from dsl.typed import IsSet, OneOf, Range
from engine.bitmaps import to_array
from engine.reading import ColumnPredicate, EventPart
from engine.tables.columns import Plain


@dataclass(frozen=True, slots=True)
class MomentColumn(Plain):
    """The column `at` of a part: never missing, and answered by the part's order in time."""

    part: EventPart

    @property
    def field(self) -> Field:
        return EVENT_SYSTEM_FIELDS["at"]

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        found = BitMap()
        for start, end in self._stretches(predicate):
            found |= BitMap(self.part.rows_between(start, end))
        return found if within is None else found & within

    def estimate(self, predicate: ColumnPredicate) -> int:
        return sum(self.part.estimate_between(start, end) for start, end in self._stretches(predicate))

    @property
    def searched(self) -> int:
        return 0

    def values(self, rows: NDArray[np.uint32]) -> list[type_of_value | None]:
        return list(self.part.at[rows].tolist())

    def value(self, row: int) -> type_of_value | None:
        return int(self.part.at[row])

    def numbers(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return self.part.at[rows], np.ones(rows.size, np.bool_)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return Counter(self.part.at[to_array(within)].tolist())

    def _stretches(self, predicate: ColumnPredicate) -> list[tuple[int | None, int | None]]:
        """The half-open stretches of whole milliseconds that satisfy the predicate."""
        match predicate:
            case IsSet():
                return [(None, None)]
            case Range(int() | None as low, int() | None as high, False, False):
                return [(low, None if high is None else high + 1)]
            case OneOf(values):
                return [(value, value + 1) for value in values if isinstance(value, int)]
            case _:
                raise TypeError(f"moments do not answer {predicate}")
