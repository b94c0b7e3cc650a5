"""k of n, where it is really all, any, or settled."""

from __future__ import annotations

from engine.plan.logical import AtLeast, Everything, Intersection, Nothing, Plan, Union

_SETTLED = (Everything, Nothing)


def simplify_k_of_n(plan: AtLeast) -> Plan:
    """At least one of is any of, at least n of n is all of; settled items are counted beforehand.

    >>> from engine.plan.logical import Sample
    >>> a, b, c = (Sample(seed, 1) for seed in (1, 2, 3))
    >>> simplify_k_of_n(AtLeast(1, (a, b))) == Union((a, b))
    True
    >>> simplify_k_of_n(AtLeast(2, (a, b))) == Intersection((a, b))
    True
    >>> simplify_k_of_n(AtLeast(2, (a, b, c, Everything(), Nothing()))) == AtLeast(1, (a, b, c))
    True
    >>> simplify_k_of_n(AtLeast(3, (a, b)))
    Nothing()
    """
    kinds = list(map(type, plan.items))
    open_items = tuple(item for item, kind in zip(plan.items, kinds, strict=True) if kind not in _SETTLED)
    needed = plan.count - kinds.count(Everything)
    if needed <= 0:
        return Everything()
    if needed > len(open_items):
        return Nothing()
    if len(open_items) < len(plan.items):
        return AtLeast(needed, open_items)
    if needed == 1:
        return Union(open_items)
    return Intersection(open_items) if needed == len(open_items) else plan
