"""From grammar rules to surface nodes: one method for each rule, called by the parser from the leaves up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from dsl import tree
from dsl.lexing import Token
from dsl.literals import regex_pattern, unescape
from dsl.moments import Unit
from dsl.problems import Span
from dsl.typed import AggregateFunction, CutKind, Operator, Part

Children = list[Any]
"""Tokens (punctuation and words included) and the nodes built so far, in the order written."""

Kind = TypeVar("Kind", bound=StrEnum)


def _by_terminal(kinds: type[Kind]) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


COMPARATORS = {
    "EQUAL": tree.Comparator.EQUAL,
    "COLON": tree.Comparator.EQUAL,
    "UNEQUAL": tree.Comparator.UNEQUAL,
    "LESS": tree.Comparator.LESS,
    "LESS_EQUAL": tree.Comparator.LESS_EQUAL,
    "GREATER": tree.Comparator.GREATER,
    "GREATER_EQUAL": tree.Comparator.GREATER_EQUAL,
}
WHENS = _by_terminal(tree.When)
WHICHES = _by_terminal(tree.Which)
MOMENTS = _by_terminal(tree.Moment)
QUANTIFIERS = _by_terminal(tree.Quantifier)
"""What terminals choose."""

UNITS = {word: unit for unit in Unit for word in (unit.value, f"{unit}s")}
FUNCTIONS = {function.value: function for function in AggregateFunction}
"""What words choose. Asking a table takes a fraction of the time that asking the enum does."""


def span_of(children: Children) -> Span:
    """From the start of the first child to the end of the last."""
    return Span(children[0].span.start, children[-1].span.end)


def _word(token: Token) -> str:
    return token.value.lower()


def _is(child: Token | tree.Node, type: str) -> bool:
    return isinstance(child, Token) and child.type == type


def _first(children: Children, kind: type[tree.Node]) -> Any:
    """The first child of a kind, or None."""
    for child in children:
        if isinstance(child, kind):
            return child
    return None


# --- what is one token ---


def text(span: Span, written: str) -> tree.Text:
    return tree.Text(span, unescape(written))


def number(span: Span, written: str) -> tree.Number:
    return tree.Number(span, Decimal(written))


def identifier(span: Span, written: str) -> tree.Identifier:
    return tree.Identifier(span, written.strip("`"))


def regex(span: Span, written: str) -> tree.Regex:
    return tree.Regex(span, *regex_pattern(written))


def instant(span: Span, written: str) -> tree.Instant:
    return tree.Instant(span, written.upper())


LITERALS: Mapping[str, Callable[[Span, str], tree.Node]] = {
    "STRING": text,
    "NUMBER": number,
    "DAY": tree.Day,
    "MONTH": tree.Month,
    "INSTANT": instant,
    "QUOTED_NAME": identifier,
    "REGEX": regex,
}
"""What makes the one node that a token is, by its terminal."""


class Builder:
    """Every method makes the node its rule stands for."""

    # --- the whole ---

    def selection(self, c: Children) -> tree.Selection:
        return tree.Selection(span_of(c), c[0], c[1] if len(c) > 1 else None)

    def cut_by(self, c: Children) -> tree.Cut:
        return tree.Cut(span_of(c), CutKind(_word(c[0])), c[1], by=c[3])

    def cut_random(self, c: Children) -> tree.Cut:
        return tree.Cut(span_of(c), CutKind.RANDOM, c[1], seed=self.text(c[3:]))

    # --- conditions ---

    def either(self, c: Children) -> tree.Either:
        return tree.Either(span_of(c), tuple(c[::2]))

    def both(self, c: Children) -> tree.Both:
        return tree.Both(span_of(c), tuple(child for child in c if not isinstance(child, Token)))

    def exception(self, c: Children) -> tree.Except:
        return tree.Except(span_of(c), c[1])

    def negated(self, c: Children) -> tree.Not:
        return tree.Not(span_of(c), c[1])

    def comparison(self, c: Children) -> tree.Comparison:
        return tree.Comparison(span_of(c), COMPARATORS[c[1].type], c[0], c[2])

    def among(self, c: Children) -> tree.Among:
        return tree.Among(span_of(c), c[0], c[-1], _is(c[1], "NOT"))

    def timed_within(self, c: Children) -> tree.Timed:
        return tree.Timed(span_of(c), c[0], self.timing(c[-2:]), _is(c[1], "NOT"))

    def timed(self, c: Children) -> tree.Timed:
        return tree.Timed(span_of(c), c[0], self.timing(c[1:]))

    def between(self, c: Children) -> tree.Between:
        return tree.Between(span_of(c), c[0], c[-3], c[-1], _is(c[1], "NOT"))

    def contains(self, c: Children) -> tree.Textual:
        return tree.Textual(span_of(c), tree.TextTest.CONTAINS, c[0], c[-1], _is(c[1], "NOT"))

    def starts(self, c: Children) -> tree.Textual:
        return tree.Textual(span_of(c), tree.TextTest.STARTS, c[0], c[-1], _is(c[1], "NOT"))

    def ends(self, c: Children) -> tree.Textual:
        return tree.Textual(span_of(c), tree.TextTest.ENDS, c[0], c[-1], _is(c[1], "NOT"))

    def like(self, c: Children) -> tree.Textual:
        return tree.Textual(span_of(c), tree.TextTest.LIKE, c[0], c[-1], _is(c[1], "NOT"))

    def matches(self, c: Children) -> tree.Matches:
        return tree.Matches(span_of(c), c[0], c[-1], _is(c[1], "NOT"))

    def has(self, c: Children) -> tree.Has:
        return tree.Has(span_of(c), c[0], None, c[-1], _is(c[1], "NOT"))

    def has_several(self, c: Children) -> tree.Has:
        return tree.Has(span_of(c), c[0], QUANTIFIERS[c[-2].type], c[-1], _is(c[1], "NOT"))

    def is_set(self, c: Children) -> tree.IsSet:
        missing = c[-1].type in ("UNKNOWN", "NULL")
        return tree.IsSet(span_of(c), c[0], missing != _is(c[2], "NOT"))

    def exactly(self, c: Children) -> tree.Exactly:
        return tree.Exactly(span_of(c), c[0], c[-1], _is(c[2], "NOT"))

    def anniversary(self, c: Children) -> tree.Anniversary:
        return tree.Anniversary(span_of(c), c[0], self.timing(c[-2:]), _is(c[2], "NOT"))

    def in_segment(self, c: Children) -> tree.InSegment:
        return tree.InSegment(span_of(c), c[2], c[0].type == "MATCHES")

    def quorum(self, c: Children) -> tree.Quorum:
        items = c[-1].items
        if c[0].type in QUANTIFIERS:
            return tree.Quorum(span_of(c), QUANTIFIERS[c[0].type], items)
        return tree.Quorum(span_of(c), self.frequency(c[:-2]), items)

    def conditions(self, c: Children) -> tree.Values:
        return tree.Values(span_of(c), tuple(c[1::2]))

    def values(self, c: Children) -> tree.Values:
        return tree.Values(span_of(c), tuple(c[1::2]))

    def everyone(self, c: Children) -> tree.Everyone:
        return tree.Everyone(span_of(c))

    def nobody(self, c: Children) -> tree.Nobody:
        return tree.Nobody(span_of(c))

    def sample(self, c: Children) -> tree.Sample:
        return tree.Sample(span_of(c), self.number(c[1:2]), self.text(c[4:]))

    # --- events ---

    def did(self, c: Children) -> tree.Did:
        selector = self._selected(_first(c, tree.Selector), _first(c, tree.Timing))
        return tree.Did(span_of(c), selector, _first(c, tree.Frequency), _is(c[1], "NOT"))

    def regularity(self, c: Children) -> tree.Regularity:
        selector, frequency = _first(c, tree.Selector), _first(c, tree.Frequency)
        return tree.Regularity(span_of(c), selector, frequency, self.duration(c[-2:]), _is(c[1], "NOT"))

    def sequence(self, c: Children) -> tree.Sequence:
        first = self._selected(_first(c, tree.Selector), _first(c, tree.Timing))
        steps = tuple(child for child in c if isinstance(child, tree.Step))
        return tree.Sequence(span_of(c), first, steps, _is(c[1], "NOT"))

    def _selected(self, selector: tree.Selector, timing: tree.Timing | None) -> tree.Selector:
        if timing is None:
            return selector
        span = Span(min(selector.span.start, timing.span.start), max(selector.span.end, timing.span.end))
        return tree.Selector(span, selector.event, selector.where, timing)

    def selector(self, c: Children) -> tree.Selector:
        event = _first(c, tree.Identifier)
        return tree.Selector(span_of(c), event, c[-2] if _is(c[-1], "RPAR") else None)

    def times(self, c: Children) -> tree.Frequency:
        if isinstance(c[0], tree.Frequency):
            return tree.Frequency(span_of(c), c[0].bound, c[0].count)
        if c[0].type == "BETWEEN":
            return tree.Frequency(span_of(c), tree.Bound.BETWEEN, c[1], c[3])
        return tree.Frequency(span_of(c), tree.Bound.MORE if c[0].type == "MORE" else tree.Bound.FEWER, c[2])

    def frequency(self, c: Children) -> tree.Frequency:
        bound = " ".join(_word(child) for child in c if isinstance(child, Token))
        return tree.Frequency(span_of(c), tree.Bound(bound), c[-1])

    def timing(self, c: Children) -> tree.Timing:
        return tree.Timing(span_of(c), WHENS[c[0].type], c[1], c[3] if len(c) > 2 else None)

    def step(self, c: Children) -> tree.Step:
        return tree.Step(span_of(c), _first(c, tree.Selector), _first(c, tree.Duration), _is(c[1], "NOT"))

    # --- values ---

    def arithmetic(self, c: Children) -> tree.Arithmetic:
        return tree.Arithmetic(span_of(c), tuple(Operator(t.value) for t in c[1::2]), tuple(c[::2]))

    def negative(self, c: Children) -> tree.Negative:
        return tree.Negative(span_of(c), c[1])

    def group(self, c: Children) -> Any:
        return c[1]

    def text(self, c: Children) -> tree.Text:
        return text(c[0].span, c[0].value)

    def number(self, c: Children) -> tree.Number:
        return number(c[0].span, c[0].value)

    def boolean(self, c: Children) -> tree.Boolean:
        return tree.Boolean(c[0].span, c[0].type == "TRUE")

    def parameter(self, c: Children) -> tree.Parameter:
        return tree.Parameter(c[0].span, c[0].value[1:])

    def regex(self, c: Children) -> tree.Regex:
        return regex(c[0].span, c[0].value)

    def identifier(self, c: Children) -> tree.Identifier:
        return identifier(c[0].span, c[0].value)

    def field(self, c: Children) -> tree.FieldName:
        return tree.FieldName(c[0].span, c[0]) if len(c) == 1 else tree.FieldName(span_of(c), c[2], c[0])

    def same(self, c: Children) -> tree.Same:
        return tree.Same(span_of(c), c[1])

    def bucket(self, c: Children) -> tree.Bucket:
        return tree.Bucket(span_of(c), self.text(c[2:3]), c[4])

    def date_part(self, c: Children) -> tree.DatePart:
        part = Part.YEARS_SINCE if c[0].type == "YEARS" else Part(_word(c[0]))
        return tree.DatePart(span_of(c), part, c[2])

    def aggregate(self, c: Children) -> tree.Aggregate:
        selector = self._selected(_first(c, tree.Selector), _first(c, tree.Timing))
        return tree.Aggregate(span_of(c), FUNCTIONS[_word(c[0])], _first(c, tree.Identifier), selector)

    # --- time ---

    def duration(self, c: Children) -> tree.Duration:
        return tree.Duration(span_of(c), c[0], UNITS[_word(c[1])])

    def ago(self, c: Children) -> tree.Ago:
        return tree.Ago(span_of(c), c[0], c[1].type == "FROM")

    def named_moment(self, c: Children) -> tree.NamedMoment:
        return tree.NamedMoment(c[0].span, MOMENTS[c[0].type])

    def day(self, c: Children) -> tree.Day:
        return tree.Day(c[0].span, c[0].value)

    def month(self, c: Children) -> tree.Month:
        return tree.Month(c[0].span, c[0].value)

    def instant(self, c: Children) -> tree.Instant:
        return instant(c[0].span, c[0].value)

    def calendar_period(self, c: Children) -> tree.CalendarPeriod:
        return tree.CalendarPeriod(span_of(c), WHICHES[c[0].type], UNITS[_word(c[1])])

    def rolling_period(self, c: Children) -> tree.RollingPeriod:
        return tree.RollingPeriod(span_of(c), WHICHES[c[0].type], self.duration(c[1:]))
