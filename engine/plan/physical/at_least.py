"""k of n."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from pyroaring import BitMap

from engine.bitmaps import Words, from_words, members, members_of_either, to_words
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.space import asks_all, candidates, existing

Rows = TypeVar("Rows", BitMap, Words)


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
        words = self.dense(context) if asks_all(within, context.space) else None
        if words is not None:
            return from_words(existing(words, within, context.space))
        enough, more = self._reached(item.run(context, within) for item in self.items)
        return more if enough is None else enough | more

    def count(self, context: Context, within: BitMap | None) -> int:
        found = self._dense(context) if asks_all(within, context.space) else None
        if found is None:
            enough, more = self._reached(item.run(context, within) for item in self.items)
            return len(more) if enough is None else enough.union_cardinality(more)
        before, last = self._reached(existing(words, within, context.space) for words in found)
        return members(last) if before is None else members_of_either(before, last)

    def dense(self, context: Context) -> Words | None:
        found = self._dense(context)
        if found is None:
            return None
        enough, more = self._reached(found)
        return more if enough is None else enough | more

    def _dense(self, context: Context) -> list[Words] | None:
        """The rows of each item as words; None where no item has them."""
        found = [item.dense(context) for item in self.items]
        if all(words is None for words in found):
            return None
        asked, size = candidates(context.space), context.space.size
        return [
            to_words(item.run(context, asked), size) if words is None else words
            for item, words in zip(self.items, found, strict=True)
        ]

    def _reached(self, found: Iterable[Rows]) -> tuple[Rows | None, Rows]:
        """Of what is found of each item, as bitmaps or as words: the rows for which enough items hold before the last
        one, if there may be any, and those for which they do with the last.

        A thermometer: after each item, `reached[j]` holds the rows for which at least j items held so far, where the
        items that are left can still make them enough. `reached[0]`, all rows, is not kept.
        """
        reached: list[Rows | None] = [None] * (self.needed + 1)
        for place, rows in enumerate(found):
            left = len(self.items) - 1 - place
            if not left:
                below = reached[-2] if self.needed > 1 else None
                return reached[-1], rows if below is None else below & rows
            for level in range(min(self.needed, place + 1), max(0, self.needed - left - 1), -1):
                under = reached[level - 1] if level > 1 else None
                more = rows if under is None else under & rows
                held = reached[level]
                reached[level] = more if held is None else held | more
        raise AssertionError("there are items")

    def cost(self, context: Context, asked: float) -> float:
        levels = self.needed * len(self.items) * (costs.STEP + costs.BITMAP * asked)
        return levels + sum(item.cost(context, asked) for item in self.items)

    def estimate(self, context: Context) -> int:
        """The k-th most frequent item bounds how many rows can be expected to hold k."""
        return sorted(map(context.estimate, self.items), reverse=True)[self.needed - 1]
