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
    if isinstance(plan, Difference):
        kept, dropped = _parts(plan.keep, Intersection), _parts(plan.drop, Union)
        return plan if set(kept).isdisjoint(dropped) else Nothing()
    unique = dict.fromkeys(plan.items)
    return plan if len(unique) == len(plan.items) else replace(plan, items=tuple(unique))


def _parts(plan: Plan, kind: type[Intersection] | type[Union]) -> tuple[Plan, ...]:
    return plan.items if type(plan) is kind else (plan,)
