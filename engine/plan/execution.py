"""Execution: a physical plan asked about all contacts, or about some."""

from __future__ import annotations

from pyroaring import BitMap

from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.space import EntitySpace, candidates
from engine.reading import Version


def execute(physical: Operator, version: Version, within: BitMap | None = None) -> BitMap:
    """The living contacts that the plan selects, among `within` when given. The answer is the caller's own."""
    context = _asking(version, within)
    return BitMap(physical.run(context, context.asked))


def count(physical: Operator, version: Version, within: BitMap | None = None) -> int:
    """How many `execute` would return; the last bitmap is never built where a cardinality will do."""
    context = _asking(version, within)
    return physical.count(context, context.asked)


def cost(physical: Operator, version: Version, context: Context | None = None) -> float:
    """About how many milliseconds `execute` takes, estimated without looking at data.

    `context` is that of planning: what was estimated there is not estimated again.
    """
    context = context or Context.of_contacts(version)
    return physical.cost(context, context.space.size) / 1e6


def _asking(version: Version, within: BitMap | None) -> Context:
    """Asked about `within`, or all contacts: None when none of them is erased. Indexes may still name erased ones."""
    contacts = EntitySpace(version.contacts)
    return Context(version, contacts, candidates(contacts) if within is None else within & contacts.everything)
