"""Lowering: the typed tree becomes a logical plan, with windows made absolute and segments made subplans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

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


def lower_segment(key: str, clock: Clock, schema: Schema, segments: Mapping[str, SegmentDefinition]) -> Plan:
    """The logical plan of a saved segment's members."""
    return _Lowering(clock, schema, segments).members(key)


def lower_selector(selector: typed.Selector, clock: Clock, schema: Schema) -> Selected:
    """The events that a selector names."""
    return _Lowering(clock, schema, {}).selected(selector)


def lower_term(term: typed.Term, clock: Clock, schema: Schema) -> Term:
    """The logical plan of a term, which gives physical values."""
    return _Lowering(clock, schema, {}).term(term)


def lower_sequence(sequence: typed.Sequence, clock: Clock, schema: Schema) -> tuple[logical.Step, ...]:
    """The steps of a sequence."""
    return _Lowering(clock, schema, {}).steps(sequence.steps)


@dataclass(slots=True)
class _Lowering:
    clock: Clock
    schema: Schema
    segments: Mapping[str, SegmentDefinition]
    open: list[str] = field(default_factory=list)
    lowered: dict[str, Plan] = field(default_factory=dict)

    # --- conditions ---

    def rows(self, condition: typed.Condition) -> Plan:
        match condition:
            case typed.Everyone():
                return logical.Everything()
            case typed.Nobody():
                return logical.Nothing()
            case typed.And(_, items):
                return logical.Intersection(self.each(items))
            case typed.Or(_, items):
                return logical.Union(self.each(items))
            case typed.Not(_, item):
                return logical.Complement(self.rows(item))
            case typed.AtLeast(_, count, items):
                return logical.AtLeast(count, self.each(items))
            case typed.Test():
                return self.test(condition)
            case typed.Compare():
                return self.compare(condition)
            case typed.OfCompany(_, item):
                return logical.OfCompany(self.rows(item))
            case typed.Did(_, selector, low, high):
                return logical.Did(self.selected(selector), low, high)
            case typed.Regularity():
                return self.regular(condition)
            case typed.Sequence(_, steps):
                return logical.Sequence(self.steps(steps), str(self.clock.zone))
            case typed.InSegment(_, segment, rules_only):
                return self.rules(segment) if rules_only else self.members(segment)
            case typed.Sample(_, share, seed):
                return logical.Sample(fingerprint(seed), share_limit(share))
            case _:
                raise TypeError(f"not a condition: {type(condition).__name__}")

    def each(self, items: tuple[typed.Condition, ...]) -> tuple[Plan, ...]:
        return tuple(self.rows(item) for item in items)

    def test(self, test: typed.Test) -> Plan:
        match test.term, test.predicate:
            case term, typed.Anniversary(window):
                month_day = logical.MonthDay(self.term(term), value_type(term), str(self.clock.zone))
                return logical.Satisfies(month_day, anniversaries(*window.days(self.clock)))
            case typed.FieldTerm(_, scope, field, event), predicate:
                return logical.Match(scope, field, self.column_predicate(field.type, predicate), event)
            case typed.Aggregate(_, AggregateFunction.COUNT, selector), typed.Range(low, high):
                return logical.Did(self.selected(selector), *_whole(low, high))
            case typed.Aggregate(property=Field() as property) as edge, predicate if edge.function in _EDGES:
                return self.edge_match(edge, property, predicate)
            case term, predicate:
                return logical.Satisfies(self.term(term), self.intervals(value_type(term), predicate))

    def edge_match(self, edge: typed.Aggregate, property: Field, predicate: typed.Predicate) -> Plan:
        last = edge.function is AggregateFunction.LAST
        asked = self.column_predicate(property.type, predicate)
        return logical.EdgeMatch(self.selected(edge.selector), last, property, asked)

    def column_predicate(self, type: Type, predicate: typed.Predicate) -> ColumnPredicate:
        match predicate:
            case typed.During(window):
                low, end = self.bounds(type, window)
                open_ended = low is None and end is None
                return typed.IsSet() if open_ended else typed.Range(low, None if end is None else end - 1)
            case typed.Anniversary():
                raise TypeError("columns do not answer anniversaries")
            case _:
                return predicate

    def intervals(self, type: Type, predicate: typed.Predicate) -> tuple[Interval, ...]:
        match predicate:
            case typed.Range(low, high, low_open, high_open):
                return (Interval(low, high, low_open, high_open),)
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
            case typed.FieldTerm(_, scope, field, event):
                return logical.Value(scope, field, event)
            case typed.Aggregate(_, function, selector, property):
                return logical.Measure(function, self.selected(selector), property)
            case typed.Constant(_, _, value):
                return logical.Constant(value)
            case typed.Arithmetic(_, operator, left, right):
                return logical.Arithmetic(operator, self.unscaled(left), self.unscaled(right))
            case typed.DatePart(_, part, inner):
                zone, today = str(self.clock.zone), self.today() if part is Part.YEARS_SINCE else 0
                return logical.DatePart(part, self.term(inner), value_type(inner), zone, today)
            case typed.Bucket(_, seed, buckets):
                return logical.Bucket(fingerprint(seed), buckets)
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


_EDGES = (AggregateFunction.FIRST, AggregateFunction.LAST)


def value_type(term: typed.Term) -> Type:
    """The type of a term's physical value."""
    match term:
        case typed.FieldTerm(_, _, field):
            return field.type
        case typed.Aggregate(_, AggregateFunction.COUNT | AggregateFunction.DISTINCT):
            return Type.NUMBER
        case typed.Aggregate(_, _, _, property):
            return Type.DATETIME if property is None else property.type
        case typed.Constant():
            return term.type
        case typed.Arithmetic() | typed.DatePart() | typed.Bucket():
            return Type.NUMBER
        case _:
            raise TypeError(f"not a term: {type(term).__name__}")


def decimals(term: typed.Term) -> int:
    """How many decimals a term's physical value is scaled by."""
    match term:
        case typed.FieldTerm(_, _, field) if field.type is Type.NUMBER:
            return field.decimals
        case typed.Aggregate(_, AggregateFunction.COUNT | AggregateFunction.DISTINCT | AggregateFunction.AVG):
            return 0
        case typed.Aggregate(_, _, _, Field() as property) if property.type is Type.NUMBER:
            return property.decimals
        case _:
            return 0


def _whole(low: float | Fraction | None, high: float | Fraction | None) -> tuple[int, int | None]:
    """The ends of a closed range of counts."""
    return 0 if low is None else max(0, ceil(low)), None if high is None else floor(high)
