"""How rules merge tests of the same column that stand side by side."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from engine.plan.logical import Intersection, Match, Plan, Union
from engine.reading import ColumnPredicate

Merge = Callable[[Match, ColumnPredicate], ColumnPredicate | None]


def merge_matches(plan: Intersection | Union, merge: Merge) -> Plan:
    """Each test merged into the first one of the same column that takes it; the plan itself when none does."""
    names = [item.field.name for item in plan.items if type(item) is Match]
    if len(names) < 2 or len(set(names)) == len(names):
        return plan
    items: list[Plan] = []
    for item in plan.items:
        if not (isinstance(item, Match) and _merged_into(items, item, merge)):
            items.append(item)
    return plan if len(items) == len(plan.items) else replace(plan, items=tuple(items))


def _merged_into(items: list[Plan], match: Match, merge: Merge) -> bool:
    for place, item in enumerate(items):
        if isinstance(item, Match) and _same_column(item, match):
            predicate = merge(item, match.predicate)
            if predicate is not None:
                items[place] = replace(item, predicate=predicate)
                return True
    return False


def _same_column(left: Match, right: Match) -> bool:
    return (left.scope, left.event, left.field) == (right.scope, right.event, right.field)
