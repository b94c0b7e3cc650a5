"""Disjunctions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pyroaring import BitMap

from engine.bitmaps import Words, add, any_of, from_words, members, members_of_both, union
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator, Stored
from engine.plan.physical.space import asks_all, candidates, existing, few


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

    @property
    def effort(self) -> Effort:
        return max(item.effort for item in self.items)

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        words = self.dense(context) if asks_all(within, context.space) else None
        if words is not None:
            return from_words(existing(words, within, context.space))
        found = union(self._found(context, within))
        return found if within is None or few(within, context.space) else found & within

    def count(self, context: Context, within: BitMap | None) -> int:
        """|A or B| = |A| + |B| - |A and B|."""
        words = self.dense(context) if asks_all(within, context.space) else None
        if words is not None:
            return members(words) if within is None else members_of_both(words, context.space.words)
        *others, last = self._found(context, within)
        if within is None or few(within, context.space):
            return union(others).union_cardinality(last)
        return union([*others, last]).intersection_cardinality(within)

    def dense(self, context: Context) -> Words | None:
        dense: list[Words] = []
        others: list[Operator] = []
        for item in self.items:
            words = item.dense(context)
            if words is None:
                others.append(item)
            else:
                dense.append(words)
        if not dense or not others:
            return any_of(dense) if dense else None
        found = any_of(dense) if len(dense) > 1 else dense[0].copy()
        asked = candidates(context.space)
        for item in others:
            add(item.run(context, asked), found)
        return found

    def _found(self, context: Context, within: BitMap | None) -> list[BitMap]:
        """Of each item; what is at hand is given whole where the candidates are many, to be narrowed once united."""
        narrow = within is not None and few(within, context.space)
        return [
            item.whole(context) if isinstance(item, Stored) and not narrow else item.run(context, within)
            for item in self.items
        ]

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + sum(item.cost(context, asked) + costs.BITMAP * asked for item in self.items)

    def estimate(self, context: Context) -> int:
        """Under independence: what is left of the product of the complements' shares."""
        left_out = prod(1 - context.share(item) for item in self.items)
        return round((1 - left_out) * context.space.existing)
