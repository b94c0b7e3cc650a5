"""Plans as indented text: the same plan always prints the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, is_dataclass, replace
from enum import Enum
from time import perf_counter

from msgspec import Struct
from msgspec.structs import astuple

from dsl.schema import Field
from engine.plan.logical import Overrides, Plan, Segment, children
from engine.plan.missing import swept
from engine.plan.physical.company import OfCompany
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.shared import Shared
from engine.plan.physical.space import candidates
from engine.reading import Version

INDENT = "  "
AS_ABOVE = ", as above"
"""Follows the label of a shared operator whose inputs are shown where it first occurs."""


def describe_logical(plan: Plan) -> str:
    """One line for each node, inputs below it. The rules of a segment are shown where they first occur."""
    return "\n".join(_logical_lines(plan, 0, set()))


def _logical_lines(plan: Plan, depth: int, shown: set[int]) -> Iterator[str]:
    given = _fields(plan)
    details = [f"{name}={_brief(value)}" for name, value in given.items() if not _is_input(value)]
    line = INDENT * depth + " ".join([type(plan).__name__, *details])
    # Segments that name segments share them: shown each time, twenty of them could make a million lines.
    if isinstance(plan, Segment) and _again(plan.rules, shown):
        yield f"{line} (rules as above)"
        return
    yield line
    for child in children(plan):
        yield from _logical_lines(child, depth + 1, shown)


def _fields(value: object) -> dict[str, object]:
    """What a node of a plan, or a dataclass within it, is made of."""
    names: tuple[str, ...] = type(value).__match_args__  # type: ignore[attr-defined]
    return {name: getattr(value, name) for name in names}


def _again(node: object, shown: set[int]) -> bool:
    """Whether a shared node was shown before; notes that it now is."""
    before = id(node) in shown
    shown.add(id(node))
    return before


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
        case Struct():
            return _with_its_members(value, astuple(value))
        case _ if is_dataclass(value):
            return _with_its_members(value, _fields(value).values())
        case _:
            return repr(value)


def _with_its_members(value: object, members: Iterable[object]) -> str:
    shown = [_brief(item) for item in members if item is not None and not isinstance(item, Plan)]
    return f"{type(value).__name__}({', '.join(shown)})"


def _inputs(plan: Operator, contexts: list[Context]) -> Iterator[tuple[Operator, list[Context]]]:
    """The inputs and conditions on events below an operator, each with the row spaces it works on."""
    for item in plan.inputs:
        yield item, [context.of_companies() for context in contexts] if isinstance(plan, OfCompany) else contexts
    for events in plan.selections:
        if events.where is not None:
            yield events.where, [c.of_events(part) for c in contexts for part in events.parts(c.version)]


def _estimate(plan: Operator, contexts: list[Context]) -> int:
    return sum(context.estimate(plan) for context in contexts)


def _cost(plan: Operator, contexts: list[Context]) -> float:
    """Estimated milliseconds of the operator by itself, over all rows."""
    return sum(plan.cost(context.unpaid(), context.space.size) for context in contexts) / 1e6


@dataclass(frozen=True, slots=True)
class ExplainNode:
    """One operator of a plan: how many rows it was expected to hold and at what cost, how many it does, and the time.

    Counts are of the operator by itself, over all rows of its space: contacts, companies, or events of every part.
    Times are of that count, inputs included; None where they were left out. `cost_ms` is what they were estimated to
    be. `swept` is how many rows a negation holds only because a value is missing (see `engine.plan.missing`), None
    where there is no such negation.
    """

    label: str
    estimate: int
    cost_ms: float
    count: int
    swept: int | None
    milliseconds: float | None
    inputs: tuple[ExplainNode, ...]


def explain(physical: Operator, version: Version) -> ExplainNode:
    """Runs every operator of the plan once by itself."""
    return _explain(physical, [Context.of_contacts(version)], {})


def _explain(plan: Operator, contexts: list[Context], shared: dict[int, ExplainNode]) -> ExplainNode:
    """`shared` holds the nodes of shared operators so far, by identity: their inputs are shown once."""
    if id(plan) in shared:
        return shared[id(plan)]
    started = perf_counter()
    found = _count_alone(plan, contexts)
    took = (perf_counter() - started) * 1000
    negation = swept(plan)
    without = None if negation is None else _count_alone(negation, contexts)
    inputs = tuple(_explain(item, inside, shared) for item, inside in _inputs(plan, contexts))
    node = ExplainNode(plan.label, _estimate(plan, contexts), _cost(plan, contexts), found, without, took, inputs)
    if isinstance(plan, Shared):
        shared[id(plan)] = replace(node, label=plan.label + AS_ABOVE, inputs=())
    return node


def _count_alone(plan: Operator, contexts: list[Context]) -> int:
    return sum(_count_in(plan, context) for context in contexts)


def _count_in(plan: Operator, context: Context) -> int:
    everything = candidates(context.space)
    return plan.count(Context(context.version, context.space, everything), everything)
