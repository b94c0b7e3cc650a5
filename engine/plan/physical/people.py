"""Tests of terms that tell of events alone: made of the contacts who have any, and once for all who have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from dsl.typed import AggregateFunction
from engine.bitmaps import Mask, Words, clear_rows, from_rows, rows_below, set_rows, union, words_of
from engine.plan.physical.distinct import told_by_part
from engine.plan.physical.measures import Measure
from engine.plan.physical.numbers import Numbers
from engine.plan.physical.operator import Context
from engine.plan.physical.space import Domain, few
from engine.plan.physical.terms import Combined, Constant, Scaled, Term
from engine.reading import EventPart

_COUNTED = (
    AggregateFunction.COUNT,
    AggregateFunction.SUM,
    AggregateFunction.AVG,
    AggregateFunction.MIN,
    AggregateFunction.MAX,
)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """For whom of a part's people a test holds, and last, whether it does for whoever has no event.

    The few `beside` have events in other parts too, and are not told.
    """

    part: EventPart
    holds: Mask
    beside: BitMap

    def count(self, size: int) -> int | None:
        """Of so many rows; None when some are not told."""
        if self.beside:
            return None
        told = self.holds[:-1]
        return int(np.count_nonzero(told)) + (size - told.size if self.holds[-1] else 0)

    def words(self, size: int) -> Words:
        """Of so many rows."""
        told = self.holds[:-1]
        if self.holds[-1]:
            found = rows_below(size)
            clear_rows(self.part.people[~told], found)
            return found
        found = np.zeros(words_of(size), np.uint64)
        set_rows(self.part.people[told], found)
        return found


def of_people(term: Term, holds: Callable[[Numbers], Mask], context: Context) -> People | None:
    """None where the term reads something else, or the events do not lie in one part for all but a few contacts."""
    parts = {id(part): part for events in term.selections for part in events.parts(context.version)}
    by_size = sorted(parts.values(), key=lambda part: part.size)
    if not by_size or not by_size[-1].people.size:
        return None
    *others, part = by_size
    if not _of_events(term, part):
        return None
    beside = union(
        [union([*bitmaps, from_rows(rows)]) for bitmaps, rows in (each.cover(None, None) for each in others)]
    )
    if beside and not few(beside, context.space):
        return None
    return People(part, holds(term.numbers(context, Domain.of_people(part))), beside)


def _of_events(term: Term, part: EventPart) -> bool:
    """Whether it tells of events, of nothing else, and can for the people of a part."""
    match term:
        case Measure(AggregateFunction.DISTINCT, events, str(name)):
            return told_by_part(events, name, part)
        case Measure(function):
            return function in _COUNTED
        case Constant():
            return True
        case Combined() | Scaled():
            return all(_of_events(each, part) for each in term.inputs)
        case _:
            return False
