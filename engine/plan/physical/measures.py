"""Aggregates: one number per contact over selected events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.typed import AggregateFunction
from engine.counting import Counts, add_at, add_each, add_floats, add_values, count_type, raise_each
from engine.plan.physical import costs
from engine.plan.physical.distinct import distinct, distinct_cost
from engine.plan.physical.edges import edges
from engine.plan.physical.numbers import Array, Numbers, largest
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Places, Selection
from engine.plan.physical.space import Domain
from engine.plan.physical.terms import Term, nothing
from engine.reading import Amounts, ByPlace, EventPart, Kept

_INT32 = 1 << 31
_INT64 = 1 << 63
NO_VALUE = -_INT64
"""No value is this number."""

_KEPT: Mapping[AggregateFunction, Kept] = {
    AggregateFunction.SUM: Kept.TOTALS,
    AggregateFunction.AVG: Kept.MEANS,
    AggregateFunction.MIN: Kept.LEAST,
    AggregateFunction.MAX: Kept.GREATEST,
}
"""What parts keep to answer them."""

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
        return self.events.cost(context, places) + self._cost_of_events(context, places) + costs.TERM * places

    def _cost_of_events(self, context: Context, places: float) -> float:
        kept = _KEPT.get(self.function)
        if kept is not None and self.events.where is None and not costs.is_few(places, context.space):
            return self.events.kept_cost(context, kept, self._property, costs.SUMMED)
        if self.function is AggregateFunction.DISTINCT:
            return distinct_cost(self.events, self._property, context, places)
        return (costs.SUMMED if self.column is None else costs.EDGE) * self.events.among(context, places)

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        match self.function:
            case AggregateFunction.COUNT:
                return Numbers(_signed(self.events.counts(context, domain)), _all(domain))
            case AggregateFunction.SUM:
                return Numbers(self._sums(context, domain), _all(domain))
            case AggregateFunction.AVG:
                return self._average(context, domain)
            case AggregateFunction.MIN | AggregateFunction.MAX:
                return self._extremes(context, domain, self.function is AggregateFunction.MAX)
            case AggregateFunction.DISTINCT:
                return Numbers(distinct(self.events, self._property, context, domain), _all(domain))
            case AggregateFunction.FIRST | AggregateFunction.LAST if self.column is None:
                moments = _Extremes(domain, self.function is AggregateFunction.LAST)
                for picked in self.events.picked(context, domain):
                    moments.put(picked.places, picked.part.at[picked.rows])
                return moments.numbers()
            case AggregateFunction.FIRST | AggregateFunction.LAST:
                return self._edge(context, domain, self.function is AggregateFunction.LAST)

    def _parts(self, context: Context, domain: Domain) -> Iterator[tuple[EventPart, Amounts | None, range]]:
        """The parts, each with what it has ready for the property and the rows of the window, if that may serve."""
        ready = self.events.of_everyone(domain)
        for part in self.events.parts_of(context, domain):
            amounts = part.amounts(self._property) if ready else None
            rows = part.rows_between(self.events.start, self.events.end) if amounts is not None else range(0)
            yield part, amounts, rows if isinstance(rows, range) else range(0)

    def _values(self, context: Context, part: EventPart, domain: Domain) -> Iterator[Piece]:
        """The places and present values of the property, in pieces."""
        for picked in self.events.picked_of(context, part, domain).stretches():
            held = picked.held(self._property)
            if held[0].size:
                yield held

    def _sums(self, context: Context, domain: Domain) -> Array:
        sums = _Sums(domain, self.events.most(context.version))
        for part, amounts, rows in self._parts(context, domain):
            if amounts is not None and amounts.totals is not None:
                _add(amounts.totals, sums.up_to(amounts.bound), part, rows, domain)
            else:
                for places, values in self._values(context, part, domain):
                    sums.add(places, values)
        return sums.array

    def _average(self, context: Context, domain: Domain) -> Numbers:
        most = self.events.most(context.version)
        sums, counts = _Sums(domain, most), np.zeros(domain.size, count_type(most))
        for part, amounts, rows in self._parts(context, domain):
            if amounts is not None and amounts.totals is not None:
                _add(amounts.totals, sums.up_to(amounts.bound), part, rows, domain)
                _add(amounts.held, counts, part, rows, domain)
            else:
                for places, values in self._values(context, part, domain):
                    sums.add(places, values)
                    add_each(counts, places)
        if sums.array.dtype.kind == "f":
            return Numbers(sums.array / np.maximum(counts, 1), counts > 0)
        return Numbers(sums.array, counts > 0, _signed(counts), 10**self.decimals)

    def _extremes(self, context: Context, domain: Domain, greatest: bool) -> Numbers:
        extremes = _Extremes(domain, greatest)
        for part, amounts, rows in self._parts(context, domain):
            if amounts is not None:
                _raise(amounts.extremes(greatest), extremes.of(amounts.type), part, rows, domain)
            else:
                for places, values in self._values(context, part, domain):
                    extremes.put(places, values)
        return extremes.numbers()

    def _edge(self, context: Context, domain: Domain, last: bool) -> Numbers:
        found = nothing(domain)
        numerator, present = found.numerator, found.present
        for picked in edges(self.events, last, context, domain):
            values, here = picked.numbers(self._property)
            if values.dtype.kind == "f":
                numerator = numerator.astype(np.float64, copy=False)
            numerator[picked.places], present[picked.places] = values, here
        return Numbers(numerator, present)


def _add(ready: ByPlace, totals: Array, part: EventPart, rows: range, domain: Domain) -> None:
    """Add what a part's people have to the totals of a domain of everyone, or of these."""
    if domain.part is not None:
        ready.add(totals, rows.start, rows.stop)
        return
    own = np.zeros(len(part.people), np.int64 if totals.dtype == object else totals.dtype)
    ready.add(own, rows.start, rows.stop)
    if totals.dtype == object:
        totals[part.people] += own
    else:
        add_at(totals, part.people, own)


def _raise(ready: ByPlace, most: Array, part: EventPart, rows: range, domain: Domain) -> None:
    """Raise the largest numbers of a domain of everyone, or of a part's people, to those that the latter have."""
    if domain.part is not None:
        ready.add(most, rows.start, rows.stop)
        return
    own = np.full(len(part.people), _none(most.dtype), most.dtype)
    ready.add(own, rows.start, rows.stop)
    raise_each(most, part.people, own)


def _all(domain: Domain) -> NDArray[np.bool_]:
    return np.ones(domain.size, np.bool_)


def _signed(counts: Counts) -> Array:
    return counts.astype(np.int32 if counts.dtype.itemsize < 4 else np.int64)


class _Sums:
    """Exact sums by place, in the narrowest type that holds them; floats of floats."""

    def __init__(self, domain: Domain, most: int) -> None:
        """No place is given more than `most` single values."""
        self.array: Array = np.zeros(domain.size, np.int32)
        self._most = most
        self._largest = 0
        self._ready = 0

    def up_to(self, more: int) -> Array:
        """The sums, with room for magnitudes of `more` to be added to each."""
        self._ready += more
        return self._roomy()

    def _roomy(self) -> Array:
        if self.array.dtype.kind != "f":
            self.array = self.array.astype(_whole_type(self._ready + self._largest * self._most), copy=False)
        return self.array

    def add(self, places: Places, values: Array) -> None:
        """Add single values."""
        if values.dtype.kind == "f":
            self.array = self.array.astype(np.float64, copy=False)
            add_floats(self.array, places, values)
            return
        self._largest = max(self._largest, largest(values))
        sums = self._roomy()
        if sums.dtype == object:
            np.add.at(sums, places, values)
        else:
            add_values(sums, places, values, NO_VALUE)


def _whole_type(bound: int) -> type:
    """The narrowest type for whole numbers of magnitudes up to `bound`: Python integers where int64 could overflow."""
    return np.int32 if bound < _INT32 else np.int64 if bound < _INT64 else object


class _Extremes:
    """The largest number at each place, or the least: then it is the largest of their opposites that is kept."""

    def __init__(self, domain: Domain, greatest: bool) -> None:
        self._greatest = greatest
        self._most: Array = np.full(domain.size, _none(np.dtype(np.int32)), np.int32)

    def of(self, type: type[np.number[Any]]) -> Array:
        """The numbers kept, in this type or a wider one."""
        wide = np.result_type(type, self._most.dtype) if np.dtype(type).kind == "i" else np.dtype(np.float64)
        if wide != self._most.dtype:
            present = self._present()
            most = np.full(self._most.size, _none(wide), wide)
            most[present] = self._most[present]
            self._most = most
        return self._most

    def put(self, places: Places, values: Array) -> None:
        raise_each(self.of(values.dtype.type), places, values if self._greatest else -values)

    def _present(self) -> NDArray[np.bool_]:
        return np.asarray(self._most != _none(self._most.dtype))

    def numbers(self) -> Numbers:
        """Present where there was any."""
        return Numbers(self._most if self._greatest else -self._most, self._present())


def _none(type: np.dtype[Any]) -> Any:
    """Stands for no number yet: no value is below it, nor is its opposite."""
    return -np.inf if type.kind == "f" else np.iinfo(type).min
