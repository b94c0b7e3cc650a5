"""Which events count: conditions on events, asked of those of one contact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.membership.facts import EventTest, Facts, Happened
from engine.membership.values import ValueTest


@dataclass(frozen=True, slots=True)
class Counted:
    """Events of a type (None for any) for which a condition holds."""

    event: str | None
    where: EventTest | None


@dataclass(frozen=True, slots=True)
class OfProperty:
    name: str
    test: ValueTest

    def mask(self, events: Happened, facts: Facts) -> list[bool]:
        test = self.test
        values = events.folded(self.name) if test.folded else events.values(self.name)
        return [value is not None and test.holds(value, facts) for value in values]


@dataclass(frozen=True, slots=True)
class EveryOf:
    tests: tuple[EventTest, ...]

    def mask(self, events: Happened, facts: Facts) -> list[bool]:
        return list(map(all, _event_by_event(self.tests, events, facts)))


@dataclass(frozen=True, slots=True)
class AnyOf:
    tests: tuple[EventTest, ...]

    def mask(self, events: Happened, facts: Facts) -> list[bool]:
        return list(map(any, _event_by_event(self.tests, events, facts)))


@dataclass(frozen=True, slots=True)
class NotSo:
    test: EventTest

    def mask(self, events: Happened, facts: Facts) -> list[bool]:
        return [not holds for holds in self.test.mask(events, facts)]


def _event_by_event(tests: tuple[EventTest, ...], events: Happened, facts: Facts) -> Iterable[tuple[bool, ...]]:
    return zip(*(test.mask(events, facts) for test in tests), strict=True)
