"""The same thing said twice is said once."""

from __future__ import annotations

from msgspec.structs import replace

from engine.plan.logical import Difference, Intersection, Nothing, Plan, Union


def drop_duplicates(plan: Intersection | Union | Difference) -> Plan:
    """`a and a` is `a`; `a but not a` is nobody. In k of n, an item that occurs twice counts twice, and stays.

    >>> from engine.plan.logical import Sample
    >>> a, b = Sample(1, 1), Sample(2, 1)
    >>> drop_duplicates(Union((a, b, a))) == Union((a, b))
    True
    >>> drop_duplicates(Difference(a, a))
    Nothing()
    >>> drop_duplicates(Difference(Intersection((a, b)), Union((b, a))))
    Nothing()
    """
    match plan:
        case Intersection(items) | Union(items) if len(unique := dict.fromkeys(items)) < len(items):
            return replace(plan, items=tuple(unique))
        case Difference(keep, drop) if not set(_parts(keep, Intersection)).isdisjoint(_parts(drop, Union)):
            return Nothing()
        case _:
            return plan


def _parts(plan: Plan, kind: type[Intersection] | type[Union]) -> tuple[Plan, ...]:
    return plan.items if isinstance(plan, kind) else (plan,)
