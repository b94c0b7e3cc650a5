"""Explanations: how the answer to an expression comes about, step by step, and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dsl.format import format
from dsl.moments import Clock
from dsl.parse import parse
from dsl.typed import Selection
from engine.caches import Cache
from engine.plan import ExplainNode, cost, describe_logical, explain, lower, plan, rewrite
from engine.plan.printing import INDENT
from engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of an expression on its way to `count` contacts of the state `seq`.

    `expression` is its canonical text; `logical` and `rewritten` are its logical plan before and after the `rules`,
    which are named in the order in which they fired, each time they did; `physical` is what was run. `cost_ms` is what
    it was estimated to take, `budget_ms` what it may take by estimate. `served` is what a count would have taken from
    memory; an explanation does everything again. It changes from run to run, and is left out with the times.
    """

    expression: str
    logical: str
    rules: tuple[str, ...]
    rewritten: str
    physical: ExplainNode
    cost_ms: float
    budget_ms: float
    count: int
    seq: int
    served: tuple[Cache, ...] | None


def explained(
    text: str,
    selection: Selection,
    snapshot: Snapshot,
    clock: Clock,
    budget_ms: float,
    served: tuple[Cache, ...],
) -> Explanation:
    """Plans a checked expression afresh, and runs every operator by itself. `text` is what it was read from."""
    rules: list[str] = []
    logical = lower(selection, clock, snapshot.schema, snapshot.segments.segments)
    rewritten = rewrite(logical, told=rules.append)
    physical = plan(rewritten, snapshot.data)
    costs = cost(physical, snapshot.data)
    root = explain(physical, snapshot.data)
    expression = format(parse(text)).rstrip("\n")
    before, after = describe_logical(logical), describe_logical(rewritten)
    return Explanation(
        expression, before, tuple(rules), after, root, costs, budget_ms, root.count, snapshot.seq, served
    )


def without_times(explanation: Explanation) -> Explanation:
    """The same, but for what differs from one run to the next."""
    return replace(explanation, physical=_untimed(explanation.physical), served=None)


def _untimed(node: ExplainNode) -> ExplainNode:
    return replace(node, milliseconds=None, inputs=tuple(map(_untimed, node.inputs)))


def as_text(explanation: Explanation) -> str:
    """Plain text: every part under its name, indented. Without times it is the same to the byte in every run."""
    parts: dict[str, Sequence[str]] = {
        "expression": explanation.expression.splitlines(),
        "logical plan": explanation.logical.splitlines(),
        "rules fired": explanation.rules or ("none",),
        "rewritten plan": explanation.rewritten.splitlines(),
        "physical plan": tuple(_lines(explanation.physical, 0)),
        "cost": (f"{explanation.cost_ms:.2f} ms of a budget of {explanation.budget_ms:.0f} ms, estimated",),
        "answer": (f"count {explanation.count}, seq {explanation.seq}",),
    }
    if explanation.served is not None:
        parts["from memory"] = (remembered(explanation.served),)
    return "\n".join("\n".join([name, *(INDENT + line for line in lines)]) for name, lines in parts.items())


def remembered(served: tuple[Cache, ...]) -> str:
    """What a count of the same question need not do again, as people read it."""
    return ", ".join(served) or "nothing"


def _lines(node: ExplainNode, depth: int) -> Iterator[str]:
    yield f"{INDENT * depth}{node.label}: {', '.join(figures(node))}"
    for item in node.inputs:
        yield from _lines(item, depth + 1)


def figures(node: ExplainNode) -> list[str]:
    """What is known of an operator, as people read it: `expected 12 at 0.10 ms`, `found 10`, `0.12 ms`."""
    found = [f"expected {node.estimate} at {node.cost_ms:.2f} ms", f"found {node.count}"]
    if node.swept is not None:
        found.append(f"{node.swept} for want of a value")
    if node.milliseconds is not None:
        found.append(f"{node.milliseconds:.2f} ms")
    return found
