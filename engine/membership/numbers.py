"""Numbers that are calculated for one contact, exactly; floats are left to plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import eq, ge, gt, le, lt
from typing import Any

import numpy as np

from dsl.draw import draw
from dsl.moments import day_of
from dsl.schema import Type
from dsl.typed import AggregateFunction, Operator, Part
from engine.membership.facts import Calculated, Facts, When
from engine.membership.occasions import Counted
from engine.membership.values import ValueTest
from engine.plan.physical.calendar import date_part, local_days, local_hours

Number = int | Fraction | None


@dataclass(frozen=True, slots=True, eq=False)
class OfColumn:
    """The physical value of a field of the contact that holds whole numbers."""

    name: str

    def of(self, facts: Facts) -> Number:
        value: Any = facts.contact.values[self.name]
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    value: int | Fraction

    def of(self, facts: Facts) -> Number:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """The number of events."""

    counted: Counted
    when: When

    def of(self, facts: Facts) -> Number:
        chosen = facts.chosen[self.counted]
        first, after = chosen.span(facts.bounds[self.when]) if chosen.at else (0, 0)
        return after - first


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """An aggregate of a property of events, physical but for a mean (see `engine.plan.logical.Measure`)."""

    function: AggregateFunction
    counted: Counted
    when: When
    property: str
    folded: bool
    decimals: int

    def of(self, facts: Facts) -> Number:
        chosen = facts.chosen[self.counted]
        first, after = chosen.span(facts.bounds[self.when]) if chosen.at else (0, 0)
        values: list[Any] = []
        if first < after:
            values = [v for v in chosen.values(self.property, self.folded)[first:after] if v is not None]
        match self.function:
            case AggregateFunction.SUM:
                return int(sum(values))
            case AggregateFunction.DISTINCT:
                return len(set(values))
            case _ if not values:
                return None
            case AggregateFunction.AVG:
                return Fraction(sum(values), len(values) * 10**self.decimals)
            case AggregateFunction.MIN:
                return int(min(values))
            case AggregateFunction.MAX:
                return int(max(values))
            case _:
                raise TypeError(f"no check measures {self.function}")


@dataclass(frozen=True, slots=True, eq=False)
class Unscaled:
    number: Calculated
    decimals: int

    def of(self, facts: Facts) -> Number:
        found = facts.numbers[self.number]
        return None if found is None else Fraction(found, 10**self.decimals)


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    number: Calculated
    factor: int

    def of(self, facts: Facts) -> Number:
        found = facts.numbers[self.number]
        return None if found is None else found * self.factor


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    operator: Operator
    left: Calculated
    right: Calculated

    def of(self, facts: Facts) -> Number:
        left, right = facts.numbers[self.left], facts.numbers[self.right]
        if left is None or right is None:
            return None
        match self.operator:
            case Operator.ADD:
                return left + right
            case Operator.SUBTRACT:
                return left - right
            case Operator.MULTIPLY:
                return left * right
            case Operator.DIVIDE:
                return Fraction(left, right) if right else None


@dataclass(frozen=True, slots=True, eq=False)
class PartOfDate:
    part: Part
    name: str
    type: Type

    def of(self, facts: Facts) -> Number:
        value: Any = facts.contact.values[self.name]
        if value is None:
            return None
        zone = facts.clock.zone
        moment = np.array([value], np.int64)
        if self.part is Part.HOUR:
            return int(local_hours(moment, self.type, str(zone))[0])
        today = day_of(facts.clock.now, zone) if self.part is Part.YEARS_SINCE else 0
        return int(date_part(self.part, local_days(moment, self.type, str(zone)), today)[0])


@dataclass(frozen=True, slots=True, eq=False)
class InBucket:
    seed: int
    buckets: int

    def of(self, facts: Facts) -> Number:
        return draw(facts.fingerprint, self.seed) * self.buckets >> 64


@dataclass(frozen=True, slots=True, eq=False)
class NumberFits:
    """A test of a number."""

    number: Calculated
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        found = facts.numbers[self.number]
        return found is not None and self.test.holds(found, facts)


RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True, eq=False)
class Stands:
    """Two numbers stand in a relation."""

    relation: str
    left: Calculated
    right: Calculated

    def holds(self, facts: Facts) -> bool:
        left, right = facts.numbers[self.left], facts.numbers[self.right]
        return left is not None and right is not None and RELATIONS[self.relation](left, right)
