"""Cuts: the first so many contacts by a term or by a draw."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import below, from_rows, to_array
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.draws import contact_draws
from engine.plan.physical.numbers import Numbers, largest
from engine.plan.physical.one_column import column_of
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, asks_all, candidates, few
from engine.plan.physical.terms import Term, Value


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one row stands among the `members` that a cut chooses from: its rank, from 1, and what it is ranked by.

    `edge` is that of the last one kept. Both are places in `numbers`, or draws where `numbers` is None.
    """

    rank: int
    members: int
    own: int
    edge: int
    numbers: Numbers | None = None


EXACT_IN_FLOATS = 1 << 53
"""Whole numbers up to this are floats exactly."""


@dataclass(frozen=True, slots=True)
class TopCut(Operator):
    """The `keep` contacts of `item` with the largest (`largest`) or smallest term; ties by contact id, ascending.

    Contacts for which the term has no value come after all those with one.
    """

    item: Operator
    keep: int
    term: Term
    largest: bool

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.item,)

    @property
    def selections(self) -> tuple[Selection, ...]:
        return self.term.selections

    @property
    def label(self) -> str:
        return f"{'top' if self.largest else 'bottom'} {self.keep} by {self.term.label}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        members, numbers = self._numbers(context, self._leading(context, _whole(self.item, context)))
        kept = from_rows(self._first(context, members, _keys(numbers, self.largest)))
        return kept if within is None else kept & within

    def count(self, context: Context, within: BitMap | None) -> int:
        """As many as are kept, or as there are: who they are need not be known."""
        if asks_all(within, context.space):
            return min(self.keep, _whole_count(self.item, context))
        return len(self.run(context, within))

    def standing(self, context: Context, row: int) -> Standing:
        """Of a row that `item` selects."""
        members, numbers = self._ranked(context)
        ranks, own = _ranks(numbers, self.largest), int(np.searchsorted(members, row))
        *_, id = context.version.contacts.ids(members[own : own + 1])
        tied = context.version.contacts.ids(members[ranks == ranks[own]])
        rank = int((ranks < ranks[own]).sum()) + sum(other < id for other in tied) + 1
        edge = int(np.argpartition(ranks, min(self.keep, ranks.size) - 1)[min(self.keep, ranks.size) - 1])
        return Standing(rank, members.size, own, edge, numbers)

    def _leading(self, context: Context, rows: BitMap) -> BitMap:
        """Those of `rows` among which the first ones are: few where the order of a column tells."""
        column = context.space.column(self.term.column) if isinstance(self.term, Value) else None
        known = None if column is None else column.by_value()
        if known is None or len(rows) <= self.keep or few(rows, context.space):
            return rows
        order, beside = known
        if not beside:
            return order.leading(below(rows, len(order.data)), self.keep, self.largest) or rows
        found = order.leading(below(rows - beside, len(order.data)), self.keep, self.largest)
        return rows if found is None else found | (rows & beside)

    def _ranked(self, context: Context) -> tuple[NDArray[np.uint32], Numbers]:
        """All that `item` selects, and the numbers that they are ranked by."""
        return self._numbers(context, _whole(self.item, context))

    def _numbers(self, context: Context, rows: BitMap) -> tuple[NDArray[np.uint32], Numbers]:
        still_wanted()
        members = to_array(rows)
        if column_of(self.term) is not None:
            return members, self.term.numbers(context, Domain(len(rows), members, rows))
        domain = Domain.of(context.space, rows)
        return members, self.term.numbers(context, domain).at(domain.places(members))

    def _first(self, context: Context, rows: NDArray[np.uint32], ranks: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The `keep` rows of lowest rank (or what stands in that order). Ids are read for ties at the edge alone."""
        if rows.size <= self.keep or not self.keep:
            return rows[: self.keep]
        edge = np.partition(ranks, self.keep - 1)[self.keep - 1]
        inside, tied = rows[ranks < edge], rows[ranks == edge]
        return np.concatenate([inside, context.version.contacts.first(tied, self.keep - inside.size)])

    def cost(self, context: Context, asked: float) -> float:
        ranked = context.estimate(self.item)
        places = costs.places(ranked, context.space)
        rank = costs.RANK_QUOTIENT if self.term.is_quotient else costs.RANK
        return _whole_cost(self.item, context) + self.term.cost(context, places) + rank * ranked

    def estimate(self, context: Context) -> int:
        return min(self.keep, context.estimate(self.item))


@dataclass(frozen=True, slots=True)
class RandomCut(Operator):
    """The `keep` contacts of `item` with the least draw for a seed."""

    item: Operator
    keep: int
    seed: int

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.item,)

    @property
    def label(self) -> str:
        return f"random {self.keep}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        members, order, _ = self._drawn(context)
        kept = BitMap(members[order[: self.keep]])
        return kept if within is None else kept & within

    def count(self, context: Context, within: BitMap | None) -> int:
        """As many as are kept, or as there are: who they are need not be known."""
        if asks_all(within, context.space):
            return min(self.keep, _whole_count(self.item, context))
        return len(self.run(context, within))

    def standing(self, context: Context, row: int) -> Standing:
        """Of a row that `item` selects."""
        members, order, drawn = self._drawn(context)
        own = int(np.searchsorted(members, row))
        edge = int(order[min(self.keep, members.size) - 1])
        return Standing(int(np.flatnonzero(order == own)[0]) + 1, members.size, int(drawn[own]), int(drawn[edge]))

    def _drawn(self, context: Context) -> tuple[NDArray[np.uint32], NDArray[np.intp], NDArray[np.uint64]]:
        """All that `item` selects, the order of their draws, and the draws."""
        rows = _whole(self.item, context)
        still_wanted()
        members = to_array(rows)
        drawn = contact_draws(context, Domain(len(rows), members, rows), self.seed)
        return members, np.lexsort((members, drawn)), drawn

    def cost(self, context: Context, asked: float) -> float:
        ranked = context.estimate(self.item)
        return _whole_cost(self.item, context) + (costs.DRAW + costs.RANK) * ranked

    def estimate(self, context: Context) -> int:
        return min(self.keep, context.estimate(self.item))


def _whole_cost(item: Operator, context: Context) -> float:
    return costs.STEP + item.cost(Context.of_contacts(context.version), context.space.size)


def _whole(item: Operator, context: Context) -> BitMap:
    """A cut looks at all members, whoever is asked about."""
    whole = candidates(context.space)
    return item.run(Context.of_contacts(context.version, whole), whole)


def _whole_count(item: Operator, context: Context) -> int:
    whole = candidates(context.space)
    return item.count(Context.of_contacts(context.version, whole), whole)


def _keys(numbers: Numbers, largest: bool) -> NDArray[np.int64]:
    """Numbers that stand in the order of the ranks: whole ones, or their opposites, as they are; none is sorted."""
    values = numbers.numerator
    if values.dtype.kind != "i" or not isinstance(numbers.denominator, int):
        return _ranks(numbers, largest)
    ordered: NDArray[np.int64] = -values if largest else values
    if numbers.present.all():
        return ordered
    if values.dtype.itemsize == 8:  # the number that is to stand for none may be one of them
        return _ranks(numbers, largest)
    return np.where(numbers.present, ordered.astype(np.int64), np.iinfo(np.int64).max)


def _ranks(numbers: Numbers, largest: bool) -> NDArray[np.int64]:
    """The rank of each number, equal for equal numbers: 0 for the first in the order asked for; missing ones last."""
    values = numbers.numerator[numbers.present] if isinstance(numbers.denominator, int) else _quotients(numbers)
    still_wanted()
    different, found = np.unique(values, return_inverse=True)
    ranks = np.full(numbers.present.size, different.size, np.int64)
    ranks[numbers.present] = different.size - 1 - found if largest else found
    return ranks


def _quotients(numbers: Numbers) -> NDArray[Any]:
    """Values that stand in the order of the quotients: floats where they tell apart all that differ.

    Division rounds to the nearest float, which keeps order: only quotients that round to one float need another look.
    """
    top, bottom = numbers.numerator[numbers.present], np.asarray(numbers.denominator)[numbers.present]
    if max(largest(top), largest(bottom)) > EXACT_IN_FLOATS:
        return _fractions(numbers)
    divisor = np.gcd(top.astype(np.int64), bottom.astype(np.int64))
    lowest = np.stack([top // divisor, bottom // divisor])
    floats = np.asarray(top / bottom, np.float64)
    still_wanted()
    order = np.argsort(floats)
    same = floats[order[1:]] == floats[order[:-1]]
    differs = (lowest[:, order[1:]] != lowest[:, order[:-1]]).any(axis=0)
    return _fractions(numbers) if (same & differs).any() else floats


def _fractions(numbers: Numbers) -> NDArray[np.object_]:
    """Exact quotients as Python fractions, for what floats could not tell apart."""
    pairs = zip(numbers.numerator[numbers.present], np.asarray(numbers.denominator)[numbers.present], strict=True)
    return np.array([Fraction(int(top), int(bottom)) for top, bottom in pairs], object)
