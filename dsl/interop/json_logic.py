"""What JsonLogic says of a value that is missing: it is JavaScript's null, which arithmetic and order take for 0.

A rule is evaluated over a contact as one object: numbers, true and false, texts, lists of tags, days as "2026-06-30",
moments as "2026-06-30T14:00:05.000Z" (`Date.toISOString`), the company as an object in `company` with its `id`, and
null (or nothing) for what is missing, a contact's tags too when there are none.
https://jsonlogic.com/operations.html says what each operation does.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from dsl import tree
from dsl.constants import is_constant
from dsl.problems import NOWHERE
from dsl.tree import Comparator

NULL_TEXT = "null"
"""What `substr` reads of a missing text."""

MOMENTS = "moments are compared as texts by JsonLogic: give them as Date.toISOString does, 2026-06-30T14:00:05.000Z"
FLOATING = "arithmetic is exact here, and in binary fractions in JsonLogic: results may differ in their last digits"

ORDERS: Mapping[str, Comparator] = MappingProxyType(
    {c.value: c for c in (Comparator.LESS, Comparator.LESS_EQUAL, Comparator.GREATER, Comparator.GREATER_EQUAL)}
)


def zero_holds(comparator: Comparator, value: Decimal) -> bool:
    """Whether a missing number, taken for 0, satisfies `0 comparator value`; null equals no number."""
    match comparator:
        case Comparator.LESS:
            return value > 0
        case Comparator.LESS_EQUAL:
            return value >= 0
        case Comparator.GREATER:
            return value < 0
        case Comparator.GREATER_EQUAL:
            return value <= 0
        case _:
            return False


def null_starts(test: tree.TextTest, text: str) -> bool:
    """Whether `substr` of a missing text, "null", satisfies the test."""
    return NULL_TEXT.startswith(text) if test is tree.TextTest.STARTS else NULL_TEXT.endswith(text)


def units(text: str) -> int:
    """The length of a text as JavaScript counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def is_set(item: tree.FieldName) -> tree.IsSet:
    return tree.IsSet(NOWHERE, item)


def not_zero(item: tree.Expression) -> tree.Comparison:
    return tree.Comparison(NOWHERE, Comparator.UNEQUAL, item, tree.Number(NOWHERE, Decimal(0)))


Guard = tree.IsSet | tree.Comparison
"""`x is set`, or `x != 0` of a divisor."""


def guards(*terms: tree.Expression) -> tuple[Guard, ...]:
    """What must hold so that terms compared with each other have the values they have here.

    Every field must be set, and every divisor must not be 0: JsonLogic would go on with 0, or with infinity.
    """
    nodes = [node for term in terms for node in _in_order(term)]
    fields = [is_set(node) for node in nodes if isinstance(node, tree.FieldName)]
    divisors = [not_zero(divisor) for node in nodes if isinstance(node, tree.Arithmetic) for divisor in _divisors(node)]
    return tuple(dict.fromkeys([*fields, *divisors]))


def _in_order(node: tree.Expression) -> list[tree.Expression]:
    """A term and what it is made of, fields in the order in which they stand."""
    match node:
        case tree.Arithmetic(operands=operands):
            return [node, *(inner for operand in operands for inner in _in_order(operand))]
        case tree.Negative(item=item):
            return [node, *_in_order(item)]
        case _:
            return [node]


def _divisors(node: tree.Arithmetic) -> list[tree.Expression]:
    pairs = zip(node.operators, node.operands[1:], strict=True)
    return [operand for operator, operand in pairs if operator == "/" and not is_constant(operand)]


UNREAD: Mapping[str, str] = MappingProxyType(
    {
        "if": "a choice between conditions is written with `and` and `or`",
        "?:": "a choice between conditions is written with `and` and `or`",
        "all": "what every tag is cannot be asked, only which tags are there: `some` and `none`",
        "cat": "texts are not put together here: compare the fields one by one",
        "%": "there are no remainders here",
        "min": "compare the values one by one, joined by `and` or `or`",
        "max": "compare the values one by one, joined by `and` or `or`",
    }
)
"""What to do without an operation that has no meaning here."""
