"""Tests of one value, of a row or of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Protocol

from dsl import typed
from dsl.folding import fold
from dsl.moments import Window
from dsl.schema import Type
from engine.membership.facts import Facts, When
from engine.tables.literals import Literals, of_like, of_regex
from engine.tables.texts import strings, text_mask


class ValueTest(Protocol):
    """Whether a value that is not missing fits. `folded` says in which form texts are asked about."""

    @property
    def folded(self) -> bool: ...

    def holds(self, value: Any, facts: Facts) -> bool: ...


@dataclass(frozen=True, slots=True)
class Among:
    values: frozenset[object]
    folded: bool = False

    def holds(self, value: Any, facts: Facts) -> bool:
        return value in self.values


@dataclass(frozen=True, slots=True)
class Between:
    """Within a range, both ends of which are part of it; an end may be infinite."""

    low: int | float | Fraction
    high: int | float | Fraction
    folded: bool = False

    def holds(self, value: Any, facts: Facts) -> bool:
        found: bool = self.low <= value <= self.high
        return found


@dataclass(frozen=True, slots=True)
class BetweenOpen:
    """Within a range, an end of which is not part of it."""

    range: typed.Range
    folded: bool = False

    def holds(self, value: Any, facts: Facts) -> bool:
        low, high = self.range.low, self.range.high
        above = low is None or value > low or (value == low and not self.range.low_open)
        return above and (high is None or value < high or (value == high and not self.range.high_open))


@dataclass(frozen=True, slots=True)
class During:
    """A day or a moment within a window."""

    when: When
    folded: bool = False

    def holds(self, value: Any, facts: Facts) -> bool:
        start, end = facts.bounds[self.when]
        found: bool = start <= value < end
        return found


@dataclass(frozen=True, slots=True)
class Begins:
    text: str
    folded: bool = True

    def holds(self, value: Any, facts: Facts) -> bool:
        found: bool = value.startswith(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Ends:
    text: str
    folded: bool = True

    def holds(self, value: Any, facts: Facts) -> bool:
        found: bool = value.endswith(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Holds:
    text: str
    folded: bool = True

    def holds(self, value: Any, facts: Facts) -> bool:
        return self.text in value


@dataclass(frozen=True, slots=True)
class Pattern:
    """What indexes search texts for, asked by the same kernel of texts that have the pattern's literals."""

    predicate: typed.Like | typed.Matches
    literals: Literals
    folded: bool

    def holds(self, value: Any, facts: Facts) -> bool:
        form = value if self.folded else fold(value)
        if not form.startswith(self.literals.start) or self.literals.inside not in form:
            return False
        text = strings([value])
        return bool(text_mask(self.predicate, text, text)[0])


@dataclass(frozen=True, slots=True)
class AnyTag:
    tags: frozenset[str]
    folded: bool = True

    def holds(self, value: Any, facts: Facts) -> bool:
        return not self.tags.isdisjoint(value)


@dataclass(frozen=True, slots=True)
class AllTags:
    tags: frozenset[str]
    folded: bool = True

    def holds(self, value: Any, facts: Facts) -> bool:
        found: bool = self.tags <= value
        return found


@dataclass(frozen=True, slots=True)
class Present:
    folded: bool = False

    def holds(self, value: Any, facts: Facts) -> bool:
        return True


_TEXT = (Type.TEXT, Type.CHOICE)


def value_test(type: Type, predicate: typed.Predicate, when: Callable[[Window, bool], When]) -> ValueTest | None:
    """The test of values of a type; None for a predicate that there is none for. `when` has the one of each window."""
    match predicate:
        case typed.OneOf(values):
            return Among(frozenset(values), type in _TEXT)
        case typed.ExactlyOneOf(values):
            return Among(frozenset(values))
        case typed.Range(low, high, False, False):
            return Between(-inf if low is None else low, inf if high is None else high)
        case typed.Range():
            return BetweenOpen(predicate)
        case typed.During(window):
            return During(when(window, type is Type.DATE))
        case typed.StartsWith(text):
            return Begins(text)
        case typed.EndsWith(text):
            return Ends(text)
        case typed.Contains(text):
            return Holds(text)
        case typed.Like(pattern):
            return Pattern(predicate, of_like(pattern), folded=True)
        case typed.Matches(pattern):
            return Pattern(predicate, of_regex(pattern), folded=False)
        case typed.HasAny(values):
            return AnyTag(frozenset(values))
        case typed.HasAll(values):
            return AllTags(frozenset(values))
        case typed.IsSet():
            return Present()
        case _:
            return None
