"""Negations: a difference, or a complement within the rows that exist."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Words, from_words, members, members_but_not, shared, take
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.space import are_few, asks_all, candidates, existing


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
        kept = self.keep.dense(context)
        if kept is None:
            return None
        dropped = self._dropped(context, kept)
        if isinstance(dropped, BitMap):
            found = kept.copy()
            take(dropped, found)
            return found
        return None if dropped is None else kept & ~dropped

    def count(self, context: Context, within: BitMap | None) -> int:
        """|A - B| = |A| - |A and B|."""
        words = self.keep.dense(context) if asks_all(within, context.space) else None
        if words is None:
            kept = self.keep.run(context, within)
        else:
            words = existing(words, within, context.space)
            dropped = self._dropped(context, words)
            if isinstance(dropped, BitMap):
                return members(words) - shared(dropped, words)
            if dropped is not None:
                return members_but_not(words, dropped)
            kept = from_words(words)
        return len(kept) - self.drop.count(context, kept)

    def _dropped(self, context: Context, kept: Words) -> Words | BitMap | None:
        """All of B; None where it reads values or events, and has no words or A are few: that is asked of A alone."""
        light = self.drop.effort <= Effort.INDEXED
        words = self.drop.dense(context) if light or not are_few(kept, context.space) else None
        return self.drop.run(context, candidates(context.space)) if light and words is None else words

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
