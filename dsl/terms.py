"""Terms: the values of an expression that vary from row to row, typed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from msgspec import Struct

from dsl import tree
from dsl.constants import Constants, is_constant, mismatch
from dsl.measure import measure
from dsl.names import Ground, Names
from dsl.parse import LIMITS
from dsl.problems import Flaw, Problem, Span
from dsl.schema import Field, Type
from dsl.typed import (
    Aggregate,
    AggregateFunction,
    Arithmetic,
    Bucket,
    Constant,
    DatePart,
    Operator,
    Part,
    Scope,
    Selector,
    Term,
)

PROPERTY_TYPES: dict[AggregateFunction, frozenset[Type]] = {
    AggregateFunction.COUNT: frozenset(),
    AggregateFunction.SUM: frozenset({Type.NUMBER, Type.FLOAT}),
    AggregateFunction.AVG: frozenset({Type.NUMBER, Type.FLOAT}),
    AggregateFunction.MIN: frozenset({Type.NUMBER, Type.FLOAT, Type.DATE, Type.DATETIME}),
    AggregateFunction.MAX: frozenset({Type.NUMBER, Type.FLOAT, Type.DATE, Type.DATETIME}),
    AggregateFunction.DISTINCT: frozenset(Type) - {Type.TAGS},
    AggregateFunction.FIRST: frozenset(Type),
    AggregateFunction.LAST: frozenset(Type),
}
"""The properties each function takes; FIRST and LAST do without one too, COUNT always."""

ALONE = frozenset({AggregateFunction.COUNT, AggregateFunction.FIRST, AggregateFunction.LAST})
"""The functions that take events without a property."""

MOST_BUCKETS = 1_000_000


class Terms(Struct, frozen=True):
    """Makes terms; `selector` types the events that aggregates are over."""

    names: Names
    constants: Constants
    selector: Callable[[tree.Selector], Selector]

    def term(self, node: tree.Expression, ground: Ground) -> Term:
        """The typed term of a value; Flaw when it is none or does not fit."""
        if type(node) is tree.FieldName:
            return self.names.field(node, ground)
        match node:
            case tree.Aggregate():
                return self._aggregate(node, ground)
            case tree.Arithmetic() if not is_constant(node):
                return self._arithmetic(node, ground)
            case tree.Negative(item=item) if not is_constant(node):
                return Arithmetic(
                    node.span, Operator.SUBTRACT, _number(node.span, Fraction(0)), self.operand(item, ground)
                )
            case tree.DatePart():
                return self._date_part(node, ground)
            case tree.Bucket():
                return self._bucket(node, ground)
            case tree.Same():
                hint = "it stands in a later step of a sequence, as in `open(campaign = same campaign)`"
                raise Flaw(Problem("not-here", "`same` cannot stand here", hint, node.span))
            case tree.Broken():
                raise Flaw(None)
            case _ if is_constant(node):
                raise mismatch(node, "a field")
            case _:
                message = "found a condition, where a value is needed"
                raise Flaw(Problem("value-needed", message, span=node.span))

    def operand(self, node: tree.Expression, ground: Ground) -> Term:
        """A number, varying or constant."""
        if is_constant(node):
            return _number(node.span, self.constants.number(node))
        term = self.term(node, ground)
        if not measure(term).is_numeric:
            message = f"found {article(measure(term).type)}, where a number is needed"
            raise Flaw(Problem("type-mismatch", message, "only numbers combine with + - * /", node.span))
        return term

    def _arithmetic(self, node: tree.Arithmetic, ground: Ground) -> Term:
        if len(node.operators) > LIMITS.nesting:
            message = f"more than {LIMITS.nesting} steps of arithmetic in a row"
            raise Flaw(Problem("too-deep", message, span=node.span))
        total = self.operand(node.operands[0], ground)
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            span = Span(node.span.start, operand.span.end)
            total = Arithmetic(span, operator, total, self.operand(operand, ground))
        return total

    def _date_part(self, node: tree.DatePart, ground: Ground) -> Term:
        term = self.term(node.item, ground)
        found = measure(term)
        if not found.is_temporal or (node.part is Part.HOUR and found.type is Type.DATE):
            needed = "a datetime" if node.part is Part.HOUR else "a date or a datetime"
            message = f"found {article(found.type)}, where {needed} is needed"
            raise Flaw(Problem("type-mismatch", message, span=node.item.span))
        return DatePart(node.span, node.part, term)

    def _bucket(self, node: tree.Bucket, ground: Ground) -> Term:
        if ground.scope is not Scope.CONTACTS:
            raise Flaw(Problem("not-here", "buckets are of contacts, not of events", span=node.span))
        return Bucket(node.span, node.seed.value, self.constants.whole(node.buckets, 1, MOST_BUCKETS))

    def _aggregate(self, node: tree.Aggregate, ground: Ground) -> Term:
        if ground.scope is not Scope.CONTACTS:
            message = f"`{node.function}(…)` is a value of a contact, and cannot be asked of an event"
            raise Flaw(Problem("not-here", message, span=node.span))
        selector = self.selector(node.selector)
        property = self._property(node, selector)
        return Aggregate(node.span, node.function, selector, property)

    def _property(self, node: tree.Aggregate, selector: Selector) -> Field | None:
        if node.property is None:
            if node.function in ALONE:
                return None
            example = f"{node.function}(amount of {selector.event or 'purchase'})"
            message = f"`{node.function}` needs a property of the events"
            raise Flaw(Problem("value-needed", message, f"as in `{example}`", node.span))
        property = self.names.property(selector.event, node.property)
        if property.type in PROPERTY_TYPES[node.function]:
            return property
        if node.function is AggregateFunction.COUNT:
            hint = f"write `count({selector.event or 'any event'})`, or `distinct({property.name} of …)`"
            raise Flaw(Problem("type-mismatch", "`count` counts events, not a property", hint, node.property.span))
        message = f"`{node.function}` cannot be taken of {article(property.type)}"
        raise Flaw(Problem("type-mismatch", message, None, node.property.span))


def _number(span: Span, value: Fraction) -> Constant:
    return Constant(span, Type.NUMBER, value)


def article(type: Type) -> str:
    """`a number`; tags are a set."""
    return "a set of tags" if type is Type.TAGS else f"a {type}"
