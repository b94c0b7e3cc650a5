"""Budgets: what a question may cost, estimated before it is run, and what is said of one that costs more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from dsl import typed
from dsl.moments import Clock
from dsl.problems import NOWHERE, DataError, ExpressionError, Problem, Span
from dsl.typed import Condition, Selection
from engine.binding import planned
from engine.snapshot import Snapshot
from storage.documents import Documents

DEFAULT_BUDGET_MS = 20_000.0
"""What a question may cost where nobody said otherwise, in estimated milliseconds."""

LEAST_BUDGET_MS = 1.0

COLLECTION, KEY = "limits", "queries"
"""The document that holds a workspace's own budget."""


class TooCostly(ExpressionError):
    """An expression is estimated to cost more than its workspace's budget. It was not run."""


class QueryLimits(msgspec.Struct, frozen=True):
    """What questions may cost, in estimated milliseconds of one core, and whether the workspace itself says so."""

    budget_ms: float
    own: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one workspace: its own, kept among its documents, or `default_ms`."""

    documents: Documents
    default_ms: float = DEFAULT_BUDGET_MS

    def limits(self) -> QueryLimits:
        kept = self.documents.get(COLLECTION, KEY)
        if kept is None:
            return QueryLimits(self.default_ms, False)
        return QueryLimits(msgspec.msgpack.decode(kept, type=float), True)

    def put(self, budget_ms: float | None) -> QueryLimits:
        """Durable on return; None goes back to the default. DataError."""
        if budget_ms is None:
            self.documents.delete(COLLECTION, KEY)
        else:
            if not LEAST_BUDGET_MS <= budget_ms < float("inf"):
                hint = f"give it at least {LEAST_BUDGET_MS:.0f} ms, or null for the default"
                raise DataError([Problem("bad-budget", f"a budget of {budget_ms} ms", hint, path="$.budget_ms")])
            self.documents.put(COLLECTION, KEY, msgspec.msgpack.encode(float(budget_ms)))
        return self.limits()


def too_costly(
    text: str, selection: Selection, snapshot: Snapshot, clock: Clock, cost_ms: float, budget_ms: float
) -> TooCostly:
    """What to say of an expression that costs more than the budget: how much, where most of it, and how to mend it."""

    def cost_of(part: Selection) -> float:
        return planned(snapshot, part, clock).cost_ms

    parts = [(cost_of(Selection(leaf)), leaf.span, _hint(leaf)) for leaf in _leaves(selection.condition)]
    if selection.cut is not None:
        everyone = Selection(typed.Everyone(NOWHERE), selection.cut)
        parts.append((cost_of(everyone), selection.cut.span, "rank by a field, or by what took place in a window"))
    most, span, hint = max(parts, key=lambda part: part[0])
    message = f"this is estimated to take {_shown(cost_ms)}, and the budget of the workspace is {_shown(budget_ms)}"
    if len(parts) > 1:
        message += f"; the costliest part alone would take {_shown(most)}"
        hint = hint if most * 2 > cost_ms else f"{hint}; or ask fewer things at once"
    return TooCostly(text, [Problem("too-costly", message, hint, Span(min(span.start, len(text)), span.end))])


def _leaves(condition: Condition) -> Iterator[Condition]:
    """The conditions that others combine."""
    match condition:
        case typed.And(items=items) | typed.Or(items=items) | typed.AtLeast(items=items) if items:
            for item in items:
                yield from _leaves(item)
        case typed.Not(item=item):
            yield from _leaves(item)
        case _:
            yield condition


_NARROW = "put a selective condition beside it with 'and'"


def _hint(leaf: Condition) -> str:
    """How to make a condition cost less."""
    match leaf:
        case typed.Sequence():
            return f"give its first step a window or a shorter one, such as 'in last 30 days', or {_NARROW}"
        case typed.Did() | typed.Regularity() | typed.Test(term=typed.Aggregate()):
            return f"give it a window or a shorter one, such as 'in last 30 days', or {_NARROW}"
        case typed.InSegment(segment=key):
            return f"the rules of segment '{key}' cost this: narrow them, or {_NARROW}"
        case _:
            return f"ask for whole values or prefixes where texts are searched, or {_NARROW}"


def _shown(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"
