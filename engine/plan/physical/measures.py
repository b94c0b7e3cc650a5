"""Aggregates: one number per contact over selected events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.typed import AggregateFunction
from engine.plan.physical.distinct import distinct
from engine.plan.physical.edges import edges
from engine.plan.physical.numbers import Array, Numbers, largest
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Places, Selection
from engine.plan.physical.space import Domain
from engine.plan.physical.terms import Term, nothing

_INT64 = 1 << 63


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

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        match self.function:
            case AggregateFunction.COUNT:
                return Numbers(self.events.counts(context, domain).astype(np.int64), _all(domain))
            case AggregateFunction.SUM:
                return Numbers(_sums(self._values(context, domain), domain), _all(domain))
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

    def _values(self, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
        """The places and present values of the property, part by part."""
        found = [picked.held(self._property) for picked in self.events.picked(context, domain)]
        return [piece for piece in found if piece[0].size]

    def _moments(self, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
        return [(picked.places, picked.part.at[picked.rows]) for picked in self.events.picked(context, domain)]

    def _average(self, context: Context, domain: Domain) -> Numbers:
        pieces = self._values(context, domain)
        counts = np.zeros(domain.size, np.int64)
        for places, _ in pieces:
            counts += np.bincount(places, minlength=domain.size)
        sums, divisors = _sums(pieces, domain), np.maximum(counts, 1)
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


def _sums(pieces: list[tuple[Places, Array]], domain: Domain) -> Array:
    """The exact sum at each place: int64, or Python integers where int64 could overflow; floats of floats."""
    if any(values.dtype.kind == "f" for _, values in pieces):
        dtype: type = np.float64
    else:
        bound = sum(largest(values) * values.size for _, values in pieces)
        dtype = np.int64 if bound < _INT64 else object
    sums: Array = np.zeros(domain.size, dtype)
    for places, values in pieces:
        np.add.at(sums, places, values.astype(dtype, copy=False))
    return sums


def _extremes(pieces: list[tuple[Places, Array]], domain: Domain, greatest: bool) -> Numbers:
    """The largest or smallest value at each place, where there is one."""
    if not pieces:
        return nothing(domain)
    dtype = np.result_type(*(values.dtype for _, values in pieces), np.int64)
    lowest, highest = (-np.inf, np.inf) if dtype.kind == "f" else (-_INT64, _INT64 - 1)
    extremes = np.full(domain.size, lowest if greatest else highest, dtype)
    present = np.zeros(domain.size, np.bool_)
    for places, values in pieces:
        (np.maximum if greatest else np.minimum).at(extremes, places, values.astype(dtype, copy=False))
        present[places] = True
    return Numbers(extremes, present)
