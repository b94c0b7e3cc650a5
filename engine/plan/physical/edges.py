"""The first or last selected event of each contact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import from_rows, to_array
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.predicates import describe_predicate
from engine.plan.physical.selection import Picked, Selection
from engine.plan.physical.space import Domain, PartSpace
from engine.reading import ColumnPredicate

_NO_ROW = np.uint32((1 << 32) - 1)


def edges(events: Selection, last: bool, context: Context, domain: Domain) -> Iterator[Picked]:
    """For each contact the one event row that comes first or last by moment, then by acceptance.

    A contact has one row in all: parts are compared with each other by moment and acceptance too.
    """
    parts = [_edge_of_part(picked, last) for picked in events.picked(context, domain)]
    if len(parts) == 1:
        yield parts[0]
        return
    best = _Best(domain.size, last)
    for number, picked in enumerate(parts):
        best.offer(number, picked)
    for number, picked in enumerate(parts):
        kept = best.owner[picked.places] == number
        yield Picked(picked.part, picked.row_numbers()[kept], picked.places[kept])


def _edge_of_part(picked: Picked, last: bool) -> Picked:
    rows, places = picked.row_numbers(), picked.places
    if not picked.part.ordered:
        by_time = _order(picked)
        rows, places = rows[by_time], places[by_time]
    if not last:
        rows, places = rows[::-1], places[::-1]
    # Of several rows assigned to one place, numpy keeps the last: the latest (or earliest) one.
    chosen = np.full(int(places.max()) + 1, _NO_ROW, np.uint32)
    chosen[places] = rows
    held = np.flatnonzero(chosen != _NO_ROW).astype(np.uint32)
    return Picked(picked.part, chosen[held], held)


def _order(picked: Picked) -> NDArray[np.intp]:
    """The positions of the rows in order of moment, then acceptance."""
    return np.lexsort((picked.part.order_of(picked.row_numbers()), picked.part.at[picked.rows]))


@dataclass(slots=True)
class _Best:
    """Which part owns the first or last event of each place, among the parts offered so far."""

    at: NDArray[np.int64]
    order: NDArray[np.int64]
    owner: NDArray[np.int32]
    last: bool

    def __init__(self, size: int, last: bool) -> None:
        self.at = np.zeros(size, np.int64)
        self.order = np.zeros(size, np.int64)
        self.owner = np.full(size, -1, np.int32)
        self.last = last

    def offer(self, number: int, picked: Picked) -> None:
        places, at, order = picked.places, picked.part.at[picked.rows], picked.part.order_of(picked.row_numbers())
        old_at, old_order = self.at[places], self.order[places]
        beats = at > old_at if self.last else at < old_at
        later = order > old_order if self.last else order < old_order
        beats = (self.owner[places] < 0) | beats | ((at == old_at) & later)
        won = places[beats]
        self.at[won], self.order[won], self.owner[won] = at[beats], order[beats], number


@dataclass(frozen=True, slots=True)
class EdgeMatch(Operator):
    """Contacts whose first or last selected event has a property that satisfies a predicate."""

    events: Selection
    last: bool
    column: str
    predicate: ColumnPredicate

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return (self.events,)

    @property
    def label(self) -> str:
        edge = "last" if self.last else "first"
        return f"{edge} {self.column} of {self.events.label} {describe_predicate(self.predicate)}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        domain = Domain.of(context.space, within)
        matched = [self._matched(picked) for picked in edges(self.events, self.last, context, domain)]
        contacts = np.concatenate([*matched, np.empty(0, np.uint32)])
        found = from_rows(contacts)
        return found if within is None else found & within

    def _matched(self, picked: Picked) -> NDArray[np.uint32]:
        column = PartSpace(picked.part).column(self.column)
        if column is None:
            return np.empty(0, np.uint32)
        rows = from_rows(picked.row_numbers())
        return picked.part.contacts[to_array(column.matching(self.predicate, rows))]

    def cost(self, context: Context, asked: float) -> float:
        asked = costs.places(asked, context.space)
        return costs.STEP + self.events.cost(context, asked) + costs.EDGE * self.events.among(context, asked)

    def estimate(self, context: Context) -> int:
        return min(context.space.existing, self.events.estimate(context)) // 2
