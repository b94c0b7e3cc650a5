"""Field against field where the values are text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.folding import fold
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.edges import edges
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, PartSpace
from engine.reading import Column

AT_ONCE = 1 << 13
"""So many texts are folded between two looks at the deadline."""

Texts = NDArray[np.object_]
"""Folded text at each place of a domain; None where missing."""


class TextTerm(ABC):
    __slots__ = ()

    @abstractmethod
    def texts(self, context: Context, domain: Domain) -> Texts: ...

    @abstractmethod
    def cost(self, context: Context, places: float) -> float:
        """About how many nanoseconds `texts` takes for a domain of so many places."""

    @property
    @abstractmethod
    def label(self) -> str: ...

    @property
    def selections(self) -> tuple[Selection, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class TextValue(TextTerm):
    column: str

    @property
    def label(self) -> str:
        return self.column

    def cost(self, context: Context, places: float) -> float:
        return costs.TEXT_TERM * places

    def texts(self, context: Context, domain: Domain) -> Texts:
        column = context.space.column(self.column)
        found = np.full(domain.size, None, object)
        if column is not None:
            found[:] = _folded(column, domain.all_rows())
        return found


@dataclass(frozen=True, slots=True)
class TextEdge(TextTerm):
    """The text of a property of the first or last selected event."""

    events: Selection
    last: bool
    column: str

    @property
    def label(self) -> str:
        return f"{'last' if self.last else 'first'} {self.column} of {self.events.label}"

    @property
    def selections(self) -> tuple[Selection, ...]:
        return (self.events,)

    def cost(self, context: Context, places: float) -> float:
        selected = self.events.among(context, places)
        read = costs.TEXT_TERM * min(selected, places) / 4
        return self.events.cost(context, places) + costs.EDGE * selected + read

    def texts(self, context: Context, domain: Domain) -> Texts:
        found = np.full(domain.size, None, object)
        for picked in edges(self.events, self.last, context, domain):
            column = PartSpace(picked.part).column(self.column)
            if column is not None:
                found[picked.places] = _folded(column, picked.row_numbers())
        return found


def _folded(column: Column, rows: NDArray[np.uint32]) -> list[str | None]:
    found: list[str | None] = []
    for begin in range(0, rows.size, AT_ONCE):
        still_wanted()
        values = column.values(rows[begin : begin + AT_ONCE])
        known = {value: None if value is None else fold(str(value)) for value in set(values)}
        found += [known[value] for value in values]
    return found


@dataclass(frozen=True, slots=True)
class TextComparison(Operator):
    """Rows for which both texts are there and equal."""

    left: TextTerm
    right: TextTerm

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return self.left.selections + self.right.selections

    @property
    def label(self) -> str:
        return f"{self.left.label} = {self.right.label}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        domain = Domain.of(context.space, within)
        left, right = self.left.texts(context, domain), self.right.texts(context, domain)
        same = np.zeros(domain.size, np.bool_)
        for begin in range(0, domain.size, AT_ONCE):
            still_wanted()
            ours, theirs = left[begin : begin + AT_ONCE], right[begin : begin + AT_ONCE]
            same[begin : begin + AT_ONCE] = (ours == theirs) & (ours != np.array(None))
        return domain.select(same, within)

    def cost(self, context: Context, asked: float) -> float:
        places = costs.places(asked, context.space)
        return costs.STEP + self.left.cost(context, places) + self.right.cost(context, places)

    def estimate(self, context: Context) -> int:
        return context.space.existing // 10
