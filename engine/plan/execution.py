"""Execution: a physical plan asked about all contacts, or about some."""

from __future__ import annotations

from pyroaring import BitMap

from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.space import EntitySpace, candidates
from engine.reading import Version


def execute(physical: Operator, version: Version, within: BitMap | None = None) -> BitMap:
    """The living contacts that the plan selects, among `within` when given. The answer is the caller's own."""
    asked = _asked(version, within)
    return BitMap(physical.run(Context.of_contacts(version, asked), asked))


def count(physical: Operator, version: Version, within: BitMap | None = None) -> int:
    """How many `execute` would return; the last bitmap is never built where a cardinality will do."""
    asked = _asked(version, within)
    return physical.count(Context.of_contacts(version, asked), asked)


def cost(physical: Operator, version: Version, context: Context | None = None) -> float:
    """About how many milliseconds `execute` takes, estimated without looking at data.

    `context` is that of planning: what was estimated there is not estimated again.
    """
    context = context or Context.of_contacts(version)
    return physical.cost(context, context.space.size) / 1e6


def _asked(version: Version, within: BitMap | None) -> BitMap | None:
    """The candidates; None for all contacts when none is erased. Indexes may still name erased ones."""
    contacts = EntitySpace(version.contacts)
    return candidates(contacts) if within is None else within & contacts.everything
