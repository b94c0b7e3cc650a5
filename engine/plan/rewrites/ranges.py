"""Ranges of one column that hold together are one range."""

from __future__ import annotations

from fractions import Fraction

from dsl.typed import Range
from engine.plan.logical import Intersection, Match, Plan
from engine.plan.rewrites.driver import where_among
from engine.plan.rewrites.merging import merge_matches
from engine.reading import ColumnPredicate


@where_among(Match)
def merge_ranges(plan: Intersection) -> Plan:
    """`points >= 3 and points <= 7` is `points between 3 and 7`.

    >>> from dsl.schema import Field, Type
    >>> from dsl.typed import Scope
    >>> points = Field("points", Type.NUMBER)
    >>> low, high = (Match(Scope.CONTACTS, points, range) for range in (Range(low=300), Range(high=700)))
    >>> merge_ranges(Intersection((low, high))).items[0].predicate
    Range(low=300, high=700, low_open=False, high_open=False)
    """
    return merge_matches(plan, _both)


End = int | float | Fraction | None


def _both(match: Match, other: ColumnPredicate) -> Range | None:
    """The overlap of two closed ranges; open ends are left to the column."""
    match match.predicate, other:
        case Range(_, _, False, False) as ours, Range(_, _, False, False) as theirs:
            return Range(_later(ours.low, theirs.low), _earlier(ours.high, theirs.high))
        case _:
            return None


def _later(ours: End, theirs: End) -> End:
    return max(ours, theirs) if ours is not None and theirs is not None else ours if theirs is None else theirs


def _earlier(ours: End, theirs: End) -> End:
    return min(ours, theirs) if ours is not None and theirs is not None else ours if theirs is None else theirs
