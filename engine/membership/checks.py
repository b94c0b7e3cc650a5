"""Checks: conditions that are asked of one contact."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from dsl.draw import draw
from dsl.moments import Unit, Window
from dsl.typed import Condition
from engine.membership.facts import Check, Chosen, Facts
from engine.membership.occasions import Counted
from engine.membership.values import ValueTest

# --- combined ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """Everyone, or nobody."""

    answer: bool

    def holds(self, facts: Facts) -> bool:
        return self.answer


@dataclass(frozen=True, slots=True)
class All:
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        for check in self.checks:  # noqa: SIM110  a generator would cost as much as the checks
            if not check.holds(facts):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Any_:
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        for check in self.checks:  # noqa: SIM110
            if check.holds(facts):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Negated:
    check: Check

    def holds(self, facts: Facts) -> bool:
        return not self.check.holds(facts)


@dataclass(frozen=True, slots=True)
class Enough:
    """At least so many hold."""

    needed: int
    checks: tuple[Check, ...]

    def holds(self, facts: Facts) -> bool:
        return sum(check.holds(facts) for check in self.checks) >= self.needed


# --- of the contact ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfField:
    name: str
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        test = self.test
        value = facts.contact.folded(self.name) if test.folded else facts.contact.value(self.name)
        return value is not None and test.holds(value, facts)


@dataclass(frozen=True, slots=True)
class OfCompanyField:
    """Of the contact's company, which is there."""

    name: str
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        company, test = facts.company, self.test
        assert company is not None, "fields of companies are asked about below `WithCompany`"
        value = company.folded(self.name) if test.folded else company.value(self.name)
        return value is not None and test.holds(value, facts)


@dataclass(frozen=True, slots=True)
class WithCompany:
    check: Check

    def holds(self, facts: Facts) -> bool:
        return facts.company is not None and self.check.holds(facts)


@dataclass(frozen=True, slots=True)
class Drawn:
    """In a sample: the draw for a seed's fingerprint is below a limit."""

    seed: int
    limit: int

    def holds(self, facts: Facts) -> bool:
        return draw(facts.fingerprint, self.seed) < self.limit


@dataclass(frozen=True, slots=True)
class Member:
    key: str
    rules_only: bool

    def holds(self, facts: Facts) -> bool:
        return facts.ruled(self.key) if self.rules_only else facts.member(self.key)


@dataclass(frozen=True, slots=True)
class Planned:
    """What there is no other check for."""

    condition: Condition

    def holds(self, facts: Facts) -> bool:
        return facts.planned(self.condition)


# --- of its events -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """The number of events lies in low..high."""

    counted: Counted
    window: Window | None
    low: int
    high: int | None

    def holds(self, facts: Facts) -> bool:
        chosen = facts.chosen(self.counted)
        if len(chosen.at) < self.low:
            return False
        if not chosen.at:
            return True
        first, after = chosen.span(facts.bounds(self.window))
        return self.low <= after - first and (self.high is None or after - first <= self.high)


@dataclass(frozen=True, slots=True)
class Regular:
    """Events lie in low..high of the last so many spans of a unit."""

    counted: Counted
    window: Window | None
    low: int
    high: int | None
    spans: int
    unit: Unit

    def holds(self, facts: Facts) -> bool:
        chosen = facts.chosen(self.counted)
        if len(chosen.at) < self.low:
            return False
        held = self.held(chosen, facts)
        return self.low <= held and (self.high is None or held <= self.high)

    def held(self, chosen: Chosen, facts: Facts) -> int:
        """In how many of the spans events lie: from the newest back, until no event is older."""
        at, (low, high) = chosen.at, chosen.span(facts.bounds(self.window))
        after = bisect_left(at, facts.back(0, self.unit), 0, high)
        held = 0
        for back in range(1, self.spans + 1):
            if after <= low:
                break
            first = bisect_left(at, facts.back(back, self.unit), low, after)
            held += first < after
            after = first
        return held


@dataclass(frozen=True, slots=True)
class Edge:
    """A test of the moment of the first or last event, or of a property there."""

    counted: Counted
    window: Window | None
    last: bool
    property: str | None
    test: ValueTest

    def holds(self, facts: Facts) -> bool:
        chosen = facts.chosen(self.counted)
        if not chosen.at:
            return False
        first, after = chosen.span(facts.bounds(self.window))
        if first == after:
            return False
        values = chosen.at if self.property is None else chosen.values(self.property, self.test.folded)
        value = values[after - 1 if self.last else first]
        return value is not None and self.test.holds(value, facts)
