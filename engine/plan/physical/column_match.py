"""Conditions that a column's own index answers."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from dsl.typed import HasAll, HasAny, IsSet, OneOf, Range
from engine.bitmaps import Words, members
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator, Stored
from engine.plan.physical.predicates import describe_predicate
from engine.plan.physical.space import asks_all, existing
from engine.reading import ColumnPredicate

FEW_VALUES = 16
"""Uniting the bitmaps of so many values costs less than looking at the values of many candidates."""

FEW_APART = 4
"""What so many values have among candidates is counted one by one."""

_BY_VALUE = (OneOf, HasAny, HasAll, Range)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnMatch(Operator):
    """Rows whose value of a column satisfies a predicate."""

    column: str
    predicate: ColumnPredicate

    @property
    def effort(self) -> Effort:
        return Effort.INDEXED if type(self.predicate) in _BY_VALUE else Effort.SCANNED

    @property
    def label(self) -> str:
        return f"{self.column} {describe_predicate(self.predicate)}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        return _matching(context, self.column, self.predicate, within)

    def dense(self, context: Context) -> Words | None:
        still_wanted()
        return context.space.dense(self.column, self.predicate)

    def count(self, context: Context, within: BitMap | None) -> int:
        if within is not None:
            return len(self.run(context, within))
        known = self._known(context)
        if known is not None:
            return known
        words = self.dense(context)
        return len(self.run(context, None)) if words is None else members(words)

    def _known(self, context: Context) -> int | None:
        """How many rows match, where the column tells that without them."""
        still_wanted()
        column = context.space.column(self.column)
        return 0 if column is None else column.counted(self.predicate)

    def cost(self, context: Context, asked: float) -> float:
        return costs.column_cost(context.space.column(self.column), self.predicate, context.space, asked)

    def estimate(self, context: Context) -> int:
        return _estimate(context, self.column, self.predicate)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnLookup(Stored):
    """A column match whose answer the index holds as one bitmap or few: some values or tags, or any value at all."""

    column: str
    predicate: ColumnPredicate
    apart: tuple[ColumnPredicate, ...] = ()
    """One predicate for each of a few values, as no row has two of them; none for other predicates."""

    @property
    def effort(self) -> Effort:
        return Effort.APART if self.apart else Effort.STORED

    @property
    def label(self) -> str:
        return f"{self.column} {describe_predicate(self.predicate)}"

    def cost(self, context: Context, asked: float) -> float:
        values = 1 if type(self.predicate) is IsSet else len(self.predicate.values)  # type: ignore[union-attr]
        return costs.STEP + costs.BITMAP * asked * max(1, values)

    def count(self, context: Context, within: BitMap | None) -> int:
        """The sum of what each value has, without uniting them; what tags have is united as words."""
        still_wanted()
        if self.apart:
            found = [_matching(context, self.column, each, None) for each in self.apart]
            return sum(map(len if within is None else within.intersection_cardinality, found))
        several = isinstance(self.predicate, HasAny) and len(self.predicate.values) > 1
        words = self.dense(context) if several and asks_all(within, context.space) else None
        if words is None:
            return Stored.count(self, context, within)
        return members(existing(words, within, context.space))

    def dense(self, context: Context) -> Words | None:
        return context.space.dense(self.column, self.predicate)

    def whole(self, context: Context) -> BitMap:
        return _matching(context, self.column, self.predicate, None)

    def estimate(self, context: Context) -> int:
        return _estimate(context, self.column, self.predicate)


def column_match(column: str, predicate: ColumnPredicate, indexed_values: bool) -> ColumnMatch | ColumnLookup:
    """The lighter of the two; `indexed_values` says that the column's type is indexed value by value."""
    if type(predicate) is OneOf or type(predicate) is HasAny:
        held = indexed_values and len(predicate.values) <= FEW_VALUES
    else:
        held = type(predicate) is IsSet
    return ColumnLookup(column, predicate, _apart(predicate)) if held else ColumnMatch(column, predicate)


def _apart(predicate: ColumnPredicate) -> tuple[ColumnPredicate, ...]:
    if type(predicate) is OneOf and 1 < len(predicate.values) <= FEW_APART:
        return tuple(OneOf((value,)) for value in dict.fromkeys(predicate.values))
    return ()


def _matching(context: Context, name: str, predicate: ColumnPredicate, within: BitMap | None) -> BitMap:
    column = context.space.column(name)
    return BitMap() if column is None else column.matching(predicate, within)


def _estimate(context: Context, name: str, predicate: ColumnPredicate) -> int:
    column = context.space.column(name)
    return 0 if column is None else column.estimate(predicate)
