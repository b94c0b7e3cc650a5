"""Plans as indented text: the same plan always prints the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from time import perf_counter

from dsl.schema import Field
from engine.plan.logical import Overrides, Plan, children
from engine.plan.physical.company import OfCompany
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.space import candidates
from engine.reading import Version

INDENT = "  "


def describe_logical(plan: Plan) -> str:
    """One line for each node, inputs below it."""
    return "\n".join(_logical_lines(plan, 0))


def _logical_lines(plan: Plan, depth: int) -> Iterator[str]:
    given = {field.name: getattr(plan, field.name) for field in fields(plan)}
    details = [f"{name}={_brief(value)}" for name, value in given.items() if not _is_input(value)]
    yield INDENT * depth + " ".join([type(plan).__name__, *details])
    for child in children(plan):
        yield from _logical_lines(child, depth + 1)


def _is_input(value: object) -> bool:
    """Plans are shown below their node, not within its line."""
    return isinstance(value, Plan) or (isinstance(value, tuple) and any(isinstance(item, Plan) for item in value))


def _brief(value: object) -> str:
    """A value without the type's module, without what is absent, and without a memory address."""
    match value:
        case Field(name):
            return name
        case Enum():
            return str(value)
        case Overrides(added, removed):
            return f"+{len(added)} -{len(removed)}"
        case tuple():
            return f"({', '.join(map(_brief, value))})"
        case _ if is_dataclass(value):
            given = [getattr(value, f.name) for f in fields(value)]
            shown = [_brief(item) for item in given if item is not None and not isinstance(item, Plan)]
            return f"{type(value).__name__}({', '.join(shown)})"
        case _:
            return repr(value)


def describe_physical(plan: Operator, version: Version | None = None) -> str:
    """One line for each operator, inputs below it in the order in which they are asked.

    With a version, each says about how many rows (of its own row space) it expects.
    """
    contexts = [] if version is None else [Context.of_contacts(version)]
    return "\n".join(_physical_lines(plan, 0, contexts))


def _physical_lines(plan: Operator, depth: int, contexts: list[Context]) -> Iterator[str]:
    expected = f"  ~{_estimate(plan, contexts)}" if contexts else ""
    yield f"{INDENT * depth}{plan.label}{expected}"
    for item, inside in _inputs(plan, contexts):
        yield from _physical_lines(item, depth + 1, inside)


def _inputs(plan: Operator, contexts: list[Context]) -> Iterator[tuple[Operator, list[Context]]]:
    """The inputs and conditions on events below an operator, each with the row spaces it works on."""
    for item in plan.inputs:
        yield item, [context.of_companies() for context in contexts] if isinstance(plan, OfCompany) else contexts
    for events in plan.selections:
        if events.where is not None:
            yield events.where, [c.of_events(part) for c in contexts for part in events.parts(c.version)]


def _estimate(plan: Operator, contexts: list[Context]) -> int:
    return sum(plan.estimate(context) for context in contexts)


@dataclass(frozen=True, slots=True)
class ExplainNode:
    """One operator of a plan: how many rows it was expected to hold, how many it does, and the time that took.

    Counts are of the operator by itself, over all rows of its space; times are of that count, inputs included.
    """

    label: str
    estimate: int
    count: int
    milliseconds: float
    inputs: tuple[ExplainNode, ...]


def explain(physical: Operator, version: Version) -> ExplainNode:
    """Runs every operator of the plan once by itself."""
    return _explain(physical, [Context.of_contacts(version)])


def _explain(plan: Operator, contexts: list[Context]) -> ExplainNode:
    started = perf_counter()
    found = sum(_count_alone(plan, context) for context in contexts)
    took = (perf_counter() - started) * 1000
    inputs = tuple(_explain(item, inside) for item, inside in _inputs(plan, contexts))
    return ExplainNode(plan.label, _estimate(plan, contexts), found, took, inputs)


def _count_alone(plan: Operator, context: Context) -> int:
    everything = candidates(context.space)
    return plan.count(Context(context.version, context.space, everything), everything)
