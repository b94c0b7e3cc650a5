"""Planning: a logical plan becomes operators, ordered and shared for one version of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec import Struct

from dsl.schema import Field, Type
from dsl.typed import AggregateFunction, CutKind
from engine.plan import logical
from engine.plan.logical import Plan
from engine.plan.physical import terms
from engine.plan.physical.at_least import AtLeast
from engine.plan.physical.column_match import column_match
from engine.plan.physical.company import OfCompany
from engine.plan.physical.constants import Everything, Nothing
from engine.plan.physical.cut import RandomCut, TopCut
from engine.plan.physical.difference import Complement, Difference
from engine.plan.physical.draws import Sample
from engine.plan.physical.edges import EdgeMatch
from engine.plan.physical.happened import ActiveIn, Frequency, Happened
from engine.plan.physical.intersection import Intersection
from engine.plan.physical.measures import Measure
from engine.plan.physical.number_test import NumberComparison, NumberTest
from engine.plan.physical.operator import Context, Operator, Stored
from engine.plan.physical.regular import Regular, occasions_of
from engine.plan.physical.segment import Segment
from engine.plan.physical.selection import Selection, held_parts
from engine.plan.physical.sequence import Sequence
from engine.plan.physical.shared import Shared
from engine.plan.physical.steps import Step
from engine.plan.physical.text_comparison import TextComparison, TextEdge, TextTerm, TextValue
from engine.plan.physical.union import Union
from engine.reading import Version

_TEXT = (Type.TEXT, Type.CHOICE)
_INDEXED_BY_VALUE = (Type.TEXT, Type.CHOICE, Type.BOOLEAN, Type.TAGS)


def plan(logical_plan: Plan, version: Version, context: Context | None = None) -> Operator:
    """Operators that answer the logical plan, in the order that suits the estimates of `version`.

    Their answers are right for any version of the same schema. `context` keeps what was estimated.
    """
    return _Planning(context or Context.of_contacts(version), _repeated(logical_plan)).of(logical_plan)


def plan_selection(selected: logical.Selected, version: Version) -> Selection:
    """The events that count, to be picked for any contacts."""
    return _Planning(Context.of_contacts(version)).selection(selected)


def plan_term(term: logical.Term, version: Version) -> terms.Term:
    """The values of a term, for any rows of its scope."""
    return _Planning(Context.of_contacts(version)).term(term)


def _repeated(root: Plan) -> set[Plan]:
    """The plans over contacts that occur more than once."""
    seen: set[Plan] = set()
    repeated: set[Plan] = set()
    pending = [root] if type(root) in _PARTS else []
    while pending:
        node = pending.pop()
        if node in seen:
            repeated.add(node)
        else:
            seen.add(node)
            parts = _PARTS.get(type(node))
            if parts is not None:
                pending += parts(node)
    return repeated


_PARTS: Mapping[type[Plan], Callable[[Any], tuple[Plan, ...]]] = {
    logical.Intersection: attrgetter("items"),
    logical.Union: attrgetter("items"),
    logical.AtLeast: attrgetter("items"),
    logical.Complement: lambda node: (node.item,),
    logical.Segment: lambda node: (node.rules,),
    logical.Cut: lambda node: (node.item,),
    logical.Difference: attrgetter("keep", "drop"),
}


class _Planning(Struct, eq=False):
    """Plans for one row space; `context` serves its estimates, `repeated` are the plans to share."""

    context: Context
    repeated: set[Plan] = set()
    planned: dict[Plan, Operator] = {}

    def of(self, node: Plan) -> Operator:
        found = self.planned.get(node)
        if found is None:
            found = self.operator(node)
            if node in self.repeated and not isinstance(found, Stored):
                found = Shared(found)
            self.planned[node] = found
        return found

    def operator(self, node: Plan) -> Operator:
        return _OPERATORS[type(node)](self, node)

    def match(self, node: logical.Match) -> Operator:
        return column_match(node.field.name, node.predicate, node.field.type in _INDEXED_BY_VALUE)

    def of_company(self, node: logical.OfCompany) -> Operator:
        return OfCompany(_Planning(self.context.of_companies()).of(node.item))

    def edge_match(self, node: logical.EdgeMatch) -> Operator:
        return EdgeMatch(self.selection(node.selected), node.last, node.property.name, node.predicate)

    def compares(self, node: logical.Compares) -> Operator:
        if node.operator == "=" and _is_text(node.left):
            return TextComparison(self.text(node.left), self.text(node.right))
        return NumberComparison(node.operator, self.term(node.left), self.term(node.right))

    def cut(self, node: logical.Cut) -> Operator:
        item = self.of(node.item)
        match node:
            case logical.Cut(kind=CutKind.RANDOM, seed=int(seed)):
                return RandomCut(item, node.count, seed)
            case logical.Cut(kind=kind, term=term) if term is not None:
                return TopCut(item, node.count, self.term(term), kind is CutKind.TOP)
            case _:
                raise TypeError(f"a cut by nothing: {node.kind}")

    def intersection(self, node: logical.Intersection) -> Operator:
        """Light operators first, and of those the most selective: each is asked about what the others left."""
        items = [self.of(item) for item in node.items]
        if len(items) < 2:
            return items[0] if items else Everything()
        return Intersection(tuple(sorted(items, key=lambda item: (item.effort, self.context.estimate(item)))))

    def union(self, node: logical.Union) -> Operator:
        items = [self.of(item) for item in node.items]
        if len(items) < 2:
            return items[0] if items else Nothing()
        return Union(tuple(items))

    def at_least(self, node: logical.AtLeast) -> Operator:
        count = node.count
        if count <= 0:
            return Everything()
        if count > len(node.items):
            return Nothing()
        planned = tuple(map(self.of, node.items))
        occasions = occasions_of(planned)
        return AtLeast(count, planned) if occasions is None else Regular(count, planned, occasions)

    def did(self, node: logical.Did) -> Operator:
        events = self.selection(node.selected)
        if node.low == 1 and node.high is None:
            return ActiveIn(events) if events.where is None else Happened(events)
        return Frequency(events, node.low, node.high)

    # --- events and terms ---

    def selection(self, selected: logical.Selected) -> Selection:
        where = None if selected.where is None else self.where(selected.types, selected.where)
        return Selection(selected.types, where, selected.start, selected.end)

    def step(self, step: logical.Step) -> Step:
        return Step(self.selection(step.selected), step.gap, step.absent, step.same)

    def where(self, types: tuple[str, ...], where: Plan) -> Operator:
        """Ordered by the estimates of the largest part of these types."""
        largest = max(held_parts(self.context.version, types), key=attrgetter("size"), default=None)
        return Nothing() if largest is None else _Planning(self.context.of_events(largest)).of(where)

    def term(self, term: logical.Term) -> terms.Term:
        match term:
            case logical.Value():
                return terms.Value(term.field.name)
            case logical.Measure():
                return self.measure(term.function, self.selection(term.selected), term.property)
            case logical.Constant(value) if not isinstance(value, str):
                return terms.Constant(value)
            case logical.Scaled(inner, decimals):
                return terms.Scaled(self.term(inner), decimals)
            case logical.Arithmetic(operator, left, right):
                return terms.Combined(operator, self.term(left), self.term(right))
            case logical.DatePart(part, inner, moments, zone, today):
                return terms.DatePart(part, self.term(inner), moments, zone, today)
            case logical.MonthDay(inner, moments, zone):
                return terms.MonthDay(self.term(inner), moments, zone)
            case logical.Bucket(seed, buckets):
                return terms.Bucket(seed, buckets)
            case _:
                raise TypeError(f"no numbers for {type(term).__name__}")

    def measure(self, function: AggregateFunction, events: Selection, property: Field | None) -> Measure:
        if property is None:
            return Measure(function, events)
        return Measure(function, events, property.name, property.decimals if property.type is Type.NUMBER else 0)

    def text(self, term: logical.Term) -> TextTerm:
        match term:
            case logical.Value(_, column):
                return TextValue(column.name)
            case logical.Measure(AggregateFunction.FIRST | AggregateFunction.LAST as edge, selected, Field(name)):
                return TextEdge(self.selection(selected), edge is AggregateFunction.LAST, name)
            case _:
                raise TypeError(f"no text for {type(term).__name__}")


_OPERATORS: Mapping[type[Plan], Callable[[_Planning, Any], Operator]] = {
    logical.Everything: lambda planning, node: Everything(),
    logical.Nothing: lambda planning, node: Nothing(),
    logical.Intersection: _Planning.intersection,
    logical.Union: _Planning.union,
    logical.Complement: lambda planning, node: Complement(planning.of(node.item)),
    logical.Difference: lambda planning, node: Difference(planning.of(node.keep), planning.of(node.drop)),
    logical.AtLeast: _Planning.at_least,
    logical.Match: _Planning.match,
    logical.Satisfies: lambda planning, node: NumberTest(planning.term(node.term), node.ranges),
    logical.EdgeMatch: _Planning.edge_match,
    logical.Compares: _Planning.compares,
    logical.OfCompany: _Planning.of_company,
    logical.Did: _Planning.did,
    logical.Sequence: lambda planning, node: Sequence(tuple(map(planning.step, node.steps)), node.zone),
    logical.Segment: lambda planning, node: Segment(node.key, planning.of(node.rules), node.overrides),
    logical.Sample: lambda planning, node: Sample(node.seed, node.limit),
    logical.Cut: _Planning.cut,
}
"""By kind of node."""


def _is_text(term: logical.Term) -> bool:
    match term:
        case logical.Value(_, column) | logical.Measure(_, _, Field() as column):
            return column.type in _TEXT
        case _:
            return False
