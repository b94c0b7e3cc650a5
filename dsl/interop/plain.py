"""An expression in the few shapes that rule builders share, with everything else told.

Plain are `and`, `or`, `not`, everyone and nobody, and tests of a field: comparisons with a literal or another field (or
arithmetic on them), lists, `between` with numbers, dates or moments, the plain tests of text, tags and `is set`.
Bounds in time become the first and last day they include, or the first moment and the one after the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dsl import tree, typed
from dsl.bounds import FLIPPED
from dsl.check import check
from dsl.constants import Constants, is_constant
from dsl.interop.literals import decimal_of, iso_day, iso_instant, signed
from dsl.interop.report import Report
from dsl.measure import measure
from dsl.moments import day_of, midnight
from dsl.names import CONTACTS, Names
from dsl.problems import Flaw
from dsl.schema import Schema, Type
from dsl.tree import Comparator

UNSAID: Mapping[type[tree.Node], str] = {
    tree.Did: "what a contact did cannot be said: there are no events",
    tree.Regularity: "what a contact did cannot be said: there are no events",
    tree.Sequence: "what a contact did cannot be said: there are no events",
    tree.Aggregate: "a value of events cannot be said: there are no events",
    tree.InSegment: "membership of a segment cannot be said",
    tree.Sample: "samples cannot be said",
    tree.Bucket: "buckets cannot be said",
    tree.DatePart: "a part of a date cannot be said",
    tree.Anniversary: "anniversaries cannot be said",
    tree.Matches: "regular expressions cannot be said",
    tree.Cut: "a cut cannot be said: there are only conditions",
}
"""The nodes that no form has anything for."""

HINTS: Mapping[type[tree.Node], str] = {tree.InSegment: "write the segment's own expression in its place"}


@dataclass(slots=True)
class Plain:
    """Rewrites a checked expression. A part that cannot be said is told, and None."""

    schema: Schema
    report: Report
    names: Names = field(init=False)
    constants: Constants = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.schema, {})
        self.constants = Constants(self.schema.zone, {})

    def selection(self, node: tree.Selection) -> tree.Expression | None:
        if node.cut is not None:
            self.report.unsaid(node.cut.span, UNSAID[tree.Cut])
        return self.condition(node.condition)

    def condition(self, node: tree.Expression) -> tree.Expression | None:
        match node:
            case tree.Both(items=items):
                return self._joined(tree.Both, node, items)
            case tree.Either(items=items):
                return self._joined(tree.Either, node, items)
            case tree.Not(item=item) | tree.Except(item=item):
                inner = self.condition(item)
                return None if inner is None else tree.Not(node.span, inner)
            case tree.Quorum():
                return self._quorum(node)
            case tree.Everyone() | tree.Nobody():
                return node
            case _:
                return self._leaf(node)

    def _joined(
        self, kind: type[tree.Both] | type[tree.Either], node: tree.Node, items: tuple[tree.Expression, ...]
    ) -> tree.Expression | None:
        found = [self.condition(item) for item in items]
        plain = tuple(item for item in found if item is not None)
        if len(plain) < len(found):
            return None
        return plain[0] if len(plain) == 1 else kind(node.span, plain)

    def _quorum(self, node: tree.Quorum) -> tree.Expression | None:
        match node.how:
            case tree.Quantifier.ANY:
                return self._joined(tree.Either, node, node.items)
            case tree.Quantifier.ALL:
                return self._joined(tree.Both, node, node.items)
            case tree.Quantifier.NONE:
                found = self._joined(tree.Either, node, node.items)
                return None if found is None else tree.Not(node.span, found)
            case tree.Frequency(bound=tree.Bound.AT_LEAST, count=count) if self.constants.whole(count) == 1:
                return self._joined(tree.Either, node, node.items)
            case tree.Frequency(bound=tree.Bound.AT_LEAST, count=count) if self.constants.whole(count) == len(
                node.items
            ):
                return self._joined(tree.Both, node, node.items)
            case tree.Frequency(bound=bound):
                hint = "write out the combinations with `and` and `or`"
                self.report.unsaid(node.span, f"`{bound} … of` cannot be said", hint)
                return None

    # --- tests ---

    def _leaf(self, node: tree.Expression) -> tree.Expression | None:
        unsaid = [found for found in tree.walk(node) if type(found) in UNSAID]
        if unsaid:
            first = min(unsaid, key=lambda found: found.span.start)
            self.report.unsaid(first.span, UNSAID[type(first)], HINTS.get(type(first)))
            return None
        if self._is_timed(node):
            return self._timed(node)
        match node:
            case tree.FieldName():
                return tree.Comparison(node.span, Comparator.EQUAL, node, tree.Boolean(node.span, True))
            case tree.Comparison():
                return self._comparison(node)
            case tree.Between():
                return self._between(node)
            case tree.Among(item=item, values=tree.Values(items=values), negated=negated):
                literals = tuple(self._literal(value) for value in values)
                if any(value is None for value in (*literals, self._value(item))):
                    return None
                kept = tuple(value for value in literals if value is not None)
                return tree.Among(node.span, item, tree.Values(node.span, kept), negated)
            case tree.Textual(test=tree.TextTest.LIKE):
                hint = "`contains`, `starts with` and `ends with` can be"
                self.report.unsaid(node.span, "the patterns of `like` cannot be said", hint)
                return None
            case tree.Textual() | tree.Exactly() | tree.IsSet():
                return node
            case tree.Has():
                return self._has(node)
            case _:
                raise TypeError(f"no plain form for {type(node).__name__}")

    def _comparison(self, node: tree.Comparison) -> tree.Expression | None:
        left, right, comparator = node.left, node.right, node.comparator
        if is_constant(left):
            left, right, comparator = right, left, FLIPPED[comparator]
        plain = self._value(left), self._value(right)
        if plain[0] is None or plain[1] is None:
            return None
        return tree.Comparison(node.span, comparator, plain[0], plain[1])

    def _between(self, node: tree.Between) -> tree.Expression | None:
        """Ends that vary are compared one by one."""
        item, low, high = self._value(node.item), self._value(node.low), self._value(node.high)
        if item is None or low is None or high is None:
            return None
        if is_constant(low) and is_constant(high):
            return tree.Between(node.span, item, low, high, node.negated)
        both = tree.Both(
            node.span,
            (
                tree.Comparison(node.span, Comparator.GREATER_EQUAL, item, low),
                tree.Comparison(node.span, Comparator.LESS_EQUAL, item, high),
            ),
        )
        return tree.Not(node.span, both) if node.negated else both

    def _has(self, node: tree.Has) -> tree.Expression:
        """`has all` is each alone, `has none` the negation of `has any`."""
        match node.quantifier, node.values:
            case tree.Quantifier.ALL, tree.Values(items=items):
                texts = [item for item in items if isinstance(item, tree.Text)]
                each = tuple(tree.Has(node.span, node.item, None, text) for text in texts)
                both = each[0] if len(each) == 1 else tree.Both(node.span, each)
                return tree.Not(node.span, both) if node.negated else both
            case tree.Quantifier.NONE, tree.Values() as values:
                anyone = tree.Has(node.span, node.item, tree.Quantifier.ANY, values, negated=True)
                return tree.Not(node.span, anyone) if node.negated else anyone
            case _:
                return node

    # --- values ---

    def _value(self, node: tree.Expression) -> tree.Expression | None:
        match node:
            case tree.FieldName():
                return node
            case tree.Negative(item=item) if not is_constant(node):
                inner = self._value(item)
                return None if inner is None else tree.Negative(node.span, inner)
            case tree.Arithmetic(operands=operands) if not is_constant(node):
                found = [self._value(operand) for operand in operands]
                plain = tuple(operand for operand in found if operand is not None)
                return tree.Arithmetic(node.span, node.operators, plain) if len(plain) == len(found) else None
            case _:
                return self._literal(node)

    def _literal(self, node: tree.Expression) -> tree.Expression | None:
        """A literal as it is; what is computed from literals as its value."""
        if not isinstance(node, tree.Number | tree.Negative | tree.Arithmetic):
            return node
        value = decimal_of(self.constants.number(node))
        if value is None:
            self.report.unsaid(node.span, "this number has no exact decimal form", "round it")
            return None
        return signed(value, node.span)

    # --- time ---

    def _is_timed(self, node: tree.Expression) -> bool:
        """Whether a date or a moment is tested against constants."""
        match node:
            case tree.Timed(item=item) | tree.Among(item=item) | tree.Between(item=item):
                return self._is_temporal(item)
            case tree.Comparison(left=left, right=right):
                return (self._is_temporal(left) and is_constant(right)) or (
                    is_constant(left) and self._is_temporal(right)
                )
            case _:
                return False

    def _is_temporal(self, node: tree.Expression) -> bool:
        return isinstance(node, tree.FieldName) and measure(self.names.field(node, CONTACTS)).is_temporal

    def _timed(self, node: tree.Expression) -> tree.Expression | None:
        condition = check(tree.Selection(node.span, node), self.schema).condition
        return self.report.attempt(lambda: self._of_typed(condition, node), "$")

    def _of_typed(self, condition: typed.Condition, node: tree.Expression) -> tree.Expression | None:
        """A typed test in time, as the days or moments it includes."""
        match condition:
            case typed.Not(item=item):
                inner = self._of_typed(item, node)
                return None if inner is None else tree.Not(node.span, inner)
            case typed.And(items=items) | typed.Or(items=items):
                found = [self._of_typed(item, node) for item in items]
                plain = tuple(item for item in found if item is not None)
                kind = tree.Both if isinstance(condition, typed.And) else tree.Either
                return kind(node.span, plain) if len(plain) == len(found) else None
            case typed.OfCompany(item=item):
                return self._of_typed(item, node)
            case typed.Compare(operator=operator, left=typed.FieldTerm() as left, right=typed.FieldTerm() as right):
                return tree.Comparison(node.span, Comparator(operator), _name(left), _name(right))
            case typed.Test(term=typed.FieldTerm() as term, predicate=predicate):
                return self._tested(term, predicate, node)
            case _:
                raise TypeError(f"no test in time: {type(condition).__name__}")

    def _tested(
        self, term: typed.FieldTerm, predicate: typed.Predicate, node: tree.Expression
    ) -> tree.Expression | None:
        match predicate:
            case typed.OneOf(values=()):
                return tree.Nobody(node.span)
            case typed.OneOf(values=values):
                found = tuple(self._at(term, int(value), node, bound=False) for value in values)
                if len(found) == 1:
                    return tree.Comparison(node.span, Comparator.EQUAL, _name(term), found[0])
                return tree.Among(node.span, _name(term), tree.Values(node.span, found))
            case typed.Range(low=low, high=high):
                return self._range(term, None if low is None else int(low), None if high is None else int(high), node)
            case typed.During():
                hint = "write the dates themselves, and translate again when they change"
                self.report.unsaid(node.span, "it moves with the clock, and there is none", hint)
                return None
            case _:
                raise TypeError(f"no test in time: {type(predicate).__name__}")

    def _range(
        self, term: typed.FieldTerm, low: int | None, high: int | None, node: tree.Expression
    ) -> tree.Expression:
        """Days with both ends included; moments from the first up to, and without, the one after the last."""
        name, moments = _name(term), term.field.type is Type.DATETIME
        first = None if low is None else self._at(term, low, node, bound=True)
        last = None if high is None else self._at(term, high + moments, node, bound=True)
        if first is not None and last is not None and not moments:
            return tree.Between(node.span, name, first, last)
        under = Comparator.LESS if moments else Comparator.LESS_EQUAL
        tests: list[tree.Expression] = []
        if first is not None:
            tests.append(tree.Comparison(node.span, Comparator.GREATER_EQUAL, name, first))
        if last is not None:
            tests.append(tree.Comparison(node.span, under, name, last))
        return tree.Both(node.span, tuple(tests)) if len(tests) == 2 else tests[0]

    def _at(self, term: typed.FieldTerm, value: int, node: tree.Expression, *, bound: bool) -> tree.Expression:
        """The day or moment of a physical value; Flaw, told already, beyond the calendar.

        The first moment of a day is written as that day where it is a `bound`: at least, or less than.
        """
        try:
            if term.field.type is Type.DATE:
                return tree.Day(node.span, iso_day(value))
            zone = self.schema.zone
            if bound and midnight(day_of(value, zone), zone) == value:
                return tree.Day(node.span, iso_day(day_of(value, zone)))
            return tree.Instant(node.span, iso_instant(value))
        except (ValueError, OverflowError):
            self.report.unsaid(node.span, "this lies beyond the calendar")
            raise Flaw(None) from None


def _name(term: typed.FieldTerm) -> tree.FieldName:
    """The field of a typed term as it is written."""
    name = tree.Identifier(term.span, term.field.name)
    if term.scope is typed.Scope.COMPANIES:
        return tree.FieldName(term.span, name, tree.Identifier(term.span, "company"))
    return tree.FieldName(term.span, name)
