"""Saved segments: their rules with the contacts that were added and removed by hand."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Words, add, below, take
from engine.plan.logical import Overrides
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator


@dataclass(frozen=True, slots=True, eq=False)
class Segment(Operator):
    """(rules - removed) | added; the rules alone without overrides."""

    key: str
    rules: Operator
    overrides: Overrides | None

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.rules,)

    @property
    def label(self) -> str:
        return f"{'rules' if self.overrides is None else 'members'} of segment {self.key!r}"

    @property
    def effort(self) -> Effort:
        return self.rules.effort

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        found = self.rules.run(context, within)
        if self.overrides is None:
            return found
        added = self.overrides.added & (context.space.everything if within is None else within)
        return (found - self.overrides.removed) | added

    def count(self, context: Context, within: BitMap | None) -> int:
        return self.rules.count(context, within) if self.overrides is None else len(self.run(context, within))

    def dense(self, context: Context) -> Words | None:
        found = self.rules.dense(context)
        if found is None or self.overrides is None:
            return found
        changed = found.copy()
        take(below(self.overrides.removed, context.space.size), changed)
        add(self.overrides.added & context.space.everything, changed)
        return changed

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + costs.BITMAP * asked + self.rules.cost(context, asked)

    def estimate(self, context: Context) -> int:
        by_hand = 0 if self.overrides is None else len(self.overrides.added)
        return min(context.space.existing, context.estimate(self.rules) + by_hand)
