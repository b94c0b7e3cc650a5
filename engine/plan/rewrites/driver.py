"""Applies rules everywhere in a plan, each to the kinds of node it says it looks at.

Most nodes are changed by no rule: which ones may change a node is remembered by its kind and those of its items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from engine.plan.logical import Intersection, Plan, Union, with_children

Rule = Callable[[Any], Plan]
"""The annotation of its parameter says which kinds of node it looks at."""

MOST_CHANGES = 100
"""Every rule makes a node smaller, moves a negation up or removes a term, so changes of one node end long before."""


class BrokenRule(AssertionError):
    """Rules never come to rest: our bug."""


Told = Callable[[str], object]
"""Hears the name of each rule that changed a node."""


def nobody_told(rule: str) -> None: ...


def rewrite_with(plan: Plan, rules: tuple[Rule, ...], told: Told = nobody_told) -> Plan:
    """The plan in which no rule changes any node: inputs first, then each node until the rules leave it as it is.

    What a rule makes of a node may have new nodes below, which are rewritten in turn. A subplan that is shared is
    rewritten once and stays shared.
    """
    return _Rewriting(rules, told).visit(plan)


class _Rewriting:
    """One plan being rewritten. Functions that call each other would leave garbage that only a collection finds."""

    __slots__ = ("_done", "_looking", "_rules", "_told")

    def __init__(self, rules: tuple[Rule, ...], told: Told) -> None:
        self._rules = rules
        self._told = told
        self._looking = _looking(rules)
        # By the id of a node, which is kept lest another is given that id.
        self._done: dict[int, tuple[Plan, Plan]] = {}

    def visit(self, node: Plan) -> Plan:
        found = self._done.get(id(node))
        if found is not None:
            return found[1]
        rewritten = node
        for _ in range(MOST_CHANGES):
            settled = with_children(rewritten, self.visit)
            rewritten = self._changed(settled)
            if rewritten is settled:
                self._done[id(node)] = self._done[id(settled)] = (node, settled)
                return settled
        raise BrokenRule(f"rules did not come to rest: {', '.join(rule.__name__ for rule in self._rules)}")

    def _changed(self, node: Plan) -> Plan:
        """By the first rule that changes it."""
        seen: Seen = type(node)
        if (type(node) is Intersection or type(node) is Union) and len(node.items) > 1:
            seen = (type(node), frozenset(_SOUGHT.intersection(map(type, node.items))))
        rules = self._looking.get(seen)
        if rules is None:
            rules = self._looking[seen] = tuple(_that_look_at(seen, self._rules))
        for rule in rules:
            better = rule(node)
            if better is not node:
                self._told(rule.__name__)
                return better
        return node


Seen = type | tuple[type, frozenset[type]]
"""The kind of a node; with those of its items, as far as rules ask for them, where it combines several."""


@cache
def _looking(rules: tuple[Rule, ...]) -> dict[Seen, tuple[Rule, ...]]:
    """The rules that may change a node, in order, for the nodes met so far."""
    return {}


def _that_look_at(seen: Seen, rules: tuple[Rule, ...]) -> Iterator[Rule]:
    kind, among = seen if isinstance(seen, tuple) else (seen, None)
    for rule in rules:
        sought = _SEEKS.get(rule)
        if kind in _kinds(rule) and (among is None or sought is None or not sought.isdisjoint(among)):
            yield rule


_SEEKS: dict[Rule, frozenset[type]] = {}
_SOUGHT: set[type] = set()

AnyRule = TypeVar("AnyRule", bound=Rule)


def where_among(*kinds: type[Plan]) -> Callable[[AnyRule], AnyRule]:
    """Says of a rule that it leaves what combines several items alone unless one of them is of these kinds."""

    def noted(rule: AnyRule) -> AnyRule:
        _SEEKS[rule] = frozenset(kinds)
        _SOUGHT.update(kinds)
        return rule

    return noted


@cache
def _kinds(rule: Rule) -> tuple[type, ...]:
    hints = get_type_hints(rule)
    looked_at = next(kind for name, kind in hints.items() if name != "return")
    return get_args(looked_at) if isinstance(looked_at, UnionType) else (looked_at,)
