"""Nested conjunctions and disjunctions become flat ones."""

from __future__ import annotations

from engine.plan.logical import Everything, Intersection, Nothing, Plan, Union


def flatten(plan: Plan) -> Plan:
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
    match plan:
        case Intersection(()):
            return Everything()
        case Union(()):
            return Nothing()
        case Intersection((item,)) | Union((item,)):
            return item
        case Intersection(items) if any(isinstance(item, Intersection) for item in items):
            return Intersection(tuple(_flat(items, Intersection)))
        case Union(items) if any(isinstance(item, Union) for item in items):
            return Union(tuple(_flat(items, Union)))
        case _:
            return plan


def _flat(items: tuple[Plan, ...], kind: type[Intersection] | type[Union]) -> list[Plan]:
    flat: list[Plan] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return flat
