"""Aggregates: one number per contact over selected events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.schema import Type
from dsl.typed import AggregateFunction
from engine.plan.physical.edges import edges
from engine.plan.physical.identities import Known, compact, text_identities
from engine.plan.physical.numbers import Array, Numbers, largest
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Picked, Selection
from engine.plan.physical.space import Domain
from engine.plan.physical.terms import Term, nothing
from engine.reading import Column

_WORDS_AT_MOST = 1 << 23
_INT64 = 1 << 63

Places = NDArray[np.integer]


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
                return Numbers(_distinct(self._identities(context, domain), domain), _all(domain))
            case AggregateFunction.FIRST | AggregateFunction.LAST if self.column is None:
                return _extremes(self._moments(context, domain), domain, self.function is AggregateFunction.LAST)
            case AggregateFunction.FIRST | AggregateFunction.LAST:
                return self._edge(context, domain, self.function is AggregateFunction.LAST)

    def _values(self, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
        """The places and present values of the property, part by part."""
        found = [_present(picked, self.column) for picked in self.events.picked(context, domain)]
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

    def _identities(self, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
        """The places and values, where texts became numbers that stand for the same folded text in every part."""
        texts: Known = {}
        pieces = []
        for picked in self.events.picked(context, domain):
            column = None if self.column is None else picked.part.column(self.column)
            if column is not None and column.field.type in (Type.TEXT, Type.CHOICE):
                identities, present = text_identities(column, picked.row_numbers(), texts)
                pieces.append((picked.places[present], identities[present]))
            elif column is not None and column.field.type is Type.TAGS:
                pieces.append(_tag_identities(picked, column, texts))
            else:
                pieces.append(_present(picked, self.column))
        return [piece for piece in pieces if piece[0].size]

    def _edge(self, context: Context, domain: Domain, last: bool) -> Numbers:
        found = nothing(domain)
        numerator, present = found.numerator, found.present
        for picked in edges(self.events, last, context, domain):
            values, here = _property(picked, self.column)
            if values.dtype.kind == "f":
                numerator = numerator.astype(np.float64, copy=False)
            numerator[picked.places], present[picked.places] = values, here
        return Numbers(numerator, present)


def _all(domain: Domain) -> NDArray[np.bool_]:
    return np.ones(domain.size, np.bool_)


def _present(picked: Picked, name: str | None) -> tuple[Places, Array]:
    values, present = _property(picked, name)
    if present.all():
        return picked.places, values
    return picked.places[present], values[present]


def _property(picked: Picked, name: str | None) -> tuple[Array, NDArray[np.bool_]]:
    rows = picked.row_numbers()
    column = None if name is None else picked.part.column(name)
    if column is None:
        return np.zeros(rows.size, np.int64), np.zeros(rows.size, np.bool_)
    return column.numbers(rows)


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


def _tag_identities(picked: Picked, column: Column, texts: Known) -> tuple[Places, Array]:
    """One place and identity for each tag of each row."""
    values = column.values(picked.row_numbers())
    tags = [(place, str(tag)) for place, tags in zip(picked.places, values, strict=True) for tag in _tags(tags)]
    identities = [texts.setdefault(fold(tag), len(texts)) for _, tag in tags]
    return np.array([place for place, _ in tags], np.int64), np.array(identities, np.int64)


def _tags(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _distinct(pieces: list[tuple[Places, Array]], domain: Domain) -> NDArray[np.int64]:
    """How many different values each place has."""
    if not pieces:
        return np.zeros(domain.size, np.int64)
    places = np.concatenate([places for places, _ in pieces]).astype(np.int64)
    values = compact(np.concatenate([values for _, values in pieces]))
    width = int(values.max()) + 1
    words = -(-width // 64)
    if domain.size * words <= _WORDS_AT_MOST:
        return _distinct_by_bits(places * words + (values >> 6), values & 63, domain.size, words)
    pairs: NDArray[np.int64] = np.unique(places * width + values)
    return np.bincount(pairs // width, minlength=domain.size).astype(np.int64, copy=False)


def _distinct_by_bits(cells: NDArray[np.int64], bits: NDArray[np.int64], size: int, words: int) -> NDArray[np.int64]:
    """A set of bits for each place, in `words` words: `cells` says which word, `bits` which bit of it."""
    sets = np.zeros(size * words, np.uint64)
    np.bitwise_or.at(sets, cells, np.left_shift(np.uint64(1), bits.astype(np.uint64)))
    return np.asarray(np.bitwise_count(sets).reshape(size, words).sum(axis=1), np.int64)
