"""Lowering: the typed tree becomes a logical plan, with windows made absolute and segments made subplans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, Protocol, cast, get_args

from msgspec import Struct
from pyroaring import BitMap

from dsl import typed
from dsl.draw import fingerprint, share_limit
from dsl.moments import Clock, Window, day_of, step_instant
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Schema, Type
from dsl.typed import AggregateFunction, Part
from engine.plan import logical
from engine.plan.anniversaries import anniversaries
from engine.plan.logical import Interval, Plan, Selected, Term
from engine.reading import ColumnPredicate


class SegmentDefinition(Protocol):
    """A saved segment as the planner sees it: its checked rules (None when static), its parent, its overrides."""

    @property
    def condition(self) -> typed.Condition | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def added(self) -> BitMap: ...
    @property
    def removed(self) -> BitMap: ...


def lower(selection: typed.Selection, clock: Clock, schema: Schema, segments: Mapping[str, SegmentDefinition]) -> Plan:
    """The logical plan of a checked expression.

    `clock` turns relative windows into absolute ones; `schema` says which types `any event` stands for; `segments`
    holds every segment the expression may name, by key.
    """
    lowering = _Lowering(clock, schema, segments)
    plan = lowering.rows(selection.condition)
    return plan if selection.cut is None else lowering.cut(plan, selection.cut)


def lower_selector(selector: typed.Selector, clock: Clock, schema: Schema) -> Selected:
    """The events that a selector names."""
    return _Lowering(clock, schema, {}).selected(selector)


def lower_term(term: typed.Term, clock: Clock, schema: Schema) -> Term:
    """The logical plan of a term, which gives physical values."""
    return _Lowering(clock, schema, {}).term(term)


def lower_sequence(sequence: typed.Sequence, clock: Clock, schema: Schema) -> tuple[logical.Step, ...]:
    """The steps of a sequence."""
    return _Lowering(clock, schema, {}).steps(sequence.steps)


class _Lowering(Struct, eq=False):
    clock: Clock
    schema: Schema
    segments: Mapping[str, SegmentDefinition]
    open: list[str] = []
    lowered: dict[str, Plan] = {}

    # --- conditions ---

    def rows(self, condition: typed.Condition) -> Plan:
        return _ROWS[type(condition)](self, condition)

    def each(self, items: tuple[typed.Condition, ...]) -> tuple[Plan, ...]:
        return tuple(map(self.rows, items))

    def did(self, did: typed.Did) -> Plan:
        return logical.Did(self.selected(did.selector), did.low, did.high)

    def test(self, test: typed.Test) -> Plan:
        term, predicate = test.term, test.predicate
        if type(predicate) is typed.Anniversary:
            month_day = logical.MonthDay(self.term(term), value_type(term), str(self.clock.zone))
            return logical.Satisfies(month_day, anniversaries(*predicate.window.days(self.clock)))
        if type(term) is typed.FieldTerm:
            return logical.Match(term.scope, term.field, self.column_predicate(term.field.type, predicate), term.event)
        if type(term) is typed.Aggregate:
            if type(predicate) is typed.Range and term.function is AggregateFunction.COUNT:
                return logical.Did(self.selected(term.selector), *_whole(predicate.low, predicate.high))
            if term.property is not None and term.function in _EDGES:
                return self.edge_match(term, term.property, predicate)
        return logical.Satisfies(self.term(term), self.intervals(value_type(term), predicate))

    def edge_match(self, edge: typed.Aggregate, property: Field, predicate: typed.Predicate) -> Plan:
        last = edge.function is AggregateFunction.LAST
        asked = self.column_predicate(property.type, predicate)
        return logical.EdgeMatch(self.selected(edge.selector), last, property, asked)

    def column_predicate(self, type: Type, predicate: typed.Predicate) -> ColumnPredicate:
        if predicate.__class__ in _OF_COLUMNS:
            return cast(ColumnPredicate, predicate)
        if not isinstance(predicate, typed.During):
            raise TypeError(f"columns do not answer {predicate.__class__.__name__}")
        low, end = self.bounds(type, predicate.window)
        open_ended = low is None and end is None
        return typed.IsSet() if open_ended else typed.Range(low, None if end is None else end - 1)

    def intervals(self, type: Type, predicate: typed.Predicate) -> tuple[Interval, ...]:
        match predicate:
            case typed.Range():
                return (Interval(predicate.low, predicate.high, predicate.low_open, predicate.high_open),)
            case typed.OneOf(values):
                return tuple(Interval(value, value) for value in values if not isinstance(value, str))
            case typed.During(window):
                low, end = self.bounds(type, window)
                return (Interval(low, end, high_open=True),)
            case typed.IsSet():
                return (Interval(),)
            case _:
                raise TypeError(f"no numbers satisfy {predicate.__class__.__name__}")

    def bounds(self, type: Type, window: Window) -> tuple[int | None, int | None]:
        return window.days(self.clock) if type is Type.DATE else window.instants(self.clock)

    def compare(self, compare: typed.Compare) -> Plan:
        left, right = self.unscaled(compare.left), self.unscaled(compare.right)
        return logical.Compares(compare.operator, left, right)

    # --- events and terms ---

    def selected(self, selector: typed.Selector) -> Selected:
        types = tuple(self.schema.events) if selector.event is None else (selector.event,)
        where = None if selector.where is None else self.rows(selector.where)
        start, end = (None, None) if selector.window is None else selector.window.instants(self.clock)
        return Selected(selector.event, types, where, start, end)

    def regular(self, regularity: typed.Regularity) -> Plan:
        """At least `low` of one existence for each span, and not more than `high`."""
        selected, now = self.selected(regularity.selector), self.clock.now
        edges = [step_instant(now, -back, regularity.unit, self.clock.zone) for back in range(regularity.spans + 1)]
        spans = tuple(logical.Did(selected.between(*span)) for span in zip(edges[1:], edges, strict=False))
        enough = logical.AtLeast(regularity.low, spans)
        if regularity.high is None:
            return enough
        return logical.Difference(enough, logical.AtLeast(regularity.high + 1, spans))

    def steps(self, steps: tuple[typed.Step, ...]) -> tuple[logical.Step, ...]:
        return tuple(self.step(step, steps[:place]) for place, step in enumerate(steps))

    def step(self, step: typed.Step, earlier: tuple[typed.Step, ...]) -> logical.Step:
        gap = step.within if step.within_ms is None else step.within_ms
        same = tuple(self.same(correlation, earlier) for correlation in step.correlations)
        return logical.Step(self.selected(step.selector), gap, step.absent, same)

    def same(self, correlation: typed.Correlation, earlier: tuple[typed.Step, ...]) -> logical.Same:
        """The nearest earlier step decides whose type has the property; a step that must not occur has no value."""
        name = correlation.earlier.name
        source = max(place for place, step in enumerate(earlier) if not step.absent and self.has(step, name))
        return logical.Same(correlation.property, correlation.earlier, source)

    def has(self, step: typed.Step, property: str) -> bool:
        event = step.selector.event
        return property in EVENT_SYSTEM_FIELDS or (event is not None and property in self.schema.events[event])

    def term(self, term: typed.Term) -> Term:
        match term:
            case typed.FieldTerm():
                return logical.Value(term.scope, term.field, term.event)
            case typed.Aggregate():
                return logical.Measure(term.function, self.selected(term.selector), term.property)
            case typed.Constant():
                return logical.Constant(term.value)
            case typed.Arithmetic():
                return logical.Arithmetic(term.operator, self.unscaled(term.left), self.unscaled(term.right))
            case typed.DatePart():
                zone, today = str(self.clock.zone), self.today() if term.part is Part.YEARS_SINCE else 0
                return logical.DatePart(term.part, self.term(term.term), value_type(term.term), zone, today)
            case typed.Bucket():
                return logical.Bucket(fingerprint(term.seed), term.buckets)
            case _:
                raise TypeError(f"not a term: {type(term).__name__}")

    def unscaled(self, term: typed.Term) -> Term:
        plain, scale = self.term(term), decimals(term)
        return logical.Scaled(plain, scale) if scale else plain

    def today(self) -> int:
        """The day the clock shows, in days since 1970."""
        return day_of(self.clock.now, self.clock.zone)

    def cut(self, plan: Plan, cut: typed.Cut) -> Plan:
        term = None if cut.term is None else self.term(cut.term)
        seed = None if cut.seed is None else fingerprint(cut.seed)
        return logical.Cut(plan, cut.kind, cut.count, term, seed)

    # --- segments ---

    def segment(self, node: typed.InSegment) -> Plan:
        return self.rules(node.segment) if node.rules_only else self.members(node.segment)

    def members(self, key: str) -> Plan:
        """(rules - removed) | added."""
        segment = self.segments[key]
        return logical.Segment(key, self.narrowed(key), logical.Overrides(segment.added, segment.removed))

    def rules(self, key: str) -> Plan:
        """What the rules alone select."""
        return logical.Segment(key, self.narrowed(key))

    def narrowed(self, key: str) -> Plan:
        """A segment's rules, a child's narrowed by its parent's members. Lowered once: references share the subplan."""
        if key not in self.lowered:
            if key in self.open:
                raise RuntimeError(f"a cycle of segments reached the planner: {' -> '.join([*self.open, key])}")
            self.open.append(key)
            self.lowered[key] = self.narrowed_afresh(self.segments[key])
            self.open.pop()
        return self.lowered[key]

    def narrowed_afresh(self, segment: SegmentDefinition) -> Plan:
        if segment.condition is None:
            return logical.Nothing()
        own = self.rows(segment.condition)
        return own if segment.parent is None else logical.Intersection((self.members(segment.parent), own))


_ROWS: Mapping[type[typed.Condition], Callable[[_Lowering, Any], Plan]] = {
    typed.Everyone: lambda _, node: logical.Everything(),
    typed.Nobody: lambda _, node: logical.Nothing(),
    typed.And: lambda lowering, node: logical.Intersection(lowering.each(node.items)),
    typed.Or: lambda lowering, node: logical.Union(lowering.each(node.items)),
    typed.Not: lambda lowering, node: logical.Complement(lowering.rows(node.item)),
    typed.AtLeast: lambda lowering, node: logical.AtLeast(node.count, lowering.each(node.items)),
    typed.Test: _Lowering.test,
    typed.Compare: _Lowering.compare,
    typed.OfCompany: lambda lowering, node: logical.OfCompany(lowering.rows(node.item)),
    typed.Did: _Lowering.did,
    typed.Regularity: _Lowering.regular,
    typed.Sequence: lambda lowering, node: logical.Sequence(lowering.steps(node.steps), str(lowering.clock.zone)),
    typed.InSegment: _Lowering.segment,
    typed.Sample: lambda _, node: logical.Sample(fingerprint(node.seed), share_limit(node.share)),
}
"""By kind of condition."""

_EDGES = (AggregateFunction.FIRST, AggregateFunction.LAST)
_OF_COLUMNS = frozenset(get_args(ColumnPredicate))


def value_type(term: typed.Term) -> Type:
    """The type of a term's physical value."""
    match term:
        case typed.FieldTerm():
            return term.field.type
        case typed.Aggregate():
            if term.function in (AggregateFunction.COUNT, AggregateFunction.DISTINCT):
                return Type.NUMBER
            return Type.DATETIME if term.property is None else term.property.type
        case typed.Constant():
            return term.type
        case typed.Arithmetic() | typed.DatePart() | typed.Bucket():
            return Type.NUMBER
        case _:
            raise TypeError(f"not a term: {type(term).__name__}")


_UNSCALED = (AggregateFunction.COUNT, AggregateFunction.DISTINCT, AggregateFunction.AVG)


def decimals(term: typed.Term) -> int:
    """How many decimals a term's physical value is scaled by."""
    match term:
        case typed.FieldTerm():
            return term.field.decimals if term.field.type is Type.NUMBER else 0
        case typed.Aggregate(property=Field() as property) if term.function not in _UNSCALED:
            return property.decimals if property.type is Type.NUMBER else 0
        case _:
            return 0


def _whole(low: float | Fraction | None, high: float | Fraction | None) -> tuple[int, int | None]:
    """The ends of a closed range of counts."""
    return 0 if low is None else max(0, ceil(low)), None if high is None else floor(high)
