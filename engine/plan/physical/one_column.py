"""Tests of terms that read one column alone: made once for each different value, then asked of the column's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Type
from dsl.typed import Part
from engine.bitmaps import Mask, Words, to_words
from engine.plan.physical.calendar import stretches
from engine.plan.physical.numbers import Numbers
from engine.plan.physical.operator import Context
from engine.plan.physical.space import Domain
from engine.plan.physical.terms import Combined, Constant, DatePart, MonthDay, Scaled, Term, Value, of_values
from engine.reading import Column, Intervals, Order

PIECES_WORTH = 4
"""A test is made of values when there are at least so many rows to each on average."""


@dataclass(frozen=True, slots=True, eq=False)
class Given(Term):
    """Values that are at hand, one at each place."""

    values: NDArray[Any]

    @property
    def label(self) -> str:
        return f"{len(self.values)} values"

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        return of_values(self.values, np.ones(domain.size, np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What a column's values are divided into: the values from `lows[i]` to `highs[i]` give the same."""

    lows: NDArray[Any]
    highs: NDArray[Any]

    def where(self, holds: Mask) -> Intervals:
        """The pieces for which something holds, those that follow one another as one."""
        edges = np.flatnonzero(np.diff(holds, prepend=False, append=False))
        return Intervals(self.lows[edges[0::2]], self.highs[edges[1::2] - 1])


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """The rows for which a test holds, as intervals of values; `beside` are the rows that the order does not tell."""

    order: Order
    intervals: Intervals
    beside: BitMap

    def count(self) -> int | None:
        """How many; None when some rows are beside the order."""
        return None if self.beside else self.order.count(self.intervals)

    def words(self) -> Words:
        """Those that the order tells, and perhaps some of those beside it."""
        words = self.order.words(self.intervals)
        if words is not None:
            return words
        found = self.order.matching(self.intervals)
        assert found is not None, "the order tells intervals"
        return to_words(found, len(self.order.data))


def column_of(term: Term) -> str | None:
    """The one column that a term reads; None when it reads several, or something else."""
    columns = set(_columns(term))
    return next(iter(columns)) if len(columns) == 1 else None


def _columns(term: Term) -> list[str | None]:
    match term:
        case Value(column):
            return [column]
        case Constant() | Combined() | Scaled() | DatePart() | MonthDay():
            return [column for part in term.inputs for column in _columns(part)]
        case _:
            return [None]


def decided(term: Term, holds: Callable[[Numbers], Mask], context: Context) -> Decided | None:
    """The rows for whose number something holds; None where that is not told by one column with an order."""
    name = column_of(term)
    column = None if name is None else context.space.column(name)
    known = None if column is None else column.by_value()
    if column is None or known is None:
        return None
    order, beside = known
    pieces = _pieces(term, column, order)
    if pieces is None:
        return None
    numbers = _given(term, pieces.lows).numbers(context, Domain(len(pieces.lows)))
    return Decided(order, pieces.where(holds(numbers)), beside)


def _pieces(term: Term, column: Column, order: Order) -> Pieces | None:
    """None when there are about as many as rows."""
    ends = order.ends
    if ends is None:
        return Pieces(order.data[:0], order.data[:0])
    if column.field.type is not Type.DATETIME:
        different = order.distinct
        return None if different is None else Pieces(different, different)
    found = _zone(term)
    if found is None:
        return None
    zone, finest = found
    if (ends[1] - ends[0]) // finest * PIECES_WORTH > len(order.data):
        return None
    begins = stretches(ends[0], ends[1], finest, zone)
    return Pieces(begins, np.append(begins[1:] - 1, ends[1]))


_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000


def _zone(term: Term) -> tuple[str, int] | None:
    """The zone in which a term reads days or hours of instants, and which of the two, in milliseconds."""
    match term:
        case DatePart(part, Value(), _, zone):
            return zone, _HOUR_MS if part is Part.HOUR else _DAY_MS
        case MonthDay(Value(), _, zone):
            return zone, _DAY_MS
        case Value():
            return None
        case _:
            found = [_zone(part) for part in term.inputs if not isinstance(part, Constant)]
            known = [each for each in found if each is not None]
            return (known[0][0], min(finest for _, finest in known)) if known and len(known) == len(found) else None


def _given(term: Term, values: NDArray[Any]) -> Term:
    """The term, of these values of its column."""
    match term:
        case Value():
            return Given(values)
        case Combined(_, left, right):
            return replace(term, left=_given(left, values), right=_given(right, values))
        case Scaled(inner) | DatePart(_, inner) | MonthDay(inner):
            return replace(term, term=_given(inner, values))
        case _:
            return term
