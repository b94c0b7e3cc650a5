"""k of n."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Operator


@dataclass(frozen=True, slots=True, eq=False)
class AtLeast(Operator):
    """Rows for which at least `needed` of `items` hold; 1 <= needed <= len(items)."""

    needed: int
    items: tuple[Operator, ...]

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return self.items

    @property
    def label(self) -> str:
        return f"at least {self.needed} of"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        """A thermometer: after each item, `reached[j]` holds the rows for which more than j items held so far."""
        reached = [BitMap() for _ in range(self.needed)]
        for item in self.items:
            found = item.run(context, within)
            for level in range(self.needed - 1, 0, -1):
                reached[level] |= reached[level - 1] & found
            reached[0] |= found
        return reached[-1]

    def cost(self, context: Context, asked: float) -> float:
        levels = self.needed * len(self.items) * (costs.STEP + costs.BITMAP * asked)
        return levels + sum(item.cost(context, asked) for item in self.items)

    def estimate(self, context: Context) -> int:
        """The k-th most frequent item bounds how many rows can be expected to hold k."""
        return sorted(map(context.estimate, self.items), reverse=True)[self.needed - 1]
