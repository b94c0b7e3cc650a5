"""What can only be everything or nothing is folded away."""

from __future__ import annotations

from dsl.typed import ExactlyOneOf, HasAny, OneOf, Range
from engine.plan.logical import (
    Complement,
    Cut,
    Did,
    Difference,
    EdgeMatch,
    Everything,
    Intersection,
    Interval,
    Match,
    Nothing,
    OfCompany,
    Plan,
    Sample,
    Satisfies,
    Selected,
    Sequence,
    Union,
)
from engine.reading import ColumnPredicate


def fold_constants(plan: Plan) -> Plan:
    """Everything and nothing pass through the operations; predicates and windows that hold nothing become nothing.

    >>> from engine.plan.logical import Sample
    >>> a = Sample(1, 1)
    >>> fold_constants(Intersection((a, Everything()))) == Intersection((a,))
    True
    >>> fold_constants(Union((a, Everything())))
    Everything()
    >>> fold_constants(Complement(Everything()))
    Nothing()
    >>> fold_constants(Did(Selected("open", ("open",), start=5, end=5)))
    Nothing()
    """
    match plan:
        case Match(_, _, predicate):
            return Nothing() if _holds_nothing(predicate) else plan
        case Intersection(items):
            return _without(plan, Everything, items, Nothing)
        case Union(items):
            return _without(plan, Nothing, items, Everything)
        case Complement(Everything()):
            return Nothing()
        case Complement(Nothing()):
            return Everything()
        case Difference(keep, drop):
            return _difference(plan) if type(keep) in _SETTLED or type(drop) in _SETTLED else plan
        case OfCompany(Nothing()) | Cut(Nothing()) | Sample(_, 0):
            return Nothing()
        case Satisfies(_, ranges) if all(interval.empty for interval in ranges):
            return Nothing()
        case Did(selected, low) if low > 0 and _selects_nothing(selected):
            return Nothing()
        case Sequence(steps) if any(_selects_nothing(step.selected) for step in steps if not step.absent):
            return Nothing()
        case EdgeMatch(selected, _, _, predicate) if _selects_nothing(selected) or _holds_nothing(predicate):
            return Nothing()
        case _:
            return plan


def _without(
    plan: Intersection | Union,
    neutral: type[Everything | Nothing],
    items: tuple[Plan, ...],
    settling: type[Everything | Nothing],
) -> Plan:
    """Without items that change nothing; what settles it, where that is among them."""
    kinds = set(map(type, items))
    if settling in kinds:
        return settling()
    return type(plan)(tuple(item for item in items if type(item) is not neutral)) if neutral in kinds else plan


_SETTLED = (Everything, Nothing)


def _difference(plan: Difference) -> Plan:
    match plan:
        case Difference(Nothing(), _) | Difference(_, Everything()):
            return Nothing()
        case Difference(keep, Nothing()):
            return keep
        case Difference(Everything(), drop):
            return Complement(drop)
        case _:
            return plan


def _holds_nothing(predicate: ColumnPredicate) -> bool:
    match predicate:
        case OneOf() | HasAny() | ExactlyOneOf():
            return not predicate.values
        case Range(low, high, low_open, high_open):
            return Interval(low, high, low_open, high_open).empty
        case _:
            return False


def _selects_nothing(selected: Selected) -> bool:
    ends = selected.start is not None and selected.end is not None and selected.start >= selected.end
    return ends or not selected.types or isinstance(selected.where, Nothing)
