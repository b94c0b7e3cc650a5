"""Tests of one column that can be asked as one question."""

from __future__ import annotations

from typing import TypeVar

from dsl.typed import ExactlyOneOf, HasAll, HasAny, OneOf
from engine.plan.logical import Intersection, Match, Plan, Union
from engine.plan.rewrites.driver import where_among
from engine.plan.rewrites.merging import merge_matches
from engine.reading import ColumnPredicate


@where_among(Match)
def merge_values(plan: Intersection | Union) -> Plan:
    """`a = x or a = y` is `a in (x, y)`; `t has x and t has y` is `t has all (x, y)`.

    >>> from dsl.schema import Field, Type
    >>> from dsl.typed import Scope
    >>> country = Field("country", Type.TEXT)
    >>> fr, be = (Match(Scope.CONTACTS, country, OneOf((code,))) for code in ("fr", "be"))
    >>> [match.predicate for match in merge_values(Union((fr, be))).items]
    [OneOf(values=('fr', 'be'))]
    """
    return merge_matches(plan, _either if isinstance(plan, Union) else _both)


def _either(match: Match, right: ColumnPredicate) -> ColumnPredicate | None:
    match match.predicate, right:
        case OneOf(ours), OneOf(theirs):
            return OneOf(_together(ours, theirs))
        case ExactlyOneOf(ours), ExactlyOneOf(theirs):
            return ExactlyOneOf(_together(ours, theirs))
        case HasAny(ours), HasAny(theirs):
            return HasAny(_together(ours, theirs))
        case _:
            return None


def _both(match: Match, right: ColumnPredicate) -> ColumnPredicate | None:
    match match.predicate, right:
        case ((HasAll(ours) | HasAny((_,) as ours)), (HasAll(theirs) | HasAny((_,) as theirs))):
            return HasAll(_together(ours, theirs))
        case _:
            return None


V = TypeVar("V")


def _together(ours: tuple[V, ...], theirs: tuple[V, ...]) -> tuple[V, ...]:
    return tuple(dict.fromkeys(ours + theirs))
