"""Applies rules everywhere in a plan, and checks that they change nothing they may not change."""

from __future__ import annotations

from collections.abc import Callable

from engine.plan.logical import Plan, with_children
from engine.plan.reads import Reads, reads

Rule = Callable[[Plan], Plan]

Done = dict[int, tuple[Plan, Plan]]
"""What a rule made of nodes, by their ids; a node is kept, so that nothing else is given its id."""

MOST_ROUNDS = 100
"""Every rule makes a plan smaller, moves a negation up or removes a term, so rounds end long before this."""


class BrokenRule(AssertionError):
    """A rule made a plan read what it did not read before, or never comes to rest: our bug."""


Told = Callable[[str], object]
"""Hears the name of each rule that changed the plan."""


def nobody_told(rule: str) -> None: ...


def rewrite_with(plan: Plan, rules: tuple[Rule, ...], told: Told = nobody_told) -> Plan:
    """The plan after the rules, applied in order and bottom up, until none changes anything."""
    done: list[Done] = [{} for _ in rules]
    for _ in range(MOST_ROUNDS):
        rewritten = plan
        for rule, seen in zip(rules, done, strict=True):
            changed = _checked(rule, rewritten, seen)
            if changed is not rewritten:
                told(rule.__name__)
            rewritten = changed
        if rewritten is plan:
            return plan
        plan = rewritten
    raise BrokenRule(f"rules did not come to rest: {', '.join(rule.__name__ for rule in rules)}")


def _checked(rule: Rule, plan: Plan, done: Done) -> Plan:
    rewritten = everywhere(rule, plan, done)
    if __debug__ and rewritten is not plan:
        _check(rule, reads(plan), reads(rewritten))
    return rewritten


def _check(rule: Rule, before: Reads, after: Reads) -> None:
    if not after <= before:
        raise BrokenRule(f"{rule.__name__} made the plan read {after - before}")


def everywhere(rule: Rule, plan: Plan, done: Done) -> Plan:
    """The rule applied to every node, inputs first. A subplan that is shared is rewritten once and stays shared.

    What `done` holds from earlier rounds is not looked at again.
    """

    def visit(node: Plan) -> Plan:
        found = done.get(id(node))
        if found is None:
            found = done[id(node)] = (node, rule(with_children(node, visit)))
        return found[1]

    return visit(plan)
