"""The logical plan: what an expression asks for, with the clock bound and no idea of bitmaps.

A plan is a tree of frozen nodes that compare by meaning: two equal nodes select the same rows of the same data. Every
node stands in one row scope (contacts at the top, companies inside `OfCompany`, events inside `Selected.where`).
Windows are absolute, in milliseconds or days since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import is_
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from pyroaring import BitMap

from dsl.moments import Duration
from dsl.schema import Field, Type
from dsl.typed import AggregateFunction, CutKind, Operator, Part, Scope
from engine.reading import ColumnPredicate


class Node(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """What plans are made of: quick to make, hashed once, whatever is below, and made of older nodes alone, in no ring
    that a garbage collector could look for."""


# --- sets of rows --------------------------------------------------------------------------------------------


class Everything(Node, frozen=True):
    """Every row in scope."""


class Nothing(Node, frozen=True):
    """No row."""


class Intersection(Node, frozen=True):
    items: tuple[Plan, ...]


class Union(Node, frozen=True):
    items: tuple[Plan, ...]


class Complement(Node, frozen=True):
    """Every row in scope but those of `item`."""

    item: Plan


class Difference(Node, frozen=True):
    """Rows of `keep` that are not in `drop`."""

    keep: Plan
    drop: Plan


class AtLeast(Node, frozen=True):
    """Rows that at least `count` of `items` hold; an item that occurs twice counts twice."""

    count: int
    items: tuple[Plan, ...]


class Match(Node, frozen=True):
    """Rows whose value of a column satisfies a predicate that columns answer. `event` is None for any type."""

    scope: Scope
    field: Field
    predicate: ColumnPredicate
    event: str | None = None


class Satisfies(Node, frozen=True):
    """Rows for which a term has a value, and the value lies in one of `ranges`."""

    term: Term
    ranges: tuple[Interval, ...]


class EdgeMatch(Node, frozen=True):
    """Contacts whose first or last selected event (`last`) has a property that satisfies a predicate."""

    selected: Selected
    last: bool
    property: Field
    predicate: ColumnPredicate


class Compares(Node, frozen=True):
    """Rows for which both terms have a value and they stand in the relation; `operator` is one of = < <= > >=."""

    operator: str
    left: Term
    right: Term


class OfCompany(Node, frozen=True):
    """Contacts whose company is among `item`."""

    item: Plan


class Did(Node, frozen=True):
    """Contacts whose number of selected events lies in `low`..`high`, both included; `high` None is no limit."""

    selected: Selected
    low: int = 1
    high: int | None = None


class Sequence(Node, frozen=True):
    """Contacts whose events hold `steps` in order (see `dsl.typed.Step`); `zone` is where calendar gaps are counted."""

    steps: tuple[Step, ...]
    zone: str


class Overrides(Node, frozen=True):
    """Contacts added to and removed from a segment by hand.

    Compares by identity of the two bitmaps, which are never changed in place: a changed segment brings new ones.
    """

    added: BitMap
    removed: BitMap

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Overrides) and self.added is other.added and self.removed is other.removed

    def __hash__(self) -> int:
        return hash((id(self.added), id(self.removed)))


class Segment(Node, frozen=True):
    """The contacts of a saved segment: (rules - removed) | added; those of its rules alone without `overrides`."""

    key: str
    rules: Plan
    overrides: Overrides | None = None


class Sample(Node, frozen=True):
    """Contacts whose draw for a seed's fingerprint is below `limit` (see `dsl.draw`)."""

    seed: int
    limit: int


class Cut(Node, frozen=True):
    """`count` contacts of `item`: the largest or smallest by `term` (ties by id), or those with the least draw."""

    item: Plan
    kind: CutKind
    count: int
    term: Term | None = None
    seed: int | None = None


Plan = (
    Everything
    | Nothing
    | Intersection
    | Union
    | Complement
    | Difference
    | AtLeast
    | Match
    | Satisfies
    | EdgeMatch
    | Compares
    | OfCompany
    | Did
    | Sequence
    | Segment
    | Sample
    | Cut
)

# --- events and terms ----------------------------------------------------------------------------------------


class Selected(Node, frozen=True):
    """Events of `types` in [start, end) for which `where` holds; no `where` is no condition.

    `name` is what the expression called them: an event type, or None for any.
    """

    name: str | None
    types: tuple[str, ...]
    where: Plan | None = None
    start: int | None = None
    end: int | None = None

    def between(self, start: int | None, end: int | None) -> Selected:
        """Those that also lie in [start, end)."""
        first = start if self.start is None else self.start if start is None else max(start, self.start)
        after = end if self.end is None else self.end if end is None else min(end, self.end)
        return replace(self, start=first, end=after)


class Same(Node, frozen=True):
    """A step's `property` equals the `earlier` one of the event of `step`, a position in the sequence."""

    property: Field
    earlier: Field
    step: int


class Step(Node, frozen=True):
    """Selected events in a sequence; `gap` is in milliseconds, or months or years where these have no one length."""

    selected: Selected
    gap: int | Duration | None = None
    absent: bool = False
    same: tuple[Same, ...] = ()


class Interval(Node, frozen=True):
    """Numbers between two ends, either of which may be absent or open. Numbers are exact, or floats for floats."""

    low: int | float | Fraction | None = None
    high: int | float | Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


class Value(Node, frozen=True):
    """The value of a column of the row in scope, as a physical value."""

    scope: Scope
    field: Field
    event: str | None = None


class Measure(Node, frozen=True):
    """One value per contact over the selected events (see `dsl.typed.Aggregate`), as a physical value.

    AVG alone is not physical: an exact fraction in unscaled units.
    """

    function: AggregateFunction
    selected: Selected
    property: Field | None = None


class Constant(Node, frozen=True):
    value: int | float | Fraction | str


class Scaled(Node, frozen=True):
    """A term's physical decimal divided by 10**decimals: its value in unscaled units."""

    term: Term
    decimals: int


class Arithmetic(Node, frozen=True):
    """Unscaled numbers combined exactly; missing when either side is, or on division by zero."""

    operator: Operator
    left: Term
    right: Term


class DatePart(Node, frozen=True):
    """A whole number read from a day (`type` DATE) or an instant (DATETIME); `today` and `zone` bind the clock."""

    part: Part
    term: Term
    type: Type
    zone: str
    today: int


class MonthDay(Node, frozen=True):
    """The day of the year of a date or an instant, as month * 100 + day in `zone`: 229 for 29 February."""

    term: Term
    type: Type
    zone: str


class Bucket(Node, frozen=True):
    """A whole number 0..buckets-1 drawn for each contact from a seed's fingerprint."""

    seed: int
    buckets: int


Term = Value | Measure | Constant | Scaled | Arithmetic | DatePart | MonthDay | Bucket

# --- walking -------------------------------------------------------------------------------------------------


def children(plan: Plan) -> tuple[Plan, ...]:
    """The plans a node is made of, in order, those inside its event selections and terms included."""
    found: list[Plan] = []

    def note(child: Plan) -> Plan:
        found.append(child)
        return child

    with_children(plan, note)
    return tuple(found)


Change = Callable[[Plan], Plan]


def with_children(plan: Plan, change: Change) -> Plan:
    """The node with `change` applied to each of its children; the node itself when none changed."""
    changed = _WITH_CHILDREN.get(type(plan))
    return plan if changed is None else changed(plan, change)


def _of_items(plan: Intersection | Union | AtLeast, change: Change) -> Plan:
    items = plan.items
    changed = tuple(map(change, items))
    return plan if all(map(is_, changed, items)) else replace(plan, items=changed)


def _of_item(plan: Complement | OfCompany, change: Change) -> Plan:
    item = change(plan.item)
    return plan if item is plan.item else type(plan)(item)


def _of_difference(plan: Difference, change: Change) -> Plan:
    keep, drop = change(plan.keep), change(plan.drop)
    return plan if keep is plan.keep and drop is plan.drop else Difference(keep, drop)


def _of_selected(plan: Did | EdgeMatch, change: Change) -> Plan:
    return plan if plan.selected.where is None else _with(plan, selected=_selected(plan.selected, change))


def _of_sequence(plan: Sequence, change: Change) -> Plan:
    steps = tuple(_with(step, selected=_selected(step.selected, change)) for step in plan.steps)
    return plan if all(map(is_, steps, plan.steps)) else replace(plan, steps=steps)


def _of_cut(plan: Cut, change: Change) -> Plan:
    return _with(plan, item=change(plan.item), term=None if plan.term is None else _term(plan.term, change))


_WITH_CHILDREN: Mapping[type[Plan], Callable[[Any, Change], Plan]] = {
    Intersection: _of_items,
    Union: _of_items,
    AtLeast: _of_items,
    Complement: _of_item,
    OfCompany: _of_item,
    Difference: _of_difference,
    Did: _of_selected,
    EdgeMatch: _of_selected,
    Satisfies: lambda plan, change: _with(plan, term=_term(plan.term, change)),
    Compares: lambda plan, change: _with(plan, left=_term(plan.left, change), right=_term(plan.right, change)),
    Segment: lambda plan, change: _with(plan, rules=change(plan.rules)),
    Sequence: _of_sequence,
    Cut: _of_cut,
}
"""By kind of node that has children: a table, as each kind that a Struct is asked about and is not takes a tenth of a
microsecond."""


AnyNode = TypeVar("AnyNode", bound=Node)


def _with(node: AnyNode, **changes: object) -> AnyNode:
    for name, value in changes.items():
        if getattr(node, name) is not value:
            return replace(node, **changes)
    return node


def _selected(selected: Selected, change: Change) -> Selected:
    if selected.where is None:
        return selected
    where = change(selected.where)
    return selected if where is selected.where else replace(selected, where=where)


def _term(term: Term, change: Change) -> Term:
    kind = type(term)
    if kind is Value or kind is Constant:
        return term
    match term:
        case Measure():
            return _with(term, selected=_selected(term.selected, change))
        case Arithmetic():
            return _with(term, left=_term(term.left, change), right=_term(term.right, change))
        case Scaled() | DatePart() | MonthDay():
            return _with(term, term=_term(term.term, change))
        case _:
            return term
