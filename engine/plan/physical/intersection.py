"""Conjunctions: each operator is asked only about what the ones before it left."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pyroaring import BitMap

from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator


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
        return self.items[-1].run(context, self._but_last(context, within))

    def count(self, context: Context, within: BitMap | None) -> int:
        return self.items[-1].count(context, self._but_last(context, within))

    def _but_last(self, context: Context, within: BitMap | None) -> BitMap | None:
        left = within
        for item in self.items[:-1]:
            left = item.run(context, left)
            if not left:
                break
        return left

    def cost(self, context: Context, asked: float) -> float:
        total = costs.STEP
        for item in self.items:
            total += item.cost(context, asked)
            asked *= context.share(item)
        return total

    def estimate(self, context: Context) -> int:
        """Under independence: the product of the shares."""
        return round(prod(map(context.share, self.items)) * context.space.existing)
