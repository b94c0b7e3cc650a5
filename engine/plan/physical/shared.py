"""What a plan asks more than once is answered once."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Words, from_words
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Operator, Stored


@dataclass(frozen=True, slots=True, eq=False)
class Shared(Stored):
    """An operator over contacts that occurs more than once: run the first time for all the execution asked about."""

    item: Operator

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.item,)

    @property
    def label(self) -> str:
        return "shared"

    def whole(self, context: Context) -> BitMap:
        """All the execution asked about for which the item holds: every other question is within that."""
        found = context.known.get(id(self.item))
        if found is None:
            _, words = context.spread.get(id(self.item), (self.item, None))
            rows = self.item.run(context, context.asked) if words is None else from_words(words)
            found = context.known[id(self.item)] = (self.item, rows)
        return found[1]

    def dense(self, context: Context) -> Words | None:
        if id(self.item) in context.known:
            return None
        found = context.spread.get(id(self.item))
        if found is None:
            found = context.spread[id(self.item)] = (self.item, self.item.dense(context))
        return found[1]

    def estimate(self, context: Context) -> int:
        return context.estimate(self.item)

    def cost(self, context: Context, asked: float) -> float:
        """That of the item the first time; afterwards its answer is known."""
        again = costs.STEP + costs.BITMAP * asked
        if id(self.item) in context.paid:
            return again
        context.paid[id(self.item)] = self.item
        return again + self.item.cost(context, context.space.size)
