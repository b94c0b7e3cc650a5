"""Disjunctions."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Operator


@dataclass(frozen=True, slots=True)
class Union(Operator):
    """A or B or ...; two or more items."""

    items: tuple[Operator, ...]

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return self.items

    @property
    def label(self) -> str:
        return "any of"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        return BitMap.union(*(item.run(context, within) for item in self.items))

    def count(self, context: Context, within: BitMap | None) -> int:
        """|A or B| = |A| + |B| - |A and B|."""
        *others, last = (item.run(context, within) for item in self.items)
        return BitMap.union(*others).union_cardinality(last)

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + sum(item.cost(context, asked) + costs.BITMAP * asked for item in self.items)

    def estimate(self, context: Context) -> int:
        """Under independence: what is left of the product of the complements' shares."""
        size = max(1, len(context.space.everything))
        left_out = 1.0
        for item in self.items:
            left_out *= 1 - min(1.0, item.estimate(context) / size)
        return round((1 - left_out) * size)
