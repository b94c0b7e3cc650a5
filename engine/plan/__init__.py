"""From a checked expression to the contacts it selects.

lower     typed tree -> logical plan, the clock bound        lowering.py
rewrite   logical plan -> an equivalent, better one          rewrites/
plan      logical plan -> physical operators                 planning.py, physical/
cost      operators -> estimated milliseconds                 execution.py, physical/costs.py
execute   operators -> bitmap; count without building it     execution.py
"""

from engine.plan.execution import cost, count, execute
from engine.plan.logical import Plan
from engine.plan.lowering import (
    SegmentDefinition,
    lower,
    lower_selector,
    lower_sequence,
    lower_term,
)
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.planning import plan, plan_selection, plan_term
from engine.plan.printing import ExplainNode, describe_logical, explain
from engine.plan.reads import reads
from engine.plan.rewrites import RULES, rewrite

__all__ = [
    "RULES",
    "Context",
    "Effort",
    "ExplainNode",
    "Operator",
    "Plan",
    "SegmentDefinition",
    "cost",
    "count",
    "describe_logical",
    "execute",
    "explain",
    "lower",
    "lower_selector",
    "lower_sequence",
    "lower_term",
    "plan",
    "plan_selection",
    "plan_term",
    "reads",
    "rewrite",
]
