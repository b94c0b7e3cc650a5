"""Column predicates as people read them."""

from __future__ import annotations

from collections.abc import Iterable

from dsl.typed import (
    Contains,
    EndsWith,
    ExactlyOneOf,
    HasAll,
    HasAny,
    IsSet,
    Like,
    Matches,
    OneOf,
    Range,
    StartsWith,
)
from engine.plan.logical import Interval
from engine.reading import ColumnPredicate


def describe_predicate(predicate: ColumnPredicate) -> str:
    """What a column is asked, in physical values: `= 'fr'`, `in [3001..]`."""
    match predicate:
        case OneOf((value,)):
            return f"= {value!r}"
        case OneOf(values):
            return f"in {_listed(values)}"
        case ExactlyOneOf(values):
            return f"exactly {_listed(values)}"
        case Range(low, high, low_open, high_open):
            return f"in {describe_interval(Interval(low, high, low_open, high_open))}"
        case StartsWith(text):
            return f"starts with {text!r}"
        case EndsWith(text):
            return f"ends with {text!r}"
        case Contains(text):
            return f"contains {text!r}"
        case Like(pattern):
            return f"like {pattern!r}"
        case Matches(pattern, ignore_case):
            return f"matches /{pattern}/{'i' if ignore_case else ''}"
        case HasAny(values):
            return f"has any {_listed(values)}"
        case HasAll(values):
            return f"has all {_listed(values)}"
        case IsSet():
            return "is set"
        case _:
            raise TypeError(f"not a predicate: {type(predicate).__name__}")


def describe_interval(interval: Interval) -> str:
    """`[1..5)`: an absent end is left out, an open one has a round bracket."""
    low = "" if interval.low is None else str(interval.low)
    high = "" if interval.high is None else str(interval.high)
    return f"{'(' if interval.low_open else '['}{low}..{high}{')' if interval.high_open else ']'}"


def _listed(values: Iterable[object]) -> str:
    return f"({', '.join(map(repr, values))})"
