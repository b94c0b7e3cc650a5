"""Rewrites: pure functions that make a plan smaller or cheaper and never change what it selects.

Each rule looks at one node and answers a better one, or the node itself. The driver in `driver.py` applies the
rules everywhere, in this order, until none of them finds anything.
"""

from __future__ import annotations

from engine.plan.logical import Plan
from engine.plan.rewrites.companies import ask_companies_once
from engine.plan.rewrites.constants import fold_constants
from engine.plan.rewrites.driver import Rule, Told, nobody_told, rewrite_with
from engine.plan.rewrites.duplicates import drop_duplicates
from engine.plan.rewrites.edge_moments import difference_edge_moments
from engine.plan.rewrites.flatten import flatten
from engine.plan.rewrites.frequency import normalise_frequency
from engine.plan.rewrites.k_of_n import simplify_k_of_n
from engine.plan.rewrites.negations import absorb_negations
from engine.plan.rewrites.one_of import merge_values
from engine.plan.rewrites.ranges import merge_ranges
from engine.plan.rewrites.steps import bound_steps

RULES: tuple[Rule, ...] = (
    difference_edge_moments,
    flatten,
    fold_constants,
    normalise_frequency,
    bound_steps,
    simplify_k_of_n,
    absorb_negations,
    drop_duplicates,
    merge_values,
    merge_ranges,
    ask_companies_once,
)


def rewrite(plan: Plan, rules: tuple[Rule, ...] = RULES, told: Told = nobody_told) -> Plan:
    """An equivalent plan to which no rule applies any more. `told` hears the rules that fire, each time they do."""
    return rewrite_with(plan, rules, told)
