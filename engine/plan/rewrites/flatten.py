"""Nested conjunctions and disjunctions become flat ones."""

from __future__ import annotations

from engine.plan.logical import Everything, Intersection, Nothing, Plan, Union
from engine.plan.rewrites.driver import where_among


@where_among(Intersection, Union)
def flatten(plan: Intersection | Union) -> Plan:
    """`a and (b and c)` is `a and b and c`; one of a single item is the item.

    >>> from engine.plan.logical import Sample
    >>> a, b, c = (Sample(seed, 1) for seed in (1, 2, 3))
    >>> flatten(Intersection((a, Intersection((b, c))))) == Intersection((a, b, c))
    True
    >>> flatten(Union((Union((a, b)), c))) == Union((a, b, c))
    True
    >>> flatten(Union((a,))) == a
    True
    """
    kind, items = type(plan), plan.items
    if len(items) > 1:
        return kind(tuple(_flat(items, kind))) if kind in map(type, items) else plan
    if items:
        return items[0]
    return Everything() if kind is Intersection else Nothing()


def _flat(items: tuple[Plan, ...], kind: type[Intersection | Union]) -> list[Plan]:
    flat: list[Plan] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return flat
