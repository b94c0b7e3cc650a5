"""The first or last selected event of each contact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Words, from_rows, from_words, set_rows_at, to_array, to_words, union, words_of
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.predicates import describe_predicate
from engine.plan.physical.selection import Picked, Selection
from engine.plan.physical.space import Domain, PartSpace, few
from engine.reading import ColumnPredicate, EventPart

_NO_ROW = np.uint32((1 << 32) - 1)


@dataclass(frozen=True, slots=True)
class Edges:
    """The rows of one part that come first or last of their contacts', but for those of contacts already `settled`."""

    part: EventPart
    rows: BitMap
    settled: Words

    def picked(self) -> Picked:
        """These rows; places are contact rows."""
        rows = to_array(self.rows)
        contacts = self.part.contacts[rows]
        kept = (self.settled[contacts >> 6] >> (contacts & 63).astype(np.uint64)) & np.uint64(1) == 0
        return Picked(self.part, rows[kept], contacts[kept])

    def contacts(self, rows: BitMap) -> Words:
        """Those of some of the rows that are not settled."""
        found = np.zeros_like(self.settled)
        set_rows_at(self.part.contacts, to_array(rows), found)
        return found & ~self.settled


def ready_edges(events: Selection, last: bool, context: Context) -> tuple[list[Edges], BitMap] | None:
    """What parts have ready when they are asked about everyone, and the contacts for whom parts must be compared.

    The parts follow one another in time, and the first one asked settles a contact. None where nothing is gained.
    """
    if events.where is not None:
        return None
    parts = [part for part in events.parts(context.version) if part.estimate_between(events.start, events.end)]
    ready = {part: part.edges(last, events.start, events.end) for part in parts}
    chain = sorted((part for part in parts if ready[part] is not None), key=attrgetter("earliest"), reverse=last)
    if not all(_precedes(*((b, a) if last else (a, b))) for a, b in pairwise(chain)):
        return None
    contested = union([_contacts(part, events) for part in parts if ready[part] is None])
    if contested and not few(contested, context.space):
        return None
    settled, found = to_words(contested, context.space.size), []
    for part in chain:
        found.append(Edges(part, ready[part] or BitMap(), settled))
        settled = settled | to_words(_contacts(part, events), context.space.size)
    return found, contested


def _precedes(earlier: EventPart, later: EventPart) -> bool:
    return earlier.latest < later.earliest


def _contacts(part: EventPart, events: Selection) -> BitMap:
    """Whose events of the window these are."""
    bitmaps, rows = part.cover(events.start, events.end)
    return union([*bitmaps, from_rows(rows)])


def edges(events: Selection, last: bool, context: Context, domain: Domain) -> Iterator[Picked]:
    """For each contact the one event row that comes first or last by moment, then by acceptance.

    A contact has one row in all: parts are compared with each other by moment and acceptance too.
    """
    ready = ready_edges(events, last, context) if domain.bitmap is None else None
    if ready is None:
        yield from _compared(events, last, context, domain)
        return
    found, contested = ready
    yield from (each.picked() for each in found)
    if contested:
        for picked in _compared(events, last, context, Domain.of(context.space, contested)):
            yield Picked(picked.part, picked.rows, picked.part.contacts[picked.rows])


def _compared(events: Selection, last: bool, context: Context, domain: Domain) -> Iterator[Picked]:
    """The same, of whatever parts, from the events themselves."""
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
        ready = ready_edges(self.events, self.last, context) if domain.bitmap is None else None
        found = self._compared(context, domain) if ready is None else self._of_everyone(context, *ready)
        return found if within is None else found & within

    def _compared(self, context: Context, domain: Domain) -> BitMap:
        matched = [self._contacts(picked) for picked in edges(self.events, self.last, context, domain)]
        return from_rows(np.concatenate([*matched, np.empty(0, np.uint32)]))

    def _contacts(self, picked: Picked) -> NDArray[np.uint32]:
        return picked.part.contacts[to_array(self._matching(picked.part, from_rows(picked.row_numbers())))]

    def _of_everyone(self, context: Context, parts: list[Edges], contested: BitMap) -> BitMap:
        words = np.zeros(words_of(context.space.size), np.uint64)
        for each in parts:
            words |= each.contacts(self._matching(each.part, each.rows))
        found = from_words(words)
        return found | self._compared(context, Domain.of(context.space, contested)) if contested else found

    def _matching(self, part: EventPart, rows: BitMap) -> BitMap:
        column = PartSpace(part).column(self.column)
        return BitMap() if column is None else column.matching(self.predicate, rows)

    def cost(self, context: Context, asked: float) -> float:
        asked = costs.places(asked, context.space)
        found = costs.EDGE * self.events.among(context, asked)
        beyond = self.events.end if self.last else self.events.start
        if beyond is None and self.events.where is None and not costs.is_few(asked, context.space):
            parts = sum(1 for _ in self.events.parts(context.version))
            found = min(found, costs.AT_HAND * parts * asked)
        return costs.STEP + self.events.cost(context, asked) + found

    def estimate(self, context: Context) -> int:
        return min(context.space.existing, self.events.estimate(context)) // 2
