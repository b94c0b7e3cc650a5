"""Constants: literals, parameters and what is computed from them alone, read as the value their place needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from dsl import moments, tree
from dsl.habits import date_hint
from dsl.literals import day_number, instant_ms, month_days, quoted, year_days
from dsl.moments import CLOCK_UNITS, CalendarPeriod, Days, Duration, Now, Rolling, Today, Unit, Window
from dsl.problems import Flaw, Problem, Span
from dsl.typed import Operator

Found = TypeVar("Found")

MOST_BITS = 4_096
"""Exact numbers computed from constants stop here, so that no expression can make one that is slow to handle."""

LONGEST = 10**9
"""The largest count a duration may have."""

NAMES: Mapping[type[tree.Node], str] = {
    tree.Text: "a text",
    tree.Number: "a number",
    tree.Boolean: "true or false",
    tree.Day: "a date",
    tree.Month: "a month",
    tree.Instant: "a datetime",
    tree.Duration: "a duration",
    tree.Ago: "a moment",
    tree.NamedMoment: "a moment",
    tree.CalendarPeriod: "a period",
    tree.RollingPeriod: "a period",
    tree.Arithmetic: "a number",
    tree.Negative: "a number",
    tree.Parameter: "a parameter",
    tree.FieldName: "a field",
    tree.Aggregate: "a value of events",
    tree.Same: "a value of an earlier step",
    tree.DatePart: "a number",
    tree.Bucket: "a number",
}
"""How each kind of value is called in a problem; everything else is a condition."""

_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{1,2}-\d{1,2}[Tt ].*", re.DOTALL)


VARYING = frozenset({tree.FieldName, tree.Aggregate, tree.DatePart, tree.Bucket, tree.Same})
"""The kinds of value that a row can change."""

COMPUTED = frozenset({tree.Arithmetic, tree.Negative})
"""The kinds that change as what they are made of does."""


def is_constant(node: tree.Expression) -> bool:
    """Whether nothing about a row can change its value."""
    kind = type(node)
    if kind in VARYING:
        return False
    if kind not in COMPUTED:
        return kind in NAMES
    match node:
        case tree.Arithmetic(operands=operands):
            return all(map(is_constant, operands))
        case tree.Negative(item=item):
            return is_constant(item)
        case _:
            raise TypeError(f"nothing is computed by {kind.__name__}")


def mismatch(node: tree.Node, needed: str, hint: str | None = None) -> Flaw:
    """The flaw of a value that is of another kind than its place needs."""
    if isinstance(node, tree.Broken):
        return Flaw(None)
    found = NAMES.get(type(node), "a condition")
    return Flaw(Problem("type-mismatch", f"found {found}, where {needed} is needed", hint, node.span))


class Constants(Struct, frozen=True):
    """Reads constants in the zone of a workspace, with the values given to parameters."""

    zone: ZoneInfo
    params: Mapping[str, object]

    # --- parameters ---

    def bound(self, node: tree.Expression, temporal: bool = False) -> tree.Expression:
        """A parameter as the literal its value would be; anything else as it is."""
        if type(node) is not tree.Parameter:
            return node
        if node.name not in self.params:
            raise Flaw(None)  # told once for the whole expression
        return literal(self.params[node.name], node.span, temporal)

    def items(self, values: tree.Values | tree.Parameter | tree.Text, temporal: bool = False) -> list[tree.Expression]:
        """The literals of a list, written or given by a parameter."""
        if isinstance(values, tree.Text):
            return [values]
        if isinstance(values, tree.Values):
            return list(values.items)
        given = self.params.get(values.name)
        if isinstance(given, list | tuple | set | frozenset):
            return [literal(value, values.span, temporal) for value in given]
        return [self.bound(values, temporal)]

    # --- plain values ---

    def text(self, node: tree.Expression) -> str:
        found = self.bound(node)
        if isinstance(found, tree.Text):
            return found.value
        raise mismatch(found, "a text", _quote_it(found))

    def boolean(self, node: tree.Expression) -> bool:
        found = self.bound(node)
        if isinstance(found, tree.Boolean):
            return found.value
        raise mismatch(found, "true or false")

    def exact(self, node: tree.Expression) -> Fraction | int:
        """The exact value of a constant number; an int, which is handled sooner, where a whole one is written."""
        found = self.bound(node)
        if isinstance(found, tree.Number):
            whole = int(found.value)
            return whole if whole == found.value else Fraction(found.value)
        return self.number(found)

    def number(self, node: tree.Expression) -> Fraction:
        """The exact value of a constant number, computed when written as arithmetic."""
        match self.bound(node):
            case tree.Number(value=value):
                return Fraction(value)
            case tree.Negative(item=item):
                return -self.number(item)
            case tree.Arithmetic(operators=operators, operands=operands):
                return self._computed(operators, operands)
            case found:
                hint = "write numbers without quotes" if isinstance(found, tree.Text) else None
                raise mismatch(found, "a number", hint)

    def _computed(self, operators: tuple[Operator, ...], operands: tuple[tree.Expression, ...]) -> Fraction:
        total = self.number(operands[0])
        for operator, operand in zip(operators, operands[1:], strict=True):
            total = _combined(operator, total, self.number(operand), operand.span)
        return total

    def whole(self, node: tree.Expression, low: int = 0, high: int = LONGEST) -> int:
        """A count: a whole number from `low` to `high`."""
        value = self.exact(node)
        if value.denominator != 1 or not low <= value <= high:
            message = f"a whole number from {low:,} to {high:,} is needed"
            raise Flaw(Problem("whole-number-needed", message, span=node.span))
        return int(value)

    # --- time ---

    def duration(self, node: tree.Duration) -> Duration:
        return Duration(self.whole(node.count), node.unit)

    def timing(self, timing: tree.Timing) -> Window:
        """The window of a bound in time."""
        first = self.window(timing.first)
        if timing.last is not None:
            return moments.Between(first, self.window(timing.last))
        edge = EDGES.get(timing.when)
        return first if edge is None else edge(first)

    def window(self, node: tree.Expression) -> Window:
        """A moment or a period."""
        bound = self.bound(node, temporal=True)
        if type(bound) is tree.RollingPeriod:
            count = self.whole(bound.duration.count)
            return Rolling(count if bound.which is tree.Which.NEXT else -count, bound.duration.unit)
        match bound:
            case tree.Day(text=text):
                day = self._existing(lambda: day_number(text), node.span)
                return Days(day, day + 1)
            case tree.Month(text=text):
                return Days(*self._existing(lambda: month_days(text), node.span))
            case tree.Instant(text=text):
                return moments.Instant(self._existing(lambda: instant_ms(text, self.zone), node.span))
            case tree.Number(value=value) if value == int(value) and 1000 <= value <= 9999:
                return Days(*year_days(int(value)))
            case tree.NamedMoment(moment=moment):
                return NAMED[moment]
            case tree.Ago(duration=duration, ahead=ahead):
                return Now((self._shift(duration, 1 if ahead else -1),))
            case tree.CalendarPeriod() as found:
                return _calendar_period(found)
            case tree.Arithmetic() as found if not _divided(found):
                return self._moved(found)
            case found:
                raise mismatch(found, "a date, a moment or a period", _time_hint(found))

    def _existing(self, read: Callable[[], Found], span: Span) -> Found:
        try:
            return read()
        except ValueError as error:
            raise Flaw(Problem("no-such-date", str(error), span=span)) from None

    def _shift(self, node: tree.Duration, sign: int) -> Duration:
        duration = self.duration(node)
        return Duration(sign * duration.count, duration.unit)

    def _moved(self, node: tree.Arithmetic) -> Window:
        """`today - 3 months`: a moment moved by durations, one after the other."""
        window = self.window(node.operands[0])
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            if not isinstance(operand, tree.Duration) or operator not in (Operator.ADD, Operator.SUBTRACT):
                raise mismatch(operand, "a duration such as `3 months`, added or subtracted")
            window = self._step(window, self._shift(operand, 1 if operator is Operator.ADD else -1), node.span)
        return window

    def _step(self, window: Window, shift: Duration, span: Span) -> Window:
        by_clock = shift.unit in CLOCK_UNITS
        match window:
            case Now(shifts=shifts):
                return Now((*shifts, shift))
            case Today(shifts=shifts) if not by_clock:
                return Today((*shifts, shift))
            case moments.Instant(at=at):
                return moments.Instant(moments.step_instant(at, shift.count, shift.unit, self.zone))
            case Days(start=start, end=end) if end == start + 1 and not by_clock:
                day = moments.step_day(start, shift.count, shift.unit)
                return Days(day, day + 1)
            case _:
                message = f"this cannot be moved by {shift.unit}s"
                hint = "days move by days, weeks, months or years; `now` and datetimes by any duration"
                raise Flaw(Problem("type-mismatch", message, hint, span))


EDGES: Mapping[tree.When, Callable[[Window], Window]] = {
    tree.When.SINCE: moments.Since,
    tree.When.BEFORE: moments.Before,
    tree.When.AFTER: moments.After,
}
"""What is said of one side of a moment or a period."""

OFFSETS: Mapping[tree.Which, int] = {tree.Which.LAST: -1, tree.Which.THIS: 0, tree.Which.NEXT: 1}
"""How many periods away from this one."""

NAMED: Mapping[tree.Moment, Window] = {
    tree.Moment.NOW: Now(),
    tree.Moment.TODAY: Today(),
    tree.Moment.YESTERDAY: Today((Duration(-1, Unit.DAY),)),
    tree.Moment.TOMORROW: Today((Duration(1, Unit.DAY),)),
}


def literal(value: object, span: Span, temporal: bool = False) -> tree.Expression:
    """The literal that stands for a parameter's value, placed where the parameter is.

    Texts become dates, months or datetimes only where time is needed (`temporal`) and only when they look so.
    """
    match value:
        case bool():
            return tree.Boolean(span, value)
        case str() if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise Flaw(Problem("bad-character", "half a surrogate pair is no character", span=span))
        case str():
            return _temporal(value, span) if temporal else tree.Text(span, value)
        case datetime():
            return tree.Instant(span, value.isoformat())
        case date():
            return tree.Day(span, value.isoformat())
        case int() if value.bit_length() <= MOST_BITS:
            return tree.Number(span, Decimal(value))
        case float() | Decimal() if Decimal(repr(value) if isinstance(value, float) else value).is_finite():
            return _given_number(Decimal(repr(value)) if isinstance(value, float) else value, span)
        case None:
            hint = "a missing value is asked for with `is set` or `is not set`"
            raise Flaw(Problem("type-mismatch", "a parameter cannot be null", hint, span))
        case list() | tuple() | set() | frozenset():
            hint = "lists fit `in $name`, `has any $name`, `has all $name` and `has none $name`"
            raise Flaw(Problem("type-mismatch", "found a list, where one value is needed", hint, span))
        case _:
            message = f"a parameter cannot be of type {type(value).__name__}"
            raise Flaw(Problem("type-mismatch", message, span=span))


def _given_number(value: Decimal, span: Span) -> tree.Number:
    """Exponents could stand for numbers too large to expand."""
    if abs(value.adjusted()) > 400:
        raise Flaw(Problem("number-too-long", "this number is too large or too small", span=span))
    return tree.Number(span, value)


def _temporal(value: str, span: Span) -> tree.Expression:
    if _DAY.fullmatch(value):
        return tree.Day(span, value)
    if _MONTH.fullmatch(value):
        return tree.Month(span, value)
    if _INSTANT.fullmatch(value):
        return tree.Instant(span, value.upper().replace(" ", "T"))
    return tree.Text(span, value)


def _combined(operator: Operator, left: Fraction, right: Fraction, span: Span) -> Fraction:
    match operator:
        case Operator.ADD:
            result = left + right
        case Operator.SUBTRACT:
            result = left - right
        case Operator.MULTIPLY:
            result = left * right
        case Operator.DIVIDE if right == 0:
            raise Flaw(Problem("division-by-zero", "nothing can be divided by zero", span=span))
        case Operator.DIVIDE:
            result = left / right
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > MOST_BITS:
        raise Flaw(Problem("number-too-long", "this number grows too large", span=span))
    return result


def _calendar_period(node: tree.CalendarPeriod) -> Window:
    """`last hour` rolls, as `last 1 hour` does; a day is today or its neighbour; the others are the calendar's."""
    offset = OFFSETS[node.which]
    if node.unit in (Unit.WEEK, Unit.MONTH, Unit.YEAR):
        return CalendarPeriod(node.unit, offset)
    if node.unit is Unit.DAY:
        return Today((Duration(offset, Unit.DAY),)) if offset else Today()
    if offset:
        return Rolling(offset, node.unit)
    hint = f"write `last 1 {node.unit}`, or `this week`, `this month`, `this year`"
    raise Flaw(Problem("type-mismatch", f"there is no `this {node.unit}`", hint, node.span))


def _quote_it(node: tree.Expression) -> str | None:
    match node:
        case tree.FieldName(owner=None, name=name):
            return f"put a text in quotes: {quoted(name.name)}"
        case tree.Number(value=value):
            return f"put a text in quotes: {quoted(str(value))}"
        case _:
            return None


def _time_hint(node: tree.Expression) -> str | None:
    match node:
        case tree.Duration():
            return "write `7 days ago` for a moment, `last 7 days` for a period"
        case tree.Text(value=value) if _INSTANT.fullmatch(value):
            return f"write dates without quotes: {value}"
        case tree.Text(value=value):
            return _unquoted(value) or "a date is written 2026-06-30"
        case tree.Number(value=value):
            return date_hint(str(value))
        case tree.Arithmetic():
            return date_hint(_divided(node) or "")
        case _:
            return None


def _unquoted(text: str) -> str | None:
    hint = date_hint(text)
    return f"write dates without quotes: {text}" if hint == f"write {text}" else hint


def _divided(node: tree.Arithmetic) -> str | None:
    """`31/12/2026` and `31-12-2026`, which are arithmetic here, as the dates they are meant to be."""
    numbers = [str(operand.value) for operand in node.operands if isinstance(operand, tree.Number)]
    parted = set(node.operators) in ({Operator.DIVIDE}, {Operator.SUBTRACT})
    return "/".join(numbers) if parted and len(numbers) == len(node.operands) else None
