"""Plain expressions as JsonLogic, with a guard wherever JsonLogic would take a missing value for 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsl import tree
from dsl.constants import Constants
from dsl.interop.fields import Fields
from dsl.interop.json_logic import FLOATING, MOMENTS, guards, null_starts, units, zero_holds
from dsl.interop.literals import iso_instant, json_number, plain_number
from dsl.interop.report import TEXT_DIFFERS, Report
from dsl.moments import Clock
from dsl.names import COMPANY
from dsl.schema import Type
from dsl.tree import Comparator, TextTest
from dsl.typed import Operator

Logic = Any
"""Null, a boolean, a number, a text, a list of logic, or an object of one operation."""


@dataclass(slots=True)
class Writing:
    """Writes a plain expression. A part that JsonLogic cannot say is told, and None stands in its place."""

    fields: Fields
    report: Report

    def document(self, node: tree.Expression) -> Logic:
        return self._condition(node)

    def _condition(self, node: tree.Expression) -> Logic:
        match node:
            case tree.Both(items=items):
                return {"and": [self._condition(item) for item in items]}
            case tree.Either(items=items):
                return {"or": [self._condition(item) for item in items]}
            case tree.Not(item=item):
                return {"!": [self._condition(item)]}
            case tree.Everyone():
                return True
            case tree.Nobody():
                return False
            case tree.Comparison(comparator=Comparator.UNEQUAL, left=left, right=right):
                return self._unequal(tree.Comparison(node.span, Comparator.EQUAL, left, right))
            case _:
                logic = self._test(node)
                return {"!": [logic]} if getattr(node, "negated", False) and not isinstance(node, tree.IsSet) else logic

    def _unequal(self, positive: tree.Comparison) -> Logic:
        """Null differs from every literal, as a missing value does here; between fields the guards are negated too."""
        logic = self._test(positive)
        if isinstance(logic, dict) and "==" in logic:
            return {"!=": logic["=="]}
        return {"!": [logic]}

    # --- tests ---

    def _test(self, node: tree.Expression) -> Logic:
        """The positive test of a leaf; its negation is the caller's."""
        match node:
            case tree.IsSet(item=tree.FieldName() as item, negated=negated):
                return self._is_set(item, negated)
            case tree.Comparison():
                return self._comparison(node)
            case tree.Between(item=item, low=low, high=high):
                return self._between(item, low, high)
            case tree.Among(item=item, values=tree.Values(items=items)):
                logic = {"in": [self._term(item), [self._literal(item, value) for value in items]]}
                return logic if isinstance(item, tree.FieldName) else self._guarded(logic, item)
            case tree.Exactly(item=tree.FieldName() as item, text=tree.Text(value=text)):
                return {"===": [self._var(item), text]}
            case tree.Textual(test=test, item=tree.FieldName() as item, text=tree.Text(value=text)):
                return self._textual(test, item, text)
            case tree.Has(item=tree.FieldName() as item, values=values):
                return self._has(item, values)
            case _:
                raise TypeError(f"no JsonLogic for {type(node).__name__}")

    def _is_set(self, item: tree.FieldName, negated: bool) -> Logic:
        """No tag at all may be null or an empty list."""
        if self.fields.place(item).type is Type.TAGS:
            return {"!" if negated else "!!": [self._var(item)]}
        return {"==" if negated else "!=": [self._var(item), None]}

    def _comparison(self, node: tree.Comparison) -> Logic:
        left, right = node.left, node.right
        sign = "==" if node.comparator is Comparator.EQUAL else node.comparator.value
        if isinstance(left, tree.FieldName) and _is_literal(right):
            logic = {sign: [self._term(left), self._literal(left, right)]}
            taken = isinstance(right, tree.Number | tree.Negative) and zero_holds(node.comparator, plain_number(right))
            return self._guarded(logic, left) if taken else logic
        logic = {sign: [self._term(left), self._term(right)]}
        return self._guarded(logic, left, right)

    def _between(self, item: tree.Expression, low: tree.Expression, high: tree.Expression) -> Logic:
        first = self._literal(item, low)
        last = self._literal(item, high)
        logic = {"<=": [first, self._term(item), last]}
        return self._guarded(logic, item) if _zero_between(item, low, high) else logic

    def _textual(self, test: TextTest, item: tree.FieldName, text: str) -> Logic:
        """`substr` tells how a text begins and ends; of every text it ends with nothing."""
        self._folds(item)
        if test is TextTest.CONTAINS:
            return {"in": [text, self._var(item)]}
        if not text:
            return self._is_set(item, negated=False)
        part = [0, units(text)] if test is TextTest.STARTS else [-units(text)]
        logic = {"==": [{"substr": [self._var(item), *part]}, text]}
        return self._guarded(logic, item) if null_starts(test, text) else logic

    def _has(self, item: tree.FieldName, values: tree.Text | tree.Values | tree.Parameter) -> Logic:
        self._folds(item)
        if isinstance(values, tree.Text):
            return {"in": [values.value, self._var(item)]}
        assert isinstance(values, tree.Values), "parameters are told before"
        texts = [text.value for text in values.items if isinstance(text, tree.Text)]
        return {"some": [self._var(item), {"in": [{"var": ""}, texts]}]}

    def _guarded(self, logic: Logic, *terms: tree.Expression) -> Logic:
        return {"and": [*(self._condition(guard) for guard in guards(*terms)), logic]}

    # --- values ---

    def _term(self, node: tree.Expression) -> Logic:
        match node:
            case tree.FieldName():
                self._folds(node)
                return self._var(node)
            case tree.Arithmetic(operators=operators, operands=operands):
                self.report.note(FLOATING)
                total = self._term(operands[0])
                for operator, operand in zip(operators, operands[1:], strict=True):
                    total = {operator.value: [total, self._term(operand)]}
                    if operator is Operator.DIVIDE and isinstance(operand, tree.Number) and operand.value == 0:
                        self.report.unsaid(operand.span, "a division by zero has no value here, and infinity there")
                return total
            case tree.Negative(item=item) if not isinstance(item, tree.Number):
                return {"-": [self._term(item)]}
            case tree.Number() | tree.Negative():
                return self._number(node)
            case _:
                raise TypeError(f"no JsonLogic for {type(node).__name__}")

    def _var(self, item: tree.FieldName) -> Logic:
        """`{"var": "points"}`; dots lead into objects, so that a name can have none of its own."""
        if "." in item.name.name:
            message = f"`var` takes the dots of {item.name.name!r} for steps into objects"
            self.report.unsaid(item.span, message, "give the field a name without dots")
        if item.owner is None and item.name.name == COMPANY:
            return {"var": f"{COMPANY}.id"}
        return {"var": self.fields.name(item, self.report)}

    def _folds(self, item: tree.FieldName) -> None:
        if self.fields.folds(item):
            self.report.note(TEXT_DIFFERS)

    def _literal(self, item: tree.Expression, value: tree.Expression) -> Logic:
        """A literal beside `item`: a day beside a moment is its first moment, which is what bounds mean."""
        match value:
            case tree.Text(value=found) | tree.Boolean(value=found):
                return found
            case tree.Day() | tree.Instant() if self._holds_moments(item):
                self.report.note(MOMENTS)
                return self._moment(value)
            case tree.Day(text=text):
                return text
            case tree.Number() | tree.Negative():
                return self._number(value)
            case _:
                raise TypeError(f"no JsonLogic for {type(value).__name__}")

    def _holds_moments(self, item: tree.Expression) -> bool:
        return isinstance(item, tree.FieldName) and self.fields.place(item).type is Type.DATETIME

    def _moment(self, value: tree.Day | tree.Instant) -> str | None:
        zone = self.fields.schema.zone
        start, _ = Constants(zone, {}).window(value).instants(Clock(0, zone))
        assert start is not None, "days and moments begin"
        try:
            return iso_instant(start)
        except OverflowError:
            self.report.unsaid(value.span, "this lies beyond the calendar")
            return None

    def _number(self, node: tree.Number | tree.Negative) -> Logic:
        value = plain_number(node)
        exact = json_number(value)
        if exact is None:
            self.report.unsaid(node.span, "JavaScript has no number that is exactly this one", "round it")
        return exact


def _is_literal(node: tree.Expression) -> bool:
    return not isinstance(node, tree.FieldName | tree.Arithmetic) and not (
        isinstance(node, tree.Negative) and not isinstance(node.item, tree.Number)
    )


def _zero_between(item: tree.Expression, low: tree.Expression, high: tree.Expression) -> bool:
    """Whether a missing value, or what is computed from one, might lie between the ends."""
    if not isinstance(item, tree.FieldName):
        return True
    if not isinstance(low, tree.Number | tree.Negative) or not isinstance(high, tree.Number | tree.Negative):
        return False
    return plain_number(low) <= 0 <= plain_number(high)
