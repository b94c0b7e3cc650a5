"""The surface tree: an expression as it was written, before names and types are looked at.

Conditions and values share one family of nodes, because only the checker can tell `(a)` the flag from `(a)` the
number. Two trees are equal when they say the same thing: spans do not count. Parentheses are not kept; the shape is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from msgspec.structs import astuple

from dsl.immutable import Immutable
from dsl.moments import Unit
from dsl.problems import Span
from dsl.typed import AggregateFunction, CutKind, Operator, Part


class Node(Immutable, frozen=True, eq=False):
    """Anything that was written somewhere."""

    span: Span

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _said(type(self))(self) == _said(type(self))(other)

    def __ne__(self, other: object) -> bool:
        return not self == other  # else a Struct's own, which looks at spans

    def __hash__(self) -> int:
        return hash((type(self), _said(type(self))(self)))


UNSAID = frozenset({"span", "comments"})
"""The members of nodes that say nothing: trees that differ in no others are equal."""


# --- values --------------------------------------------------------------------------------------------------


class Text(Node, frozen=True):
    value: str


class Number(Node, frozen=True):
    value: Decimal


class Boolean(Node, frozen=True):
    value: bool


class Parameter(Node, frozen=True):
    """`$name`, without the dollar."""

    name: str


class Identifier(Node, frozen=True):
    """A name, without its backticks."""

    name: str


class FieldName(Node, frozen=True):
    """`points`, or `company.industry` with `owner` the company."""

    name: Identifier
    owner: Identifier | None = None


class Same(Node, frozen=True):
    """`same campaign`: the value an earlier step of a sequence had."""

    name: Identifier


class Regex(Node, frozen=True):
    pattern: str
    ignore_case: bool = False


class Arithmetic(Node, frozen=True):
    """Operands of one precedence from left to right, with an operator between each two."""

    operators: tuple[Operator, ...]
    operands: tuple[Expression, ...]


class Negative(Node, frozen=True):
    item: Expression


class DatePart(Node, frozen=True):
    part: Part
    item: Expression


class Bucket(Node, frozen=True):
    seed: Text
    buckets: Number | Parameter


class Aggregate(Node, frozen=True):
    function: AggregateFunction
    property: Identifier | None
    selector: Selector


# --- time ----------------------------------------------------------------------------------------------------


class Day(Node, frozen=True):
    """`2026-06-30`, as written: whether that day exists is for the checker."""

    text: str


class Month(Node, frozen=True):
    text: str


class Instant(Node, frozen=True):
    text: str


class Duration(Node, frozen=True):
    count: Number | Parameter
    unit: Unit


class Ago(Node, frozen=True):
    """`7 days ago`, or `7 days from now` when `ahead`."""

    duration: Duration
    ahead: bool = False


class Moment(StrEnum):
    NOW = "now"
    TODAY = "today"
    YESTERDAY = "yesterday"
    TOMORROW = "tomorrow"


class NamedMoment(Node, frozen=True):
    moment: Moment


class Which(StrEnum):
    THIS = "this"
    LAST = "last"
    NEXT = "next"


class CalendarPeriod(Node, frozen=True):
    """`last month`."""

    which: Which
    unit: Unit


class RollingPeriod(Node, frozen=True):
    """`last 30 days`."""

    which: Which
    duration: Duration


class When(StrEnum):
    IN = "in"
    SINCE = "since"
    BEFORE = "before"
    AFTER = "after"
    ON = "on"
    BETWEEN = "between"


class Timing(Node, frozen=True):
    """A bound in time: `in last 30 days`, `since 2026-01-01`, `between A and B` (`last` is B)."""

    when: When
    first: Expression
    last: Expression | None = None


# --- conditions ----------------------------------------------------------------------------------------------


class Comparator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


class Comparison(Node, frozen=True):
    comparator: Comparator
    left: Expression
    right: Expression


class Exactly(Node, frozen=True):
    item: Expression
    text: Text | Parameter
    negated: bool = False


class Values(Node, frozen=True):
    items: tuple[Expression, ...]


class Among(Node, frozen=True):
    """`country in ("FR", "BE")`; a parameter stands for the whole list."""

    item: Expression
    values: Values | Parameter
    negated: bool = False


class Between(Node, frozen=True):
    item: Expression
    low: Expression
    high: Expression
    negated: bool = False


class Timed(Node, frozen=True):
    """A date or datetime within a bound in time."""

    item: Expression
    timing: Timing
    negated: bool = False


class Anniversary(Node, frozen=True):
    item: Expression
    timing: Timing
    negated: bool = False


class TextTest(StrEnum):
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    LIKE = "like"


class Textual(Node, frozen=True):
    test: TextTest
    item: Expression
    text: Text | Parameter
    negated: bool = False


class Matches(Node, frozen=True):
    item: Expression
    pattern: Regex | Text | Parameter
    negated: bool = False


class IsSet(Node, frozen=True):
    item: Expression
    negated: bool = False


class Quantifier(StrEnum):
    ANY = "any"
    ALL = "all"
    NONE = "none"


class Has(Node, frozen=True):
    """`interests has "ski"`; with a quantifier, `values` is a list."""

    item: Expression
    quantifier: Quantifier | None
    values: Text | Values | Parameter
    negated: bool = False


class Not(Node, frozen=True):
    item: Expression


class Except(Node, frozen=True):
    """An item of a conjunction, never its first, that was written after `except`."""

    item: Expression


class Both(Node, frozen=True):
    """Two or more conditions joined by `and` or `except`."""

    items: tuple[Expression, ...]


class Either(Node, frozen=True):
    """Two or more conditions joined by `or`."""

    items: tuple[Expression, ...]


class Bound(StrEnum):
    AT_LEAST = "at least"
    AT_MOST = "at most"
    EXACTLY = "exactly"
    MORE = "more than"
    FEWER = "fewer than"
    BETWEEN = "between"


class Frequency(Node, frozen=True):
    """How many: `at least 3`, `between 2 and 5` (`high` is 5)."""

    bound: Bound
    count: Expression
    high: Expression | None = None


class Quorum(Node, frozen=True):
    """`at least 2 of (…)`, or `any of`, `all of`, `none of`."""

    how: Frequency | Quantifier
    items: tuple[Expression, ...]


class Everyone(Node, frozen=True):
    pass


class Nobody(Node, frozen=True):
    pass


class Sample(Node, frozen=True):
    percent: Number
    seed: Text


class InSegment(Node, frozen=True):
    """A segment by key or by name; `rules_only` for `matches segment`."""

    segment: Identifier | Text
    rules_only: bool = False


class Selector(Node, frozen=True):
    """Events of a type (`event` is None for any), their conditions, and their bound in time."""

    event: Identifier | None
    where: Expression | None = None
    timing: Timing | None = None


class Did(Node, frozen=True):
    selector: Selector
    times: Frequency | None = None
    negated: bool = False


class Regularity(Node, frozen=True):
    """`did open in at least 3 of last 4 weeks`."""

    selector: Selector
    frequency: Frequency
    spans: Duration
    negated: bool = False


class Step(Node, frozen=True):
    selector: Selector
    within: Duration | None = None
    absent: bool = False


class Sequence(Node, frozen=True):
    """`did first then …`. The bound in time of the whole belongs to `first`, wherever it was written."""

    first: Selector
    steps: tuple[Step, ...]
    negated: bool = False


class Broken(Node, frozen=True):
    """What could not be read, where a value or a condition must stand; `items` are the parts of it that could be.

    Only a tree that comes with a problem has any.
    """

    items: tuple[Node, ...]


Expression = (
    Text
    | Number
    | Boolean
    | Parameter
    | FieldName
    | Same
    | Arithmetic
    | Negative
    | DatePart
    | Bucket
    | Aggregate
    | Day
    | Month
    | Instant
    | Duration
    | Ago
    | NamedMoment
    | CalendarPeriod
    | RollingPeriod
    | Comparison
    | Exactly
    | Among
    | Between
    | Timed
    | Anniversary
    | Textual
    | Matches
    | IsSet
    | Has
    | Not
    | Except
    | Both
    | Either
    | Quorum
    | Everyone
    | Nobody
    | Sample
    | InSegment
    | Did
    | Regularity
    | Sequence
    | Broken
)

# --- the whole -----------------------------------------------------------------------------------------------


class Cut(Node, frozen=True):
    """`top 1000 by points`, `random 500 seed "x"`."""

    kind: CutKind
    count: Number | Parameter
    by: Expression | None = None
    seed: Text | None = None


class Comment(Node, frozen=True):
    """`# …`, the sign included; `trailing` when something else stands before it on its line."""

    text: str
    trailing: bool = False


class Selection(Node, frozen=True):
    """A whole expression. Comments are kept for `format`, and do not count when trees are compared."""

    condition: Expression
    cut: Cut | None = None
    comments: tuple[Comment, ...] = ()


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node under it, in no promised order."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def children(node: Node) -> Iterator[Node]:
    """The nodes right under `node`."""
    for value in astuple(node):
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


@cache
def _said(kind: type[Node]) -> Callable[[Any], object]:
    """What reads the members that count when nodes of a kind are compared."""
    names = [name for name in kind.__struct_fields__ if name not in UNSAID]
    return attrgetter(*names) if names else lambda node: ()


def depth(node: Node) -> int:
    """How many nodes stand within one another on the longest way down, `node` included."""
    level, deep = [node], 0
    while level:
        level, deep = [child for parent in level for child in children(parent)], deep + 1
    return deep
