"""Everything and nothing."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.plan.physical.operator import Context, Stored


@dataclass(frozen=True, slots=True, eq=False)
class Everything(Stored):
    """Every row that exists."""

    def whole(self, context: Context) -> BitMap:
        return context.space.everything

    def estimate(self, context: Context) -> int:
        return context.space.existing

    @property
    def label(self) -> str:
        return "everything"


@dataclass(frozen=True, slots=True, eq=False)
class Nothing(Stored):
    def whole(self, context: Context) -> BitMap:
        return BitMap()

    def estimate(self, context: Context) -> int:
        return 0

    @property
    def label(self) -> str:
        return "nothing"
