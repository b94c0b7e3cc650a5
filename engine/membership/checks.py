"""Checks: conditions that are asked of one contact."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pyroaring import BitMap

from dsl.draw import draw
from dsl.moments import Unit
from dsl.typed import Condition
from engine.membership.facts import Check, Chosen, Facts, When
from engine.membership.occasions import Counted
from engine.membership.values import ValueTest

# --- combined ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Everyone, or nobody."""

    answer: bool

    def holds(self, facts: Facts) -> bool:
        return self.answer


@dataclass(frozen=True, slots=True, eq=False)
class All:
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        for check in self.checks:  # noqa: SIM110  a generator would cost as much as the checks
            if not check.holds(facts):
                return False
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Any_:
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        for check in self.checks:  # noqa: SIM110
            if check.holds(facts):
                return True
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Negated:
    check: Check

    def holds(self, facts: Facts) -> bool:
        return not self.check.holds(facts)


@dataclass(frozen=True, slots=True, eq=False)
class Enough:
    """At least so many hold."""

    needed: int
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        held = 0
        for check in self.checks:
            held += check.holds(facts)
            if held >= self.needed:
                return True
        return self.needed <= 0


# --- of the contact ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class FieldAmong:
    """`OfField` of what is asked most: whether a value is one of some."""

    name: str
    values: frozenset[object]
    folded: bool

    def holds(self, facts: Facts) -> bool:
        row = facts.contact
        return (row.texts if self.folded else row.values)[self.name] in self.values


@dataclass(frozen=True, slots=True, eq=False)
class FieldBetween:
    """`OfField` of what is asked most: whether a value is in a range, both ends of which are part of it."""

    name: str
    low: int | float | Fraction
    high: int | float | Fraction

    def holds(self, facts: Facts) -> bool:
        value: Any = facts.contact.values[self.name]
        return value is not None and self.low <= value <= self.high


@dataclass(frozen=True, slots=True, eq=False)
class OfField:
    name: str
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        row, test = facts.contact, self.test
        value = (row.texts if test.folded else row.values)[self.name]
        return value is not None and test.holds(value, facts)


@dataclass(frozen=True, slots=True, eq=False)
class OfCompanyField:
    """Of the contact's company, which is there."""

    name: str
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        company, test = facts.company, self.test
        assert company is not None, "fields of companies are asked about below `WithCompany`"
        value = (company.texts if test.folded else company.values)[self.name]
        return value is not None and test.holds(value, facts)


@dataclass(frozen=True, slots=True, eq=False)
class WithCompany:
    check: Check

    def holds(self, facts: Facts) -> bool:
        return facts.company is not None and self.check.holds(facts)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """In a sample: the draw for a seed's fingerprint is below a limit."""

    seed: int
    limit: int

    def holds(self, facts: Facts) -> bool:
        return draw(facts.fingerprint, self.seed) < self.limit


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    key: str
    rules_only: bool

    def holds(self, facts: Facts) -> bool:
        return (facts.ruled if self.rules_only else facts.members)[self.key]


@dataclass(frozen=True, slots=True, eq=False)
class Overridden:
    """In a segment: (rules - removed) | added, the rules narrowed by its parent's members."""

    key: str
    added: BitMap
    removed: BitMap

    def holds(self, facts: Facts) -> bool:
        return facts.row in self.added or (facts.row not in self.removed and facts.ruled[self.key])


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What there is no other check for."""

    condition: Condition

    def holds(self, facts: Facts) -> bool:
        return facts.planned[self]


# --- of its events -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """The number of events lies in low..high."""

    counted: Counted
    when: When
    low: int
    high: int | float

    def holds(self, facts: Facts) -> bool:
        at = facts.chosen[self.counted].at
        if len(at) < self.low:
            return False
        if not at:
            return True
        start, end = facts.bounds[self.when]
        return self.low <= bisect_left(at, end) - bisect_left(at, start) <= self.high


@dataclass(frozen=True, slots=True, eq=False)
class Regular:
    """Events lie in low..high of the last so many spans of a unit."""

    counted: Counted
    when: When
    low: int
    high: int | float
    spans: int
    unit: Unit

    def holds(self, facts: Facts) -> bool:
        chosen = facts.chosen[self.counted]
        return len(chosen.at) >= self.low and self.low <= self.held(chosen, facts) <= self.high

    def held(self, chosen: Chosen, facts: Facts) -> int:
        """In how many of the spans events lie: from the newest back, until no event is older."""
        at, (low, high) = chosen.at, chosen.span(facts.bounds[self.when])
        after = bisect_left(at, facts.steps[0, self.unit], 0, high)
        held = 0
        for back in range(1, self.spans + 1):
            if after <= low:
                break
            first = bisect_left(at, facts.steps[back, self.unit], low, after)
            held += first < after
            after = first
        return held


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A test of the moment of the first or last event, or of a property there."""

    counted: Counted
    when: When
    last: bool
    property: str | None
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        chosen = facts.chosen[self.counted]
        if not chosen.at:
            return False
        first, after = chosen.span(facts.bounds[self.when])
        if first == after:
            return False
        event = after - 1 if self.last else first
        value = chosen.at[event] if self.property is None else chosen.value(event, self.property, self.test.folded)
        return value is not None and self.test.holds(value, facts)
