"""Which contacts a selection selects, worked out one contact at a time from the meaning of each node.

Nothing here is fast or clever, on purpose: no arrays, no bitmaps, no indexes. Arithmetic is exact (`Fraction`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from dsl import typed
from dsl.draw import draw, fingerprint, share_limit
from dsl.folding import fold
from dsl.moments import Clock, Window
from dsl.schema import Field, Schema, Type, type_of_value
from dsl.typed import AggregateFunction as Function
from tests.oracle import calendar
from tests.oracle.world import Event, Values, World

Exact = str | bool | Fraction | tuple[str, ...]
"""A value free of its physical form: every number is a Fraction in unscaled units."""


@dataclass
class Row:
    """One row of the scope in question, and the contact it belongs to (a company row has none)."""

    values: Values
    contact: str | None


Lives = dict[str, list[Event]]
"""Each contact's events, in order of moment and, at the same millisecond, of acceptance."""


def lives_in(world: World) -> Lives:
    lives: Lives = {}
    for event in sorted(world.events, key=lambda e: (e.at, e.order)):
        lives.setdefault(event.contact, []).append(event)
    return lives


def select(selection: typed.Selection, world: World, clock: Clock) -> set[str]:
    return Oracle(world, clock).select(selection)


class Oracle:
    def __init__(self, world: World, clock: Clock, lives: Lives | None = None) -> None:
        """`lives`, where the caller has them already, are those of `world` as it is."""
        self.world = world
        self.clock = clock
        self.lives = lives_in(world) if lives is None else lives
        self.known_members: dict[str, set[str]] = {}
        self.known_rules: dict[str, set[str]] = {}
        self.known_instants: dict[Window, calendar.Bounds] = {}

    def select(self, selection: typed.Selection) -> set[str]:
        chosen = {id for id in self.world.contacts if self.holds(selection.condition, self.contact_row(id))}
        return chosen if selection.cut is None else self.cut(selection.cut, chosen)

    def contact_row(self, id: str) -> Row:
        return Row(self.world.contacts[id], id)

    # --- conditions ---------------------------------------------------------------------------------------

    def holds(self, condition: typed.Condition, row: Row) -> bool:
        match condition:
            case typed.Everyone():
                return True
            case typed.Nobody():
                return False
            case typed.And(items=items):
                return all(self.holds(item, row) for item in items)
            case typed.Or(items=items):
                return any(self.holds(item, row) for item in items)
            case typed.Not(item=item):
                return not self.holds(item, row)
            case typed.AtLeast(count=count, items=items):
                return sum(self.holds(item, row) for item in items) >= count
            case typed.Test(term=term, predicate=predicate):
                return self.satisfies(term, self.value(term, row), predicate)
            case typed.Compare(operator=operator, left=left, right=right):
                return compare(operator, self.exact(left, row), self.exact(right, row))
            case typed.OfCompany(item=item):
                company = self.world.company_of.get(contact_of(row))
                return company is not None and self.holds(item, Row(self.world.companies[company], None))
            case typed.Did(selector=selector, low=low, high=high):
                return between(len(self.selected(selector, row)), low, high)
            case typed.Regularity():
                return self.regular(condition, row)
            case typed.Sequence(steps=steps):
                return any(self.follows(steps, 1, {0: first}) for first in self.selected(steps[0].selector, row))
            case typed.InSegment(segment=segment, rules_only=rules_only):
                return contact_of(row) in (self.rules(segment) if rules_only else self.members(segment))
            case typed.Sample(share=share, seed=seed):
                return draw(fingerprint(contact_of(row)), fingerprint(seed)) < share_limit(share)
            case _:
                raise TypeError(f"no such condition: {type(condition).__name__}")

    # --- segments -----------------------------------------------------------------------------------------

    def rules(self, key: str) -> set[str]:
        """What the rules select among the members of the parent. A static segment has no rules: nobody."""
        if key not in self.known_rules:
            segment = self.world.segments[key]
            found = self.select(segment.rules) if segment.rules is not None else set()
            self.known_rules[key] = found if segment.parent is None else found & self.members(segment.parent)
        return self.known_rules[key]

    def members(self, key: str) -> set[str]:
        """Rules plus manual additions and removals, which hold against the rules."""
        if key not in self.known_members:
            segment = self.world.segments[key]
            self.known_members[key] = (self.rules(key) | segment.added) - segment.removed
        return self.known_members[key]

    # --- events -------------------------------------------------------------------------------------------

    def selected(self, selector: typed.Selector, row: Row) -> list[Event]:
        """The contact's events that the selector names, in order."""
        start, end = self.instants(selector.window)
        return [
            event
            for event in self.lives.get(contact_of(row), [])
            if selector.event in (None, event.type)
            and lies_in(event.at, start, end)
            and (selector.where is None or self.holds(selector.where, Row(event.values, event.contact)))
        ]

    def instants(self, window: Window | None) -> calendar.Bounds:
        """Worked out once for each window: the clock stands still."""
        if window is None:
            return None, None
        if window not in self.known_instants:
            self.known_instants[window] = calendar.instants(window, self.clock)
        return self.known_instants[window]

    def regular(self, condition: typed.Regularity, row: Row) -> bool:
        moments = [event.at for event in self.selected(condition.selector, row)]
        spans = calendar.spans_ending_now(condition.spans, condition.unit, self.clock)
        hit = sum(any(start <= at < end for at in moments) for start, end in spans)
        return between(hit, condition.low, condition.high)

    def follows(self, steps: tuple[typed.Step, ...], index: int, taken: dict[int, Event]) -> bool:
        """Whether the steps from `index` on can follow the events `taken` for the steps before (absent ones aside)."""
        if index == len(steps):
            return True
        step = steps[index]
        if step.absent:
            return self.absent_then_rest(steps, index, taken)
        previous = taken[max(taken)]
        return any(
            self.comes_after(step, candidate, previous)
            and self.correlated(steps, index, candidate, taken)
            and self.nothing_forbidden(steps, index, taken, candidate)
            and self.follows(steps, index + 1, {**taken, index: candidate})
            for candidate in self.selected(step.selector, Row({}, previous.contact))
        )

    def comes_after(self, step: typed.Step, event: Event, previous: Event) -> bool:
        return previous.at < event.at and not self.too_late(step, event, previous)

    def too_late(self, step: typed.Step, event: Event, previous: Event) -> bool:
        """Whether more than the gap has passed; months and years are counted on the calendar."""
        if step.within_ms is not None:
            return event.at - previous.at > step.within_ms
        if step.within is not None:
            return event.at > calendar.moved_instant(previous.at, step.within.count, step.within.unit, self.clock)
        return False

    def absent_then_rest(self, steps: tuple[typed.Step, ...], index: int, taken: dict[int, Event]) -> bool:
        """Absent steps before a present one are tested when that one is chosen; trailing ones, here and now."""
        if any(not later.absent for later in steps[index + 1 :]):
            return self.follows(steps, index + 1, taken)
        return not self.forbidden(steps, index, taken, before=None) and self.follows(steps, index + 1, taken)

    def nothing_forbidden(
        self, steps: tuple[typed.Step, ...], index: int, taken: dict[int, Event], candidate: Event
    ) -> bool:
        """Absent steps between the last step taken and this one: none within its gap, or else none before this one."""
        absent = range(max(taken) + 1, index)
        ends = [None if has_gap(steps[place]) else candidate.at for place in absent]
        return not any(self.forbidden(steps, place, taken, end) for place, end in zip(absent, ends, strict=True))

    def forbidden(self, steps: tuple[typed.Step, ...], index: int, taken: dict[int, Event], before: int | None) -> bool:
        previous = taken[max(taken)]
        return any(
            self.comes_after(steps[index], event, previous)
            and (before is None or event.at < before)
            and self.correlated(steps, index, event, taken)
            for event in self.selected(steps[index].selector, Row({}, previous.contact))
        )

    def correlated(self, steps: tuple[typed.Step, ...], index: int, event: Event, taken: dict[int, Event]) -> bool:
        return all(self.same(correlation, steps, event, taken) for correlation in steps[index].correlations)

    def same(
        self,
        correlation: typed.Correlation,
        steps: tuple[typed.Step, ...],
        event: Event,
        taken: dict[int, Event],
    ) -> bool:
        """The nearest earlier step whose event type declares the property decides, even if its value is missing."""
        declaring = [i for i in taken if declares(self.world.schema, steps[i].selector.event, correlation.earlier)]
        here = exact_of(correlation.property, event.values.get(correlation.property.name))
        there = exact_of(correlation.earlier, taken[max(declaring)].values.get(correlation.earlier.name))
        return compare("=", here, there)

    # --- terms --------------------------------------------------------------------------------------------

    def value(self, term: typed.Term, row: Row) -> type_of_value | Fraction | None:
        """The value in the form predicates are asked about: physical for fields, unscaled for what is computed."""
        match term:
            case typed.FieldTerm(field=field):
                return row.values.get(field.name)
            case typed.Aggregate():
                return self.aggregate(term, row)
            case typed.Constant(value=value):
                return value
            case typed.Arithmetic(operator=operator, left=left, right=right):
                return arithmetic(operator, self.exact(left, row), self.exact(right, row))
            case typed.DatePart(part=part, term=inner):
                moment = self.value(inner, row)
                return None if moment is None else self.date_part(part, field_of(inner).type, int(moment))  # type: ignore[arg-type]
            case typed.Bucket(seed=seed, buckets=buckets):
                return draw(fingerprint(contact_of(row)), fingerprint(seed)) * buckets >> 64
            case _:
                raise TypeError(f"no such term: {type(term).__name__}")

    def exact(self, term: typed.Term, row: Row) -> Exact | None:
        value = self.value(term, row)
        match term:
            case typed.FieldTerm() | typed.Aggregate():
                return exact_of(field_of(term), value)
            case _:
                return exact_of(Field("", Type.FLOAT), value)

    def aggregate(self, term: typed.Aggregate, row: Row) -> type_of_value | Fraction | None:
        events = self.selected(term.selector, row)
        if term.function is Function.COUNT:
            return len(events)
        if term.function in (Function.FIRST, Function.LAST):
            edge = 0 if term.function is Function.FIRST else -1
            if not events:
                return None
            return events[edge].at if term.property is None else events[edge].values.get(term.property.name)
        assert term.property is not None
        values = [e.values[term.property.name] for e in events if term.property.name in e.values]
        return combine(term.function, term.property, values)

    def wall(self, type: Type, value: int) -> datetime:
        """What a clock on the wall shows at a datetime, or as a day begins."""
        return calendar.local(value, self.clock) if type is Type.DATETIME else midnight(value)

    def date_part(self, part: typed.Part, type: Type, value: int) -> int:
        moment = self.wall(type, value)
        match part:
            case typed.Part.YEAR:
                return moment.year
            case typed.Part.MONTH:
                return moment.month
            case typed.Part.DAY:
                return moment.day
            case typed.Part.WEEKDAY:
                return moment.isoweekday()
            case typed.Part.HOUR:
                return moment.hour
            case typed.Part.YEARS_SINCE:
                return whole_years(moment.date(), calendar.local(self.clock.now, self.clock).date())
            case _:
                raise TypeError(f"no such part: {part}")

    # --- predicates ---------------------------------------------------------------------------------------

    def satisfies(self, term: typed.Term, value: type_of_value | Fraction | None, predicate: typed.Predicate) -> bool:
        if value is None:
            return False
        match predicate:
            case typed.IsSet():
                return True
            case typed.OneOf(values=values):
                return (fold(value) if isinstance(value, str) else value) in values
            case typed.ExactlyOneOf(values=values):
                return value in values
            case typed.Range():
                return in_range(value, predicate)
            case typed.During(window=window):
                of_days = field_of(term).type is Type.DATE
                bounds = calendar.days(window, self.clock) if of_days else self.instants(window)
                return lies_in(value, *bounds)
            case typed.Anniversary(window=window):
                return has_anniversary(self.wall(field_of(term).type, value).date(), *calendar.days(window, self.clock))
            case typed.StartsWith(text=text):
                return fold(value).startswith(text)
            case typed.EndsWith(text=text):
                return fold(value).endswith(text)
            case typed.Contains(text=text):
                return text in fold(value)
            case typed.Like(pattern=pattern):
                return re.fullmatch("".join(like_piece(c) for c in pattern), fold(value), re.DOTALL) is not None
            case typed.Matches(pattern=pattern, ignore_case=ignore_case):
                return re.search(pattern, value, re.IGNORECASE if ignore_case else 0) is not None
            case typed.HasAny(values=values):
                return any(tag in {fold(t) for t in value} for tag in values)
            case typed.HasAll(values=values):
                return all(tag in {fold(t) for t in value} for tag in values)
            case _:
                raise TypeError(f"no such predicate: {type(predicate).__name__}")

    # --- cuts ---------------------------------------------------------------------------------------------

    def cut(self, cut: typed.Cut, chosen: set[str]) -> set[str]:
        return set(self.ranked(cut, chosen)[: cut.count])

    def ranked(self, cut: typed.Cut, chosen: set[str]) -> list[str]:
        """Best first. Ties go by contact id; contacts without a value come after all those with one."""
        if cut.kind is typed.CutKind.RANDOM:
            assert cut.seed is not None
            seed = fingerprint(cut.seed)
            return sorted(chosen, key=lambda id: (draw(fingerprint(id), seed), id))
        assert cut.term is not None
        keys = {id: self.exact(cut.term, self.contact_row(id)) for id in chosen}
        valued = sorted(id for id in chosen if keys[id] is not None)
        valued.sort(key=lambda id: keys[id], reverse=cut.kind is typed.CutKind.TOP)  # type: ignore[arg-type, return-value]
        return valued + sorted(id for id in chosen if keys[id] is None)


def contact_of(row: Row) -> str:
    assert row.contact is not None
    return row.contact


def has_gap(step: typed.Step) -> bool:
    return step.within_ms is not None or step.within is not None


def between(number: int, low: int, high: int | None) -> bool:
    return number >= low and (high is None or number <= high)


def lies_in(value: object, start: int | None, end: int | None) -> bool:
    assert isinstance(value, int)
    return (start is None or value >= start) and (end is None or value < end)


def in_range(value: object, bounds: typed.Range) -> bool:
    if bounds.low is not None and (value < bounds.low or (bounds.low_open and value == bounds.low)):  # type: ignore[operator]
        return False
    return not (
        bounds.high is not None and (value > bounds.high or (bounds.high_open and value == bounds.high))  # type: ignore[operator]
    )


def compare(operator: str, left: Exact | None, right: Exact | None) -> bool:
    if left is None or right is None:
        return False
    match operator:
        case "=":
            return left == right
        case "<":
            return left < right  # type: ignore[operator]
        case "<=":
            return left <= right  # type: ignore[operator]
        case ">":
            return left > right  # type: ignore[operator]
        case ">=":
            return left >= right  # type: ignore[operator]
        case _:
            raise TypeError(f"no such comparison: {operator}")


def arithmetic(operator: typed.Operator, left: Exact | None, right: Exact | None) -> Fraction | None:
    if left is None or right is None:
        return None
    assert isinstance(left, Fraction)
    assert isinstance(right, Fraction)
    match operator:
        case typed.Operator.ADD:
            return left + right
        case typed.Operator.SUBTRACT:
            return left - right
        case typed.Operator.MULTIPLY:
            return left * right
        case typed.Operator.DIVIDE:
            return None if right == 0 else left / right
        case _:
            raise TypeError(f"no such operator: {operator}")


def combine(function: Function, field: Field, values: list[type_of_value]) -> type_of_value | Fraction | None:
    match function:
        case Function.SUM:
            return sum(values) if field.type is Type.NUMBER else sum(Fraction(v) for v in values)  # type: ignore[arg-type]
        case Function.DISTINCT:
            return len(set(pieces(field, values)))
        case Function.AVG:
            return sum(exact_number(field, v) for v in values) / Fraction(len(values)) if values else None
        case Function.MIN:
            return min(values) if values else None  # type: ignore[type-var]
        case Function.MAX:
            return max(values) if values else None  # type: ignore[type-var]
        case _:
            raise TypeError(f"no such aggregate: {function}")


def pieces(field: Field, values: list[type_of_value]) -> Iterator[object]:
    """What DISTINCT tells apart: folded texts, each tag of a set, other values as they are."""
    for value in values:
        match value:
            case str():
                yield fold(value)
            case tuple():
                yield from (fold(tag) for tag in value)
            case _:
                yield value


def exact_number(field: Field, value: object) -> Fraction:
    assert isinstance(value, int | float | Fraction)
    return Fraction(value) / 10**field.decimals if field.type is Type.NUMBER else Fraction(value)


def exact_of(field: Field, value: object) -> Exact | None:
    match value:
        case None:
            return None
        case bool():
            return value
        case str():
            return fold(value)
        case tuple():
            return tuple(sorted({fold(tag) for tag in value}))
        case _:
            return exact_number(field, value)


def field_of(term: typed.Term) -> Field:
    """The type and scale of a field's or an aggregate's values."""
    match term:
        case typed.FieldTerm(field=field):
            return field
        case typed.Aggregate(function=Function.COUNT | Function.DISTINCT):
            return Field("", Type.NUMBER, decimals=0)
        case typed.Aggregate(function=Function.AVG):
            return Field("", Type.FLOAT)
        case typed.Aggregate(property=None):
            return Field("", Type.DATETIME)
        case typed.Aggregate(property=Field() as field):
            return field
        case typed.Constant(type=type):
            return Field("", type)
        case _:
            raise TypeError(f"no field behind {type(term).__name__}")


def declares(schema: Schema, event: str | None, field: Field) -> bool:
    return field.name in ("at", "id") or (event is not None and field.name in schema.events[event])


def like_piece(character: str) -> str:
    return {"%": ".*", "_": "."}.get(character) or re.escape(character)


def midnight(days: object) -> datetime:
    assert isinstance(days, int)
    return datetime(1970, 1, 1) + timedelta(days=days)


def anniversary(birth: date, year: int) -> date:
    if (birth.month, birth.day) == (2, 29) and not calendar.leap(year):
        return date(year, 2, 28)
    return date(year, birth.month, birth.day)


def has_anniversary(birth: date, start: int | None, end: int | None) -> bool:
    """Whether some year's anniversary lies in [start, end). Any window without an end on one side has one."""
    if start is None or end is None:
        return True
    first, last = midnight(start).year, midnight(end).year
    epoch = date(1970, 1, 1)
    return any(start <= (anniversary(birth, year) - epoch).days < end for year in range(first, last + 1))


def whole_years(birth: date, today: date) -> int:
    """Years completed; before the first anniversary 0, and negative for a date to come."""
    years = today.year - birth.year
    return years if today >= anniversary(birth, today.year) else years - 1
