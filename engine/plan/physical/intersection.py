"""Conjunctions: each operator is asked only about what the ones before it left."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pyroaring import BitMap

from engine.bitmaps import Words, all_of, from_words, members_of_both
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator, Stored
from engine.plan.physical.space import are_few, asks_all, existing

Led = tuple[list[Words], tuple[Operator, ...]]
"""Of the first operators their words; the other operators."""


@dataclass(frozen=True, slots=True, eq=False)
class Intersection(Operator):
    """A and B and ...; `items` (two or more) in the order in which they are asked: light and selective ones first."""

    items: tuple[Operator, ...]

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return self.items

    @property
    def label(self) -> str:
        return "all of"

    @property
    def effort(self) -> Effort:
        return max(item.effort for item in self.items)

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        dense, others = self._leading(context, within)
        left = from_words(existing(all_of(dense), within, context.space)) if dense else within
        for item in others:
            left = item.run(context, left)
            if not left:
                break
        assert left is not None, "an intersection has items"
        return left

    def count(self, context: Context, within: BitMap | None) -> int:
        dense, others = self._leading(context, within)
        if not others:
            return members_of_both(existing(all_of(dense[:-1]), within, context.space), dense[-1])
        left = from_words(existing(all_of(dense), within, context.space)) if dense else within
        for item in others[:-1]:
            left = item.run(context, left)
            if not left:
                return 0
        return others[-1].count(context, left)

    def dense(self, context: Context) -> Words | None:
        found, others = self._first_dense(context)
        return None if others else all_of(found)

    def _leading(self, context: Context, within: BitMap | None) -> Led:
        """The same where all rows are asked about: bitmaps that are at hand are as good as words that stand alone."""
        found, others = self._first_dense(context) if asks_all(within, context.space) else ([], self.items)
        return ([], self.items) if len(found) == 1 and isinstance(self.items[0], Stored) else (found, others)

    def _first_dense(self, context: Context) -> Led:
        """Words of the first items while they are dense, and the items after these. What reads events is asked about
        all rows only while many are left."""
        found: list[Words] = []
        for place, item in enumerate(self.items):
            if found and item.effort > Effort.SCANNED and are_few(all_of(found), context.space):
                return found, self.items[place:]
            words = item.dense(context)
            if words is None:
                return found, self.items[place:]
            found.append(words)
        return found, ()

    def cost(self, context: Context, asked: float) -> float:
        total = costs.STEP
        for item in self.items:
            total += item.cost(context, asked)
            asked *= context.share(item)
        return total

    def estimate(self, context: Context) -> int:
        """Under independence: the product of the shares."""
        return round(prod(map(context.share, self.items)) * context.space.existing)
