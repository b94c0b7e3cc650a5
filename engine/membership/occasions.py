"""Which events count: conditions on events, asked of those of one contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.membership.facts import EventTest, Facts, Happened, Value
from engine.membership.values import ValueTest


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Events of a type (None for any) for which a condition holds."""

    event: str | None
    where: EventTest | None


@dataclass(frozen=True, slots=True, eq=False)
class Having:
    """`OfProperty` of what is asked most: whether it has a value."""

    name: str
    folded: bool
    value: Value

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        return events.having(self.name, self.folded, self.value)


@dataclass(frozen=True, slots=True, eq=False)
class OfProperty:
    name: str
    test: ValueTest

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        test = self.test
        found = events.folded(self.name) if test.folded else events.values(self.name)
        holds = test.holds
        return [place for place, value in enumerate(found) if value is not None and holds(value, facts)]


@dataclass(frozen=True, slots=True, eq=False)
class EveryOf:
    tests: tuple[EventTest, ...]

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        left = set(self.tests[0].places(events, facts))
        for test in self.tests[1:]:
            if not left:
                break
            left.intersection_update(test.places(events, facts))
        return sorted(left)


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    tests: tuple[EventTest, ...]

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        return sorted(set[int]().union(*(test.places(events, facts) for test in self.tests)))


@dataclass(frozen=True, slots=True, eq=False)
class NotSo:
    test: EventTest

    def places(self, events: Happened, facts: Facts) -> Sequence[int]:
        others = set(self.test.places(events, facts))
        return [place for place in range(len(events.at)) if place not in others]
