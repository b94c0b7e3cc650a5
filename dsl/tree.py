"""The surface tree: an expression as it was written, before names and types are looked at.

Conditions and values share one family of nodes, because only the checker can tell `(a)` the flag from `(a)` the
number. Two trees are equal when they say the same thing: spans do not count. Parentheses are not kept; the shape is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from dsl.moments import Unit
from dsl.problems import Span
from dsl.typed import AggregateFunction, CutKind, Operator, Part


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that was written somewhere."""

    span: Span = field(compare=False)


# --- values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: Decimal


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`$name`, without the dollar."""

    name: str


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name, without its backticks."""

    name: str


@dataclass(frozen=True, slots=True)
class FieldName(Node):
    """`points`, or `company.industry` with `owner` the company."""

    name: Identifier
    owner: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Same(Node):
    """`same campaign`: the value an earlier step of a sequence had."""

    name: Identifier


@dataclass(frozen=True, slots=True)
class Regex(Node):
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Operands of one precedence from left to right, with an operator between each two."""

    operators: tuple[Operator, ...]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negative(Node):
    item: Expression


@dataclass(frozen=True, slots=True)
class DatePart(Node):
    part: Part
    item: Expression


@dataclass(frozen=True, slots=True)
class Bucket(Node):
    seed: Text
    buckets: Number | Parameter


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    function: AggregateFunction
    property: Identifier | None
    selector: Selector


# --- time ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day(Node):
    """`2026-06-30`, as written: whether that day exists is for the checker."""

    text: str


@dataclass(frozen=True, slots=True)
class Month(Node):
    text: str


@dataclass(frozen=True, slots=True)
class Instant(Node):
    text: str


@dataclass(frozen=True, slots=True)
class Duration(Node):
    count: Number | Parameter
    unit: Unit


@dataclass(frozen=True, slots=True)
class Ago(Node):
    """`7 days ago`, or `7 days from now` when `ahead`."""

    duration: Duration
    ahead: bool = False


class Moment(StrEnum):
    NOW = "now"
    TODAY = "today"
    YESTERDAY = "yesterday"
    TOMORROW = "tomorrow"


@dataclass(frozen=True, slots=True)
class NamedMoment(Node):
    moment: Moment


class Which(StrEnum):
    THIS = "this"
    LAST = "last"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class CalendarPeriod(Node):
    """`last month`."""

    which: Which
    unit: Unit


@dataclass(frozen=True, slots=True)
class RollingPeriod(Node):
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


@dataclass(frozen=True, slots=True)
class Timing(Node):
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


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    comparator: Comparator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Exactly(Node):
    item: Expression
    text: Text | Parameter
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Values(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Among(Node):
    """`country in ("FR", "BE")`; a parameter stands for the whole list."""

    item: Expression
    values: Values | Parameter
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between(Node):
    item: Expression
    low: Expression
    high: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Timed(Node):
    """A date or datetime within a bound in time."""

    item: Expression
    timing: Timing
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Anniversary(Node):
    item: Expression
    timing: Timing
    negated: bool = False


class TextTest(StrEnum):
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    LIKE = "like"


@dataclass(frozen=True, slots=True)
class Textual(Node):
    test: TextTest
    item: Expression
    text: Text | Parameter
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Matches(Node):
    item: Expression
    pattern: Regex | Text | Parameter
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsSet(Node):
    item: Expression
    negated: bool = False


class Quantifier(StrEnum):
    ANY = "any"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Has(Node):
    """`interests has "ski"`; with a quantifier, `values` is a list."""

    item: Expression
    quantifier: Quantifier | None
    values: Text | Values | Parameter
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not(Node):
    item: Expression


@dataclass(frozen=True, slots=True)
class Except(Node):
    """An item of a conjunction, never its first, that was written after `except`."""

    item: Expression


@dataclass(frozen=True, slots=True)
class Both(Node):
    """Two or more conditions joined by `and` or `except`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either(Node):
    """Two or more conditions joined by `or`."""

    items: tuple[Expression, ...]


class Bound(StrEnum):
    AT_LEAST = "at least"
    AT_MOST = "at most"
    EXACTLY = "exactly"
    MORE = "more than"
    FEWER = "fewer than"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class Frequency(Node):
    """How many: `at least 3`, `between 2 and 5` (`high` is 5)."""

    bound: Bound
    count: Expression
    high: Expression | None = None


@dataclass(frozen=True, slots=True)
class Quorum(Node):
    """`at least 2 of (…)`, or `any of`, `all of`, `none of`."""

    how: Frequency | Quantifier
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Everyone(Node):
    pass


@dataclass(frozen=True, slots=True)
class Nobody(Node):
    pass


@dataclass(frozen=True, slots=True)
class Sample(Node):
    percent: Number
    seed: Text


@dataclass(frozen=True, slots=True)
class InSegment(Node):
    """A segment by key or by name; `rules_only` for `matches segment`."""

    segment: Identifier | Text
    rules_only: bool = False


@dataclass(frozen=True, slots=True)
class Selector(Node):
    """Events of a type (`event` is None for any), their conditions, and their bound in time."""

    event: Identifier | None
    where: Expression | None = None
    timing: Timing | None = None


@dataclass(frozen=True, slots=True)
class Did(Node):
    selector: Selector
    times: Frequency | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Regularity(Node):
    """`did open in at least 3 of last 4 weeks`."""

    selector: Selector
    frequency: Frequency
    spans: Duration
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Step(Node):
    selector: Selector
    within: Duration | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """`did first then …`. The bound in time of the whole belongs to `first`, wherever it was written."""

    first: Selector
    steps: tuple[Step, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Broken(Node):
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


@dataclass(frozen=True, slots=True)
class Cut(Node):
    """`top 1000 by points`, `random 500 seed "x"`."""

    kind: CutKind
    count: Number | Parameter
    by: Expression | None = None
    seed: Text | None = None


@dataclass(frozen=True, slots=True)
class Comment(Node):
    """`# …`, the sign included; `trailing` when something else stands before it on its line."""

    text: str
    trailing: bool = False


@dataclass(frozen=True, slots=True)
class Selection(Node):
    """A whole expression. Comments are kept for `format`, and do not count when trees are compared."""

    condition: Expression
    cut: Cut | None = None
    comments: tuple[Comment, ...] = field(default=(), compare=False)


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node under it, in no promised order."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def children(node: Node) -> Iterator[Node]:
    """The nodes right under `node`."""
    kind: Any = type(node)
    for value in _all_of(kind)(node):
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


@cache
def _all_of(kind: type[Any]) -> Callable[[Node], tuple[object, ...]]:
    """What reads every field of a kind of node, the span first."""
    names = [slot.name for slot in fields(kind)]
    return attrgetter(*names) if len(names) > 1 else lambda node: ()


def depth(node: Node) -> int:
    """How many nodes stand within one another on the longest way down, `node` included."""
    level, deep = [node], 0
    while level:
        level, deep = [child for parent in level for child in children(parent)], deep + 1
    return deep
