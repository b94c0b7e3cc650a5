"""Negations move up until they cancel, become a difference, or are the last thing done."""

from __future__ import annotations

from engine.plan.logical import Complement, Difference, Intersection, Plan, Union
from engine.plan.rewrites.driver import where_among


@where_among(Complement, Difference)
def absorb_negations(plan: Complement | Intersection | Union | Difference) -> Plan:
    """No complement stays inside a conjunction, a disjunction, a difference or another complement.

    A difference costs one bitmap operation where a complement would first build a large bitmap, and the count of a
    complement at the top is a subtraction.

    >>> from engine.plan.logical import Sample
    >>> a, b, c = (Sample(seed, 1) for seed in (1, 2, 3))
    >>> absorb_negations(Complement(Complement(a))) == a
    True
    >>> absorb_negations(Intersection((a, Complement(b), Complement(c)))) == Difference(a, Union((b, c)))
    True
    >>> absorb_negations(Union((a, Complement(b)))) == Complement(Difference(b, a))
    True
    >>> absorb_negations(Union((Complement(a), Complement(b)))) == Complement(Intersection((a, b)))
    True
    >>> absorb_negations(Difference(a, Complement(b))) == Intersection((a, b))
    True
    >>> absorb_negations(Intersection((Difference(a, b), c))) == Difference(Intersection((a, c)), b)
    True
    """
    if type(plan) is Intersection:
        return plan if _NEGATED.isdisjoint(map(type, plan.items)) else _intersection(plan.items)
    if type(plan) is Union:
        return _union(plan.items) if Complement in map(type, plan.items) else plan
    if type(plan) is Complement:
        return plan.item.item if type(plan.item) is Complement else plan
    return _difference(plan) if type(plan) is Difference else plan


_NEGATED = frozenset((Complement, Difference))


def _difference(plan: Difference) -> Plan:
    keep, drop = plan.keep, plan.drop
    if type(keep) is Complement:
        return Complement(Union((keep.item, drop)))
    if type(drop) is Complement:
        return Intersection((keep, drop.item))
    if type(keep) is Difference:
        return Difference(keep.keep, Union((keep.drop, drop)))
    return plan


def _intersection(items: tuple[Plan, ...]) -> Plan:
    """a and not b and (c but not d) is (a and c) but not (b or d)."""
    kept: list[Plan] = []
    dropped: list[Plan] = []
    for item in items:
        match item:
            case Complement(inner):
                dropped.append(inner)
            case Difference(keep, drop):
                kept.append(keep)
                dropped.append(drop)
            case _:
                kept.append(item)
    drop = _any(dropped)
    return Difference(_all(kept), drop) if kept else Complement(drop)


def _union(items: tuple[Plan, ...]) -> Plan:
    """a or not b or not c is not ((b and c) but not a)."""
    plain: list[Plan] = [item for item in items if not isinstance(item, Complement)]
    negated = _all([item.item for item in items if isinstance(item, Complement)])
    return Complement(Difference(negated, _any(plain)) if plain else negated)


def _all(items: list[Plan]) -> Plan:
    return items[0] if len(items) == 1 else Intersection(tuple(items))


def _any(items: list[Plan]) -> Plan:
    return items[0] if len(items) == 1 else Union(tuple(items))
