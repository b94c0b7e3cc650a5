"""Tests and comparisons of terms that are numbers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Mask, Words, add, fitted, from_words, members, take
from engine.deadline import still_wanted
from engine.plan.logical import Interval
from engine.plan.physical import costs
from engine.plan.physical.linear import RELATIONS, rows_in, sum_of
from engine.plan.physical.numbers import Numbers, compare, inside
from engine.plan.physical.one_column import column_of, decided
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.people import of_people
from engine.plan.physical.predicates import describe_interval
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, asks_all, existing, few
from engine.plan.physical.terms import Term


class _OfNumbers(Operator):
    """A test of numbers, which the orders of columns tell of most rows at once, if they tell it at all."""

    __slots__ = ()

    @abstractmethod
    def _known(self, context: Context) -> tuple[Words, BitMap] | None:
        """The rows for which it holds, as far as orders of columns tell, and those of which they do not."""

    @abstractmethod
    def _each(self, context: Context, within: BitMap | None) -> BitMap:
        """Tested row by row."""

    def dense(self, context: Context) -> Words | None:
        still_wanted()
        known = self._known(context)
        if known is None:
            return None
        found, others = fitted(known[0], context.space.size), known[1]
        if not others:
            return found
        changed = found.copy()
        take(others, changed)
        add(self._each(context, others), changed)
        return changed

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        words = None if few(within, context.space) else self.dense(context)
        if words is None:
            still_wanted()
            return self._each(context, within)
        found = from_words(words)
        return found if within is None else found & within

    def count(self, context: Context, within: BitMap | None) -> int:
        words = self.dense(context) if asks_all(within, context.space) else None
        return len(self.run(context, within)) if words is None else members(existing(words, within, context.space))


@dataclass(frozen=True, slots=True)
class NumberTest(_OfNumbers):
    """Rows for which a term has a value that lies in one of the intervals."""

    term: Term
    intervals: tuple[Interval, ...]

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED if column_of(self.term) is None else Effort.SCANNED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return self.term.selections

    @property
    def label(self) -> str:
        return f"{self.term.label} in {' or '.join(map(describe_interval, self.intervals))}"

    def _known(self, context: Context) -> tuple[Words, BitMap] | None:
        by_value = decided(self.term, self._holds, context)
        if by_value is not None:
            return by_value.words(), by_value.beside
        people = of_people(self.term, self._holds, context)
        if people is not None:
            return people.words(context.space.size), people.beside
        found = sum_of(self.term) if len(self.intervals) == 1 else None
        return None if found is None else rows_in(found, self.intervals[0], context)

    def _each(self, context: Context, within: BitMap | None) -> BitMap:
        domain = Domain.of(context.space, within)
        return domain.select(self._holds(self.term.numbers(context, domain)), within)

    def _holds(self, numbers: Numbers) -> Mask:
        return inside(numbers, self.intervals)

    def count(self, context: Context, within: BitMap | None) -> int:
        told = self._told(context) if within is None else None
        # Not super(): see `ActiveIn.run`.
        return _OfNumbers.count(self, context, within) if told is None else told

    def _told(self, context: Context) -> int | None:
        """How many rows there are, where none need be found."""
        by_value = decided(self.term, self._holds, context)
        if by_value is not None:
            return by_value.count()
        people = of_people(self.term, self._holds, context)
        return None if people is None else people.count(context.space.size)

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + self.term.cost(context, costs.places(asked, context.space))

    def estimate(self, context: Context) -> int:
        return context.space.existing // 3


@dataclass(frozen=True, slots=True)
class NumberComparison(_OfNumbers):
    """Rows for which both terms have values that stand in the relation."""

    operator: str
    left: Term
    right: Term

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return self.left.selections + self.right.selections

    @property
    def label(self) -> str:
        return f"{self.left.label} {self.operator} {self.right.label}"

    def _known(self, context: Context) -> tuple[Words, BitMap] | None:
        left, right = sum_of(self.left), sum_of(self.right)
        if left is None or right is None:
            return None
        return rows_in(left.plus(right, -1), RELATIONS[self.operator], context)

    def _each(self, context: Context, within: BitMap | None) -> BitMap:
        domain = Domain.of(context.space, within)
        left, right = self.left.numbers(context, domain), self.right.numbers(context, domain)
        return domain.select(compare(self.operator, left, right), within)

    def cost(self, context: Context, asked: float) -> float:
        places = costs.places(asked, context.space)
        return costs.STEP + self.left.cost(context, places) + self.right.cost(context, places) + costs.TERM * places

    def estimate(self, context: Context) -> int:
        return context.space.existing // 3
