"""Negations: a difference, or a complement within the rows that exist."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Words, members, members_but_not, shared, take
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.space import asks_all, candidates, existing


@dataclass(frozen=True, slots=True, eq=False)
class Difference(Operator):
    """A and not B."""

    keep: Operator
    drop: Operator

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.keep, self.drop)

    @property
    def effort(self) -> Effort:
        return max(self.keep.effort, self.drop.effort)

    @property
    def label(self) -> str:
        return "but not"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        return self.drop.without(context, self.keep.run(context, within))

    def dense(self, context: Context) -> Words | None:
        kept = self._kept(context)
        if kept is None:
            return None
        dropped = self.drop.dense(context)
        if dropped is not None:
            return kept & ~dropped
        found = kept.copy()
        take(self.drop.run(context, candidates(context.space)), found)
        return found

    def count(self, context: Context, within: BitMap | None) -> int:
        """|A - B| = |A| - |A and B|."""
        dense = self._kept(context) if asks_all(within, context.space) else None
        if dense is not None:
            return self._left(context, existing(dense, within, context.space))
        kept = self.keep.run(context, within)
        return len(kept) - self.drop.count(context, kept)

    def _kept(self, context: Context) -> Words | None:
        """A, unless B reads values or events: that is asked of A alone."""
        return self.keep.dense(context) if self.drop.effort <= Effort.INDEXED else None

    def _left(self, context: Context, kept: Words) -> int:
        """How many of those kept are left."""
        dropped = self.drop.dense(context)
        if dropped is not None:
            return members_but_not(kept, dropped)
        return members(kept) - shared(self.drop.run(context, candidates(context.space)), kept)

    def cost(self, context: Context, asked: float) -> float:
        kept = asked * context.share(self.keep)
        return costs.STEP + self.keep.cost(context, asked) + self.drop.cost(context, kept)

    def estimate(self, context: Context) -> int:
        return round(context.estimate(self.keep) * (1 - context.share(self.drop)))


@dataclass(frozen=True, slots=True, eq=False)
class Complement(Operator):
    """Not A: the rows that exist, but those of A."""

    item: Operator

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.item,)

    @property
    def label(self) -> str:
        return "not"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        return self.item.without(context, _everyone(context, within))

    def count(self, context: Context, within: BitMap | None) -> int:
        """|not A| = |U| - |A and U|."""
        return len(_everyone(context, within)) - self.item.count(context, within)

    def dense(self, context: Context) -> Words | None:
        dropped = self.item.dense(context) if self.item.effort <= Effort.SCANNED else None
        return None if dropped is None else context.space.words & ~dropped

    def without(self, context: Context, rows: BitMap) -> BitMap:
        return self.item.run(context, rows)

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + costs.BITMAP * asked + self.item.cost(context, asked)

    def estimate(self, context: Context) -> int:
        return max(0, context.space.existing - context.estimate(self.item))


def _everyone(context: Context, within: BitMap | None) -> BitMap:
    """Candidates exist; without any, every row does."""
    return context.space.everything if within is None else within
