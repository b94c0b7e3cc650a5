"""Rewrites: each rule's own examples, the driver's guard, and that they never change an answer."""

from __future__ import annotations

import doctest
import importlib
from functools import wraps

import pytest
from hypothesis import given, settings

from dsl import typed
from dsl.schema import Field, Type
from dsl.typed import IsSet, OneOf, Range, Scope
from engine.plan import RULES, anniversaries, reads, rewrite
from engine.plan.logical import (
    AtLeast,
    Complement,
    Did,
    Difference,
    Everything,
    Intersection,
    Match,
    Nothing,
    OfCompany,
    Plan,
    Sample,
    Segment,
    Selected,
    Union,
)
from engine.plan.rewrites.driver import BrokenRule, Rule
from tests.engine.plan.test_plan_random import conditions
from tests.engine.plan.twin import Twin

A, B, C = (Sample(seed, 1) for seed in (1, 2, 3))
POINTS = Field("points", Type.NUMBER)


def points(low: int | None = None, high: int | None = None) -> Match:
    return Match(Scope.CONTACTS, POINTS, Range(low, high))


LARGE = Match(Scope.COMPANIES, Field("size", Type.NUMBER), Range(low=50))
NEAR = Match(Scope.COMPANIES, Field("country", Type.TEXT), OneOf(("fr",)))
SET = Match(Scope.COMPANIES, Field("sector", Type.TEXT), IsSet())
BOTH = Intersection((LARGE, NEAR))


@pytest.mark.parametrize("module", [*(rule.__module__ for rule in RULES), anniversaries.__name__])
def test_examples_in_docstrings(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Intersection((A, Complement(Intersection((B, Everything()))))), Difference(A, B)),
        (Complement(Union((Complement(A), Complement(B)))), Intersection((A, B))),
        (Intersection((points(low=300), B, points(high=200))), Nothing()),
        (Union((A, AtLeast(1, (B, Nothing(), A)))), Union((A, B))),
        (Did(Selected("open", ("open",), where=Union(())), 0, 0), Everything()),
        (Segment("s", Intersection((A, Intersection((A, B))))), Segment("s", Intersection((A, B)))),
        (Did(Selected("open", ("open",), where=Complement(Complement(A)))), Did(Selected("open", ("open",), where=A))),
        (Intersection((OfCompany(LARGE), OfCompany(Nothing()), B)), Nothing()),
        (Intersection((OfCompany(LARGE), Intersection((B, OfCompany(NEAR))))), Intersection((OfCompany(BOTH), B))),
        (Intersection((OfCompany(LARGE), OfCompany(SET))), Intersection((OfCompany(LARGE), OfCompany(SET)))),
        (Difference(Difference(A, B), Complement(C)), Difference(Intersection((A, C)), B)),
    ],
)
def test_rules_work_together(before: Plan, after: Plan) -> None:
    assert rewrite(before) == after
    assert rewrite(after) is after


def reading_nothing_new(rule: Rule) -> Rule:
    """The rule, held to reading nothing that was not read before."""

    @wraps(rule)
    def held(plan: Plan) -> Plan:
        changed = rule(plan)
        assert reads(changed) <= reads(plan), f"{rule.__name__} made the plan read {reads(changed) - reads(plan)}"
        return changed

    return held


HELD = tuple(map(reading_nothing_new, RULES))


@settings(max_examples=200)
@given(condition=conditions)
def test_no_rule_reads_anything_new(condition: typed.Condition) -> None:
    lowered = Twin().lowered(condition)
    assert rewrite(lowered, HELD) == rewrite(lowered)


def test_a_rule_that_reads_something_new_is_caught() -> None:
    def invents(plan: Sample) -> Plan:
        return Match(Scope.CONTACTS, Field("secret", Type.TEXT), IsSet())

    with pytest.raises(AssertionError, match="invents made the plan read"):
        rewrite(A, (reading_nothing_new(invents),))


def test_a_rule_looks_at_the_kinds_that_its_annotation_names() -> None:
    looked_at = []

    def looks(plan: Sample | Complement) -> Plan:
        looked_at.append(type(plan))
        return plan

    rewrite(Union((A, Complement(Intersection((B, C))))), (looks,))
    assert looked_at == [Sample, Sample, Sample, Complement]


def test_rules_that_never_rest_are_caught() -> None:
    def swaps(plan: Plan) -> Plan:
        return Union(plan.items[::-1]) if isinstance(plan, Union) else plan

    with pytest.raises(BrokenRule, match="did not come to rest: swaps"):
        rewrite(Union((A, B)), (swaps,))


def test_shared_subplans_stay_shared() -> None:
    plan: Plan = Match(Scope.CONTACTS, POINTS, OneOf((1,)))
    for depth in range(60):  # would take 2**60 steps if every path were walked
        plan = Segment(f"s{depth}", Intersection((plan, Difference(A, plan))))
    rewritten = rewrite(plan)
    assert isinstance(rewritten, Segment)
    assert hash(rewritten) == hash(rewrite(plan))
