"""What can only be everything or nothing is folded away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
from engine.plan.rewrites.driver import where_among
from engine.reading import ColumnPredicate


@where_among(Everything, Nothing)
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
    folded = _FOLDED.get(type(plan))
    return plan if folded is None else folded(plan)


def _match(plan: Match) -> Plan:
    return Nothing() if _holds_nothing(plan.predicate) else plan


def _intersection(plan: Intersection) -> Plan:
    return _without(plan, Everything, plan.items, Nothing)


def _union(plan: Union) -> Plan:
    return _without(plan, Nothing, plan.items, Everything)


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


def _complement(plan: Complement) -> Plan:
    kind = type(plan.item)
    return Nothing() if kind is Everything else Everything() if kind is Nothing else plan


def _difference(plan: Difference) -> Plan:
    if type(plan.keep) not in _SETTLED and type(plan.drop) not in _SETTLED:
        return plan
    match plan:
        case Difference(Nothing(), _) | Difference(_, Everything()):
            return Nothing()
        case Difference(keep, Nothing()):
            return keep
        case Difference(Everything(), drop):
            return Complement(drop)
        case _:
            return plan


def _of_one(plan: OfCompany | Cut) -> Plan:
    return Nothing() if type(plan.item) is Nothing else plan


def _sample(plan: Sample) -> Plan:
    return plan if plan.limit else Nothing()


def _satisfies(plan: Satisfies) -> Plan:
    return Nothing() if all(interval.empty for interval in plan.ranges) else plan


def _did(plan: Did) -> Plan:
    return Nothing() if plan.low > 0 and _selects_nothing(plan.selected) else plan


def _sequence(plan: Sequence) -> Plan:
    return Nothing() if any(_selects_nothing(step.selected) for step in plan.steps if not step.absent) else plan


def _edge(plan: EdgeMatch) -> Plan:
    return Nothing() if _selects_nothing(plan.selected) or _holds_nothing(plan.predicate) else plan


_FOLDED: Mapping[type[Plan], Callable[[Any], Plan]] = {
    Match: _match,
    Intersection: _intersection,
    Union: _union,
    Complement: _complement,
    Difference: _difference,
    OfCompany: _of_one,
    Cut: _of_one,
    Sample: _sample,
    Satisfies: _satisfies,
    Did: _did,
    Sequence: _sequence,
    EdgeMatch: _edge,
}

_SETTLED = (Everything, Nothing)
_LISTS = (OneOf, HasAny, ExactlyOneOf)


def _holds_nothing(predicate: ColumnPredicate) -> bool:
    if type(predicate) in _LISTS:
        return not predicate.values  # type: ignore[union-attr]
    if type(predicate) is Range:
        return Interval(predicate.low, predicate.high, predicate.low_open, predicate.high_open).empty
    return False


def _selects_nothing(selected: Selected) -> bool:
    ends = selected.start is not None and selected.end is not None and selected.start >= selected.end
    return ends or not selected.types or type(selected.where) is Nothing
