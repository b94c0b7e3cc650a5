"""Missing values: whom a negation sweeps in.

A comparison with a missing value is false, so its negation holds. Here the same plan is read with three values, as
SQL reads it: a condition holds, fails, or is undecided because a value is missing. The rows a negation sweeps in are
those that it holds and three-valued logic would leave undecided: `and country is set` would leave them out.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsl.typed import IsSet
from engine.plan.logical import Interval
from engine.plan.physical.at_least import AtLeast
from engine.plan.physical.column_match import ColumnLookup, ColumnMatch, column_match
from engine.plan.physical.company import OfCompany
from engine.plan.physical.difference import Complement, Difference
from engine.plan.physical.edges import EdgeMatch
from engine.plan.physical.intersection import Intersection
from engine.plan.physical.number_test import NumberComparison, NumberTest
from engine.plan.physical.operator import Operator
from engine.plan.physical.shared import Shared
from engine.plan.physical.text_comparison import TextComparison, TextEdge, TextTerm, TextValue
from engine.plan.physical.union import Union

ANY_NUMBER = (Interval(),)


def swept(plan: Operator) -> Operator | None:
    """The rows that a negation holds for want of a value; None for what negates nothing that needs one."""
    match plan:
        case Complement(negated) | Difference(_, negated) if _undecided(negated):
            return Difference(plan, _fails(negated))
        case _:
            return None


def _undecided(plan: Operator) -> bool:
    """Whether a missing value may leave this undecided. Members of segments, events and samples are facts."""
    if isinstance(plan, _COMBINES):
        return any(map(_undecided, plan.inputs))
    return _has_values(plan) is not None


_COMBINES = Shared | Complement | Difference | Intersection | Union | AtLeast | OfCompany


def _fails(plan: Operator) -> Operator:
    """The rows for which this is false, every value that decides it being there."""
    if not _undecided(plan):
        return Complement(plan)
    match plan:
        case Shared(item):
            return _fails(item)
        case Complement(item):
            return _holds(item)
        case Difference(keep, drop):
            return Union((_fails(keep), _holds(drop)))
        case Intersection(items):
            return Union(_each_fails(items))
        case Union(items):
            return Intersection(_each_fails(items))
        case AtLeast(needed, items):
            return AtLeast(len(items) - needed + 1, _each_fails(items))
        case OfCompany(item):
            return OfCompany(_fails(item))
        case _:
            valued = _has_values(plan)
            return Complement(plan) if valued is None else Difference(valued, plan)


def _each_fails(items: Iterable[Operator]) -> tuple[Operator, ...]:
    return tuple(map(_fails, items))


def _holds(plan: Operator) -> Operator:
    """The rows for which this is true, every value that decides it being there."""
    if not _undecided(plan):
        return plan
    match plan:
        case Shared(item):
            return _holds(item)
        case Complement(item):
            return _fails(item)
        case Difference(keep, drop):
            return Intersection((_holds(keep), _fails(drop)))
        case Intersection(items):
            return Intersection(tuple(map(_holds, items)))
        case Union(items):
            return Union(tuple(map(_holds, items)))
        case AtLeast(needed, items):
            return AtLeast(needed, tuple(map(_holds, items)))
        case OfCompany(item):
            return OfCompany(_holds(item))
        case _:
            return plan


def _has_values(plan: Operator) -> Operator | None:
    """The rows that have the values a test looks at; None for what is no test, or asks for just that."""
    match plan:
        case ColumnMatch(_, IsSet()) | ColumnLookup(_, IsSet()) | EdgeMatch(_, _, _, IsSet()):
            return None
        case ColumnMatch(column) | ColumnLookup(column):
            return _column_set(column)
        case EdgeMatch(events, last, column):
            return EdgeMatch(events, last, column, IsSet())
        case NumberTest(term, intervals):
            return None if intervals == ANY_NUMBER else NumberTest(term, ANY_NUMBER)
        case NumberComparison(_, left, right):
            return Intersection((NumberTest(left, ANY_NUMBER), NumberTest(right, ANY_NUMBER)))
        case TextComparison(left, right):
            return Intersection((_text_set(left), _text_set(right)))
        case _:
            return None


def _text_set(term: TextTerm) -> Operator:
    match term:
        case TextValue(column):
            return _column_set(column)
        case TextEdge(events, last, column):
            return EdgeMatch(events, last, column, IsSet())
        case _:
            raise TypeError(f"not a text: {type(term).__name__}")


def _column_set(column: str) -> Operator:
    return column_match(column, IsSet(), indexed_values=False)
