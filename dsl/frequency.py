"""How often: `at least 3`, `between 2 and 5` and their kin, as ranges of counts."""

from __future__ import annotations

from dsl.problems import Span
from dsl.tree import Bound
from dsl.typed import And, AtLeast, Condition, Did, Everyone, Nobody, Not, Selector


def reaches(bound: Bound, count: int, high: int) -> tuple[int, int | None]:
    """[low, high] of the counts that fit, both included; `high` counts for BETWEEN alone.

    >>> reaches(Bound.FEWER, 3, 3)
    (0, 2)
    """
    match bound:
        case Bound.AT_LEAST:
            return count, None
        case Bound.AT_MOST:
            return 0, count
        case Bound.EXACTLY:
            return count, count
        case Bound.MORE:
            return count + 1, None
        case Bound.FEWER:
            return 0, count - 1
        case Bound.BETWEEN:
            return count, high


def did(span: Span, selector: Selector, low: int, high: int | None) -> Condition:
    """Contacts with `low` to `high` such events: everyone or nobody where counts cannot tell."""
    if high is not None and high < low:
        return Nobody(span)
    if low == 0 and high is None:
        return Everyone(span)
    return Did(span, selector, low, high)


def quorum(span: Span, bound: Bound, count: int, items: tuple[Condition, ...]) -> Condition:
    """At least, at most or exactly `count` of `items`, made of `AtLeast` and `Not`."""
    match bound:
        case Bound.AT_LEAST:
            return _at_least(span, count, items)
        case Bound.AT_MOST:
            return _at_most(span, count, items)
        case Bound.EXACTLY if count == 0:
            return _at_most(span, 0, items)
        case Bound.EXACTLY if count == len(items):
            return _at_least(span, count, items)
        case Bound.EXACTLY:
            return And(span, (_at_least(span, count, items), _at_most(span, count, items)))
        case _:
            raise ValueError(f"no quorum is said with {bound}")


def _at_least(span: Span, count: int, items: tuple[Condition, ...]) -> Condition:
    return AtLeast(span, count, items) if count > 0 else Everyone(span)


def _at_most(span: Span, count: int, items: tuple[Condition, ...]) -> Condition:
    return Not(span, AtLeast(span, count + 1, items)) if count < len(items) else Everyone(span)
