"""One SQL query for an expression, written from the language's reference.

    with m1 as (select contact, count(*) as v from "open events" e where … group by contact)
    select c.id from contacts c left join companies k on k.id = c."(company)" left join m1 on m1.contact = c.id
    where (coalesce(coalesce(m1.v, 0) >= 3, false)) and …

What a contact's events come to (a *measure* of them) is one common table expression each. Conditions are never null:
a test of a missing value is false, so that a negation includes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dsl import typed
from dsl.draw import fingerprint
from dsl.measure import EXACT, Measure, measure
from dsl.moments import Unit
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Schema, Type
from dsl.typed import AggregateFunction, Condition, Cut, CutKind, Predicate, Scope, Selection, Selector, Term
from tests.duck import sql
from tests.duck.calendar import STEPS, Calendar, lies_in
from tests.duck.numbers import Number, compared, number, within_range
from tests.oracle.world import Segment


class Untranslatable(Exception):
    """What SQL cannot be made to say here; the text says why, and is counted."""


@dataclass(frozen=True)
class Value:
    """What a term is in a row: its SQL, and that of its folded form where it is text.

    Tags lie in a table of their own: there `sql` is the key of the row that owns them, `tags` the keys of those that
    have any, and `folded` the list of them all.
    """

    measure: Measure
    sql: str
    folded: str = ""
    tags: str = ""


@dataclass
class Translator:
    """Translates one expression, seen from one moment; `segments` are the rules of those it may name."""

    schema: Schema
    calendar: Calendar
    segments: Mapping[str, Segment]
    measures: dict[str, str] = field(default_factory=dict)
    """The names of common table expressions by their text."""

    def query(self, selection: Selection) -> str:
        members = self.condition(selection.condition)
        key = "null" if selection.cut is None or selection.cut.term is None else self.value(selection.cut.term).sql
        chosen = f"select c.id, c.{sql.FINGERPRINT} as draws, {key} as key from {self._contacts()} where {members}"
        if selection.cut is not None:
            chosen = self._cut(chosen, selection.cut)
        tables = ", ".join(f"{name} as ({text})" for text, name in self.measures.items())
        return f"with {tables} {chosen}" if tables else chosen

    def _contacts(self) -> str:
        joined = "".join(f" left join {name} on {name}.contact = c.id" for name in self.measures.values())
        return f"contacts c left join companies k on k.id = c.{sql.COMPANY}{joined}"

    def _cut(self, chosen: str, cut: Cut) -> str:
        """The first of those chosen; ties are broken by id, and what has no value comes last."""
        if cut.kind is CutKind.RANDOM:
            return (
                f"select id from ({chosen}) order by draw(draws, {fingerprint(cut.seed or '')}), id limit {cut.count}"
            )
        assert cut.term is not None
        better = ">" if cut.kind is CutKind.TOP else "<"
        if measure(cut.term) == EXACT:
            return (
                f"select id from (with chosen as ({chosen}) select a.id from chosen a left join chosen b on"
                f" case when b.key is null or a.key is null then (b.key is not null or (a.key is null and b.id < a.id))"
                f" else ratio_order(b.key, a.key) {better} 0 or (ratio_order(b.key, a.key) = 0 and b.id < a.id) end"
                f" group by a.id having count(b.id) < {cut.count})"
            )
        direction = "desc" if cut.kind is CutKind.TOP else "asc"
        key = "case when key = 0 then 0 else key end" if measure(cut.term).type is Type.FLOAT else "key"
        return f"select id from ({chosen}) order by {key} {direction} nulls last, id limit {cut.count}"

    # --- conditions -------------------------------------------------------------------------------------

    def condition(self, node: Condition, event: str = "") -> str:
        """`event` is the alias of the event that conditions in a selector are about."""
        match node:
            case typed.Everyone():
                return "true"
            case typed.Nobody():
                return "false"
            case typed.And(items=items):
                return sql.all_of(self.condition(item, event) for item in items)
            case typed.Or(items=items):
                return sql.any_of(self.condition(item, event) for item in items)
            case typed.Not(item=item):
                return f"not ({self.condition(item, event)})"
            case typed.AtLeast(count=count, items=items):
                return " + ".join(f"({self.condition(item, event)})::INTEGER" for item in items) + f" >= {count}"
            case typed.Test(term=term, predicate=predicate):
                return f"coalesce({self.test(self.value(term, event), predicate)}, false)"
            case typed.Compare(operator=operator, left=left, right=right):
                return f"coalesce({self.compare(operator, self.value(left, event), self.value(right, event))}, false)"
            case typed.OfCompany(item=item):
                return f"(k.id is not null and {self.condition(item, event)})"
            case _:
                return self.fact(node)

    def fact(self, node: Condition) -> str:
        """What is known of every contact, never missing."""
        match node:
            case typed.Did(selector=selector, low=low, high=high):
                return at_times(self.number_of("count(*)", *self.selected(selector)), low, high)
            case typed.Regularity(low=low, high=high):
                return at_times(self.regularity(node), low, high)
            case typed.Sequence(steps=steps):
                return f"coalesce({self.measured(self.sequence(steps))}.v, false)"
            case typed.InSegment(segment=key, rules_only=rules_only):
                return self.rules(key) if rules_only else self.members(key)
            case typed.Sample(share=share, seed=seed):
                draw = f"draw(c.{sql.FINGERPRINT}, {fingerprint(seed)})::HUGEINT"
                return f"{draw} * {share.denominator} < {share.numerator * 2**64}::HUGEINT"
            case _:
                raise TypeError(f"no such condition: {type(node).__name__}")

    # --- segments ---------------------------------------------------------------------------------------

    def rules(self, key: str) -> str:
        """A static segment has no rules, and selects nobody. A child narrows the members of its parent."""
        segment = self.segments[key]
        if segment.rules is None:
            return "false"
        assert segment.rules.cut is None, "rules have no cut"
        own = self.condition(segment.rules.condition)
        return own if segment.parent is None else sql.all_of((own, self.members(segment.parent)))

    def members(self, key: str) -> str:
        """Additions and removals by hand hold against the rules."""
        forced = "c.id in (select contact from overrides where segment = {} and {})"
        added, removed = forced.format(sql.text(key), "added"), forced.format(sql.text(key), "not added")
        return f"({added} or (({self.rules(key)}) and not {removed}))"

    # --- tests ------------------------------------------------------------------------------------------

    def test(self, value: Value, predicate: Predicate) -> str:
        match predicate:
            case typed.IsSet():
                return f"{value.sql} in ({value.tags})" if value.tags else f"{value.sql} is not null"
            case typed.OneOf(values=values):
                asked = value.folded or value.sql
                literals = [sql.literal(value.measure.type, one) for one in values]
                return sql.any_of(f"{asked} = {one}" for one in literals)
            case typed.Range() if value.measure.is_numeric:
                return within_range(as_number(value), predicate)
            case typed.Range(low=low, high=high):
                ends = [(">=", low), ("<=", high)]
                return (
                    sql.all_of(
                        f"{value.sql} {operator} {sql.literal(value.measure.type, end)}"
                        for operator, end in ends
                        if end is not None
                    )
                    + f" and {value.sql} is not null"
                )
            case typed.During(window=window):
                return self.during(value, window)
            case typed.Anniversary(window=window):
                return self.anniversary(value, window)
            case typed.HasAny() | typed.HasAll():
                return has(value, predicate)
            case _:
                return textual(value, predicate)

    def during(self, value: Value, window: typed.Window) -> str:
        is_date = value.measure.type is Type.DATE
        return lies_in(value.sql, self.calendar.days(window) if is_date else self.calendar.instants(window))

    def anniversary(self, value: Value, window: typed.Window) -> str:
        """A window without an end on one side has one of every date."""
        first, last = self.calendar.days(window)
        if first is None or last is None:
            return f"{value.sql} is not null"
        return f"has_anniversary({as_date(value)}, {first}, {last})"

    def compare(self, operator: str, left: Value, right: Value) -> str:
        if left.measure.is_numeric:
            return compared(operator, as_number(left), as_number(right))
        return f"{left.folded or left.sql} {operator} {right.folded or right.sql}"

    # --- terms ------------------------------------------------------------------------------------------

    def value(self, term: Term, event: str = "") -> Value:
        match term:
            case typed.FieldTerm(scope=scope, field=read):
                return field_of(scope, event, read)
            case typed.Aggregate():
                return self.aggregate(term)
            case typed.Constant(value=constant):
                assert not isinstance(constant, str | bool)
                return Value(EXACT, sql.ratio(constant))
            case typed.Arithmetic(operator=operator, left=left, right=right):
                sides = as_number(self.value(left, event)), as_number(self.value(right, event))
                return Value(measure(term), number(operator, *sides).sql)
            case typed.DatePart(part=part, term=inner):
                return Value(measure(term), self.part(part, self.value(inner, event)))
            case typed.Bucket(seed=seed, buckets=buckets):
                draw = f"draw(c.{sql.FINGERPRINT}, {fingerprint(seed)})"
                return Value(measure(term), f"(({draw}::UHUGEINT * {buckets}) >> 64)::BIGINT")
            case _:
                raise TypeError(f"no such term: {type(term).__name__}")

    def part(self, part: typed.Part, value: Value) -> str:
        match part:
            case typed.Part.YEARS_SINCE:
                return f"years_since({as_date(value)}, {self.calendar.today})"
            case typed.Part.WEEKDAY:
                return f"isodow({as_date(value)})"
            case typed.Part.HOUR:
                return f"hour(local({value.sql}))"
            case typed.Part.YEAR | typed.Part.MONTH | typed.Part.DAY:
                return f"{part.value}({as_date(value)})"

    # --- events -----------------------------------------------------------------------------------------

    def measured(self, text: str) -> str:
        """The name of a common table expression, whose rows have a contact each."""
        return self.measures.setdefault(text, f"m{len(self.measures) + 1}")

    def selected(self, selector: Selector, event: str = "e") -> tuple[str, str]:
        """The events of a selector: the relation they are in, and the condition on them."""
        conditions = [] if selector.where is None else [self.condition(selector.where, event)]
        if selector.window is not None:
            conditions.append(lies_in(f"{event}.at", self.calendar.instants(selector.window)))
        return f"{sql.events_of(selector.event)} {event}", sql.all_of(conditions)

    def of_events(self, columns: str, relation: str, condition: str) -> str:
        return self.measured(f"select e.contact, {columns} from {relation} where {condition} group by e.contact")

    def number_of(self, counted: str, relation: str, condition: str) -> str:
        """A number that is 0 when there is no event."""
        return f"coalesce({self.of_events(f'{counted} as v', relation, condition)}.v, 0)"

    def aggregate(self, term: typed.Aggregate) -> Value:
        events = self.selected(term.selector)
        found = measure(term)
        of = None if term.property is None else field_of(Scope.EVENTS, "e", term.property)
        match term.function:
            case AggregateFunction.COUNT:
                return Value(found, self.number_of("count(*)", *events))
            case AggregateFunction.DISTINCT:
                assert of is not None
                return Value(found, self.number_of(f"count(distinct {of.folded or of.sql})", *events))
            case AggregateFunction.SUM:
                assert of is not None
                return Value(found, self.number_of(f"sum({of.sql})", *events))
            case AggregateFunction.AVG:
                assert of is not None
                return Value(found, self.of_events(f"{average(of)} as v", *events) + ".v")
            case AggregateFunction.MIN | AggregateFunction.MAX:
                assert of is not None
                return Value(found, self.of_events(f"{term.function.value}({of.sql}) as v", *events) + ".v")
            case AggregateFunction.FIRST | AggregateFunction.LAST if of is None:
                edge = "min" if term.function is AggregateFunction.FIRST else "max"
                return Value(found, self.of_events(f"{edge}(e.at) as v", *events) + ".v")
            case AggregateFunction.FIRST | AggregateFunction.LAST:
                return self.edge(term.function, of, events)

    def edge(self, function: AggregateFunction, of: Value, events: tuple[str, str]) -> Value:
        """The value at the first or the last event, which may have none; the order of arrival decides in a tie."""
        picked = f"{function.value}({{}} order by e.at, e.{sql.ORDER})"
        both = f"{picked.format(of.sql)} as v, {picked.format(of.folded or 'null')} as folded"
        found = self.of_events(both, *events)
        return Value(of.measure, f"{found}.v", f"{found}.folded" if of.folded else "", of.tags)

    def regularity(self, node: typed.Regularity) -> str:
        """How many of the spans hold such an event."""
        relation, condition = self.selected(node.selector)
        spans = self.calendar.spans(node.spans, node.unit)
        joined = f"{relation} join {spans} on e.at >= spans.first and e.at < spans.last"
        return self.number_of("count(distinct spans.number)", joined, condition)

    # --- sequences --------------------------------------------------------------------------------------

    def sequence(self, steps: tuple[typed.Step, ...]) -> str:
        """One alias for each step; a present one is joined to those before it, an absent one must not exist."""
        relations, conditions = [], []
        for place, step in enumerate(steps):
            relation, condition = self.selected(step.selector, f"s{place}")
            asked = sql.all_of((condition, *self.follows(steps, place)))
            if step.absent:
                conditions.append(f"not exists (select 1 from {relation} where {asked})")
            else:
                relations.append(relation)
                conditions.append(asked)
        return f"select distinct s0.contact, true as v from {', '.join(relations)} where {sql.all_of(conditions)}"

    def follows(self, steps: tuple[typed.Step, ...], place: int) -> Iterable[str]:
        """How a step lies to the present ones around it."""
        if place == 0:
            return
        step, this = steps[place], f"s{place}"
        before = next(f"s{i}" for i in range(place - 1, -1, -1) if not steps[i].absent)
        after = next((f"s{i}" for i in range(place + 1, len(steps)) if not steps[i].absent), None)
        yield f"{this}.contact = s0.contact"
        yield f"{this}.at > {before}.at"
        if step.within_ms is not None or step.within is not None:
            yield f"{this}.at <= {limit(f'{before}.at', step)}"
        elif step.absent and after is not None:
            yield f"{this}.at < {after}.at"
        for correlation in step.correlations:
            yield self.same(correlation, steps[:place], this)

    def same(self, correlation: typed.Correlation, earlier: tuple[typed.Step, ...], this: str) -> str:
        """The value of the nearest present step whose type of event has the property."""
        wanted = correlation.earlier.name
        nearest = next(
            place
            for place in range(len(earlier) - 1, -1, -1)
            if not earlier[place].absent and wanted in self.properties(earlier[place].selector.event)
        )
        here = field_of(Scope.EVENTS, this, correlation.property)
        there = field_of(Scope.EVENTS, f"s{nearest}", correlation.earlier)
        return self.compare("=", here, there)

    def properties(self, event: str | None) -> set[str]:
        return {*EVENT_SYSTEM_FIELDS, *(() if event is None else self.schema.events[event])}


def field_of(scope: Scope, event: str, read: Field) -> Value:
    """The column of a field in the row in scope."""
    alias = {Scope.CONTACTS: "c", Scope.COMPANIES: "k", Scope.EVENTS: event}[scope]
    found = Measure(read.type, read.decimals if read.type is Type.NUMBER else None, read.options)
    folded = f"{alias}.{sql.folded(read.name)}" if sql.is_folded(read) else ""
    if read.type is not Type.TAGS:
        return Value(found, f"{alias}.{sql.name(read.name)}", folded)
    table = {Scope.CONTACTS: "contact tags", Scope.COMPANIES: "company tags", Scope.EVENTS: "event tags"}[scope]
    key = sql.ORDER if scope is Scope.EVENTS else "id"
    owners = f"select owner from {sql.name(table)} where field = {sql.text(read.name)}"
    return Value(found, f"{alias}.{key}", folded, owners)


def as_number(value: Value) -> Number:
    return Number(value.sql, value.measure)


def as_date(value: Value) -> str:
    """The day of a date, or that on which a datetime falls in the workspace's zone."""
    return value.sql if value.measure.type is Type.DATE else f"local({value.sql})::DATE"


def at_times(count: str, low: int, high: int | None) -> str:
    return f"{count} >= {low}" if high is None else f"{count} between {low} and {high}"


def average(of: Value) -> str:
    if of.measure.type is Type.FLOAT:
        return f"sum({of.sql}) / nullif(count({of.sql}), 0)"
    return f"ratio(sum({of.sql}), count({of.sql}) * {10 ** (of.measure.decimals or 0)})"


def limit(before: str, step: typed.Step) -> str:
    """The last moment at which a step may come: months and years are the calendar's, a day is 24 hours."""
    if step.within_ms is not None:
        return f"{before} + to_milliseconds({step.within_ms})"
    assert step.within is not None
    assert step.within.unit in (Unit.MONTH, Unit.YEAR)
    return f"instant(local({before}) + {STEPS[step.within.unit]}({step.within.count}))"


def has(value: Value, predicate: typed.HasAny | typed.HasAll) -> str:
    owned = f"{value.sql} in ({value.tags} and folded in ({{}}))"
    if isinstance(predicate, typed.HasAny):
        return owned.format(sql.texts(predicate.values))
    return sql.all_of(owned.format(sql.text(tag)) for tag in predicate.values)


def textual(value: Value, predicate: Predicate) -> str:
    match predicate:
        case typed.ExactlyOneOf(values=values):
            return f"{value.sql} in ({sql.texts(values)})"
        case typed.StartsWith(text=text):
            return f"starts_with({value.folded}, {sql.text(text)})"
        case typed.EndsWith(text=text):
            return f"ends_with({value.folded}, {sql.text(text)})"
        case typed.Contains(text=text):
            return f"contains({value.folded}, {sql.text(text)})"
        case typed.Like(pattern=pattern):
            return f"{value.folded} like {sql.text(pattern)}"
        case typed.Matches(pattern=pattern, ignore_case=ignore_case):
            return f"regexp_matches({value.sql}, {sql.text(pattern)}, '{'i' if ignore_case else 'c'}')"
        case _:
            raise TypeError(f"no such predicate: {type(predicate).__name__}")
