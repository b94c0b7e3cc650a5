"""k of n."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator


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

    @property
    def effort(self) -> Effort:
        return max(item.effort for item in self.items)

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        enough, more = self._reached(context, within)
        return enough | more

    def count(self, context: Context, within: BitMap | None) -> int:
        enough, more = self._reached(context, within)
        return enough.union_cardinality(more)

    def _reached(self, context: Context, within: BitMap | None) -> tuple[BitMap, BitMap]:
        """The rows for which enough items hold before the last one, and those for which they do with the last.

        A thermometer: after each item, `reached[j]` holds the rows for which at least j items held so far, where the
        items that are left can still make them enough. `reached[0]`, all rows, is not kept.
        """
        *before, last = self.items
        reached = [BitMap() for _ in range(self.needed + 1)]
        for place, item in enumerate(before):
            found = item.run(context, within)
            left = len(before) - place
            for level in range(min(self.needed, place + 1), max(0, self.needed - left - 1), -1):
                more = found if level == 1 else reached[level - 1] & found
                reached[level] = reached[level] | more if reached[level] else more
        found = last.run(context, within)
        return reached[-1], found if self.needed == 1 else reached[-2] & found

    def cost(self, context: Context, asked: float) -> float:
        levels = self.needed * len(self.items) * (costs.STEP + costs.BITMAP * asked)
        return levels + sum(item.cost(context, asked) for item in self.items)

    def estimate(self, context: Context) -> int:
        """The k-th most frequent item bounds how many rows can be expected to hold k."""
        return sorted(map(context.estimate, self.items), reverse=True)[self.needed - 1]
