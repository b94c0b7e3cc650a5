"""Aggregates: one number per contact over selected events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.typed import AggregateFunction
from engine.counting import add_each, count_type
from engine.plan.physical import costs
from engine.plan.physical.distinct import distinct, distinct_cost
from engine.plan.physical.edges import edges
from engine.plan.physical.numbers import Array, Numbers, largest
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Picked, Places, Selection
from engine.plan.physical.space import Domain
from engine.plan.physical.terms import Term, nothing

_INT32 = 1 << 31
_INT64 = 1 << 63

Piece = tuple[Places, Array]
"""Places of a domain and a value for each."""


@dataclass(frozen=True, slots=True)
class Measure(Term):
    """An aggregate function of selected events, or of a property of theirs."""

    function: AggregateFunction
    events: Selection
    column: str | None = None
    decimals: int = 0

    @property
    def label(self) -> str:
        of = "" if self.column is None else f"{self.column} of "
        return f"{self.function}({of}{self.events.label}{' where' if self.events.where else ''})"

    @property
    def selections(self) -> tuple[Selection, ...]:
        return (self.events,)

    @property
    def _property(self) -> str:
        if self.column is None:
            raise TypeError(f"{self.function} is of a property")
        return self.column

    @property
    def is_quotient(self) -> bool:
        return self.function is AggregateFunction.AVG

    def cost(self, context: Context, places: float) -> float:
        if self.function is AggregateFunction.COUNT:
            return self.events.counting_cost(context, places)
        each = self._cost_of_event(context, places) * self.events.among(context, places)
        return self.events.cost(context, places) + each + costs.TERM * places

    def _cost_of_event(self, context: Context, places: float) -> float:
        match self.function:
            case AggregateFunction.DISTINCT:
                return distinct_cost(self.events, self._property, context, places)
            case AggregateFunction.FIRST | AggregateFunction.LAST if self.column is not None:
                return costs.EDGE
            case _:
                return costs.SUMMED

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        match self.function:
            case AggregateFunction.COUNT:
                return Numbers(self.events.counts(context, domain).astype(np.int64), _all(domain))
            case AggregateFunction.SUM:
                most = self.events.most(context.version)
                return Numbers(_sums(self._values(context, domain), domain, most), _all(domain))
            case AggregateFunction.AVG:
                return self._average(context, domain)
            case AggregateFunction.MIN | AggregateFunction.MAX:
                return _extremes(self._values(context, domain), domain, self.function is AggregateFunction.MAX)
            case AggregateFunction.DISTINCT:
                return Numbers(distinct(self.events, self._property, context, domain), _all(domain))
            case AggregateFunction.FIRST | AggregateFunction.LAST if self.column is None:
                return _extremes(self._moments(context, domain), domain, self.function is AggregateFunction.LAST)
            case AggregateFunction.FIRST | AggregateFunction.LAST:
                return self._edge(context, domain, self.function is AggregateFunction.LAST)

    def _values(self, context: Context, domain: Domain) -> Iterator[Piece]:
        """The places and present values of the property, in pieces."""
        for picked in self.events.picked(context, domain):
            yield from (piece for piece in map(self._held, picked.stretches()) if piece[0].size)

    def _held(self, picked: Picked) -> Piece:
        return picked.held(self._property)

    def _moments(self, context: Context, domain: Domain) -> Iterator[Piece]:
        for picked in self.events.picked(context, domain):
            yield picked.places, picked.part.at[picked.rows]

    def _average(self, context: Context, domain: Domain) -> Numbers:
        pieces, most = list(self._values(context, domain)), self.events.most(context.version)
        counts = np.zeros(domain.size, count_type(most))
        for places, _ in pieces:
            add_each(counts, places)
        sums, divisors = _sums(pieces, domain, most), np.maximum(counts, 1).astype(np.int64)
        if sums.dtype.kind == "f":
            return Numbers(sums / divisors, counts > 0)
        return Numbers(sums, counts > 0, divisors * 10**self.decimals)

    def _edge(self, context: Context, domain: Domain, last: bool) -> Numbers:
        found = nothing(domain)
        numerator, present = found.numerator, found.present
        for picked in edges(self.events, last, context, domain):
            values, here = picked.numbers(self._property)
            if values.dtype.kind == "f":
                numerator = numerator.astype(np.float64, copy=False)
            numerator[picked.places], present[picked.places] = values, here
        return Numbers(numerator, present)


def _all(domain: Domain) -> NDArray[np.bool_]:
    return np.ones(domain.size, np.bool_)


def _sums(pieces: Iterable[Piece], domain: Domain, most: int) -> Array:
    """The exact sum at each place, none of which has more than `most` values; floats of floats."""
    sums: Array = np.zeros(domain.size, np.int32)
    for places, values in pieces:
        needed = np.float64 if values.dtype.kind == "f" else _whole_type(largest(values) * most)
        sums = sums.astype(np.result_type(sums, needed), copy=False)
        np.add.at(sums, places, values.astype(sums.dtype, copy=False))
    return sums.astype(np.int64) if sums.dtype == np.int32 else sums


def _whole_type(bound: int) -> type:
    """The narrowest type for whole numbers of magnitudes up to `bound`: Python integers where int64 could overflow."""
    return np.int32 if bound < _INT32 else np.int64 if bound < _INT64 else object


def _extremes(pieces: Iterable[Piece], domain: Domain, greatest: bool) -> Numbers:
    """The largest or smallest value at each place, where there is one."""
    extremes: Array = np.full(domain.size, -_INT64 if greatest else _INT64 - 1)
    present = np.zeros(domain.size, np.bool_)
    for places, values in pieces:
        if values.dtype.kind != extremes.dtype.kind:
            extremes = np.full(domain.size, -np.inf if greatest else np.inf)
        (np.maximum if greatest else np.minimum).at(extremes, places, values)
        present[places] = True
    return Numbers(extremes, present)
