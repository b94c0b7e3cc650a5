"""Disjunctions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pyroaring import BitMap

from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Operator


@dataclass(frozen=True, slots=True, eq=False)
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
        left_out = prod(1 - context.share(item) for item in self.items)
        return round((1 - left_out) * context.space.existing)
