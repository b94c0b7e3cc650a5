"""Explanations of random plans: every count is that of the node, and negations sweep in whom three values leave out."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import typed
from engine.plan import ExplainNode, Operator, count, execute, explain, plan, rewrite
from engine.plan.physical.company import OfCompany
from engine.plan.printing import AS_ABOVE
from tests.engine.plan.test_plan_constructs import ask, but, contact
from tests.engine.plan.test_plan_random import combined, conditions, filled, ranges, texts
from tests.engine.plan.twin import CLOCK
from tests.oracle.evaluate import select
from tests.oracle.world import World


@settings(max_examples=80)
@given(seed=st.integers(0, 2**32), condition=conditions, rewritten=st.booleans())
def test_every_count_is_that_of_the_node_executed_by_itself(
    seed: int, condition: typed.Condition, rewritten: bool
) -> None:
    twin = filled(seed)
    version, lowered = twin.state.publish(1), twin.lowered(condition)
    physical = plan(rewrite(lowered) if rewritten else lowered, version)
    root = explain(physical, version)
    assert root.count == count(physical, version)
    for operator, node in of_contacts(physical, root):
        assert node.label.removesuffix(AS_ABOVE) == operator.label
        assert node.count == len(execute(operator, version))
        assert node.swept is None or 0 <= node.swept <= node.count


def of_contacts(operator: Operator, node: ExplainNode) -> Iterator[tuple[Operator, ExplainNode]]:
    """Operators over contacts with their nodes. Inputs come first among a node's; conditions on events follow."""
    yield operator, node
    if not isinstance(operator, OfCompany) and node.inputs:
        for item, below in zip(operator.inputs, node.inputs, strict=False):
            yield from of_contacts(item, below)


tests = combined(
    texts.map(lambda values: ask(contact("country"), values))
    | ranges.map(lambda range: ask(contact("points"), range))
    | st.just(ask(contact("interests"), typed.HasAny(("ski",))))
    | st.just(ask(contact("points"), typed.IsSet()))
)


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), condition=tests)
def test_a_negation_sweeps_in_whom_three_values_leave_undecided(seed: int, condition: typed.Condition) -> None:
    twin = filled(seed)
    version = twin.state.publish(1)
    root = explain(plan(twin.lowered(but(condition)), version), version)
    in_two_values = select(typed.Selection(but(condition)), twin.world, CLOCK)
    _, fails = in_three_values(condition, twin.world)
    if root.label == "not":
        assert (root.swept or 0) == len(in_two_values - fails)


def in_three_values(condition: typed.Condition, world: World) -> tuple[set[str], set[str]]:
    """The contacts for which a condition holds, and those for which it fails; the others are undecided."""
    match condition:
        case typed.Not(_, item):
            holds, fails = in_three_values(item, world)
            return fails, holds
        case typed.And(_, items):
            return k_of_n(len(items), items, world)
        case typed.Or(_, items):
            return k_of_n(1, items, world)
        case typed.AtLeast(_, needed, items):
            return k_of_n(needed, items, world)
        case typed.Test(_, term, predicate):
            members = select(typed.Selection(condition), world, CLOCK)
            known = select(typed.Selection(ask(term, typed.IsSet())), world, CLOCK)
            return members, (set(world.contacts) if predicate == typed.IsSet() else known) - members
        case _:
            raise TypeError(f"not drawn here: {type(condition).__name__}")


def k_of_n(needed: int, items: tuple[typed.Condition, ...], world: World) -> tuple[set[str], set[str]]:
    each = [in_three_values(item, world) for item in items]
    hold = {id for id in world.contacts if sum(id in holds for holds, _ in each) >= needed}
    fail = {id for id in world.contacts if sum(id in fails for _, fails in each) > len(items) - needed}
    return hold, fail
