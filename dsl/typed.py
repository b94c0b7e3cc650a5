"""The typed tree: what an expression means, with names resolved, types checked and literals coerced.

It is the seam between the language and everything that evaluates it. It knows the schema but no data and
no clock: windows stay relative until `Window.instants` or `Window.days` is asked with a `Clock`.

The tree is normalised, so that an evaluator meets few kinds of node. In particular
* `!=`, `not in`, `not contains`, `is not set`, `did not …` are `Not` around the positive form: exact negations;
* `a except b` is `And(a, Not(b))`; `at most k of` and `exactly k of` are made of `AtLeast` and `Not`;
* a bare boolean field is a `Test` for `True`;
* bounds are physical values (see `dsl.schema.Type`), and text is folded unless a name says "exact".

A condition stands in one *row scope*: contacts at the top, companies inside `OfCompany`, the events of one type
inside a selector's `where`. A missing value fails every `Test`; `Not` then includes it: logic is two-valued.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from dsl.immutable import Immutable
from dsl.moments import Duration, Unit, Window
from dsl.problems import Span
from dsl.schema import Field, Type

# --- row scopes and fields ---------------------------------------------------------------------------------


class Scope(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"
    EVENTS = "events"


class FieldTerm(Immutable, frozen=True):
    """The value of a field of the row in scope. `event` names the event type when the scope is EVENTS."""

    span: Span
    scope: Scope
    field: Field
    event: str | None = None


# --- terms: what has a value for each row -------------------------------------------------------------------


class AggregateFunction(StrEnum):
    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"
    FIRST = "first"
    LAST = "last"


class Selector(Immutable, frozen=True):
    """Events of one type (`event` is None for any type) that satisfy `where` and lie in `window`."""

    span: Span
    event: str | None
    where: Condition | None = None
    window: Window | None = None


class Aggregate(Immutable, frozen=True):
    """One value per contact over the selected events.

    COUNT and DISTINCT give whole numbers (decimals 0), 0 when there is none. SUM keeps the property's decimals and
    is 0 when there is none. AVG, MIN, MAX are missing when there is none. FIRST and LAST without a property give the
    moment (datetime) of the first or last selected event, with one its value there; missing when there is none.
    Events at the same millisecond are ordered by the order in which they were accepted.
    """

    span: Span
    function: AggregateFunction
    selector: Selector
    property: Field | None = None


class Constant(Immutable, frozen=True):
    """A literal inside an arithmetic or term-to-term comparison; numbers are exact fractions, unscaled."""

    span: Span
    type: Type
    value: str | bool | int | float | Fraction


class Operator(StrEnum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


class Arithmetic(Immutable, frozen=True):
    """Numbers combined exactly; missing when either side is, or on division by zero."""

    span: Span
    operator: Operator
    left: Term
    right: Term


class Part(StrEnum):
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    WEEKDAY = "weekday"
    HOUR = "hour"
    YEARS_SINCE = "years since"


class DatePart(Immutable, frozen=True):
    """A whole number read from a date or datetime, in the workspace's zone; Monday is weekday 1."""

    span: Span
    part: Part
    term: Term


class Bucket(Immutable, frozen=True):
    """A stable whole number 0..buckets-1 for each contact and seed: draw * buckets / 2**64, rounded down."""

    span: Span
    seed: str
    buckets: int


Term = FieldTerm | Aggregate | Constant | Arithmetic | DatePart | Bucket


# --- predicates: what a Test asks of a term's value ----------------------------------------------------------


class OneOf(Immutable, frozen=True):
    """Equal to one of `values`: folded text for text and choice, physical values otherwise. May be empty."""

    values: tuple[str | int | float | bool, ...]


class ExactlyOneOf(Immutable, frozen=True):
    """Text equal to the letter to one of `values` (which are not folded)."""

    values: tuple[str, ...]


class Range(Immutable, frozen=True):
    """Between `low` and `high`, either of which may be absent; both ends included unless open.

    For number, date and datetime the checker only makes closed ends (`> 30` with 2 decimals is `low=3001`);
    open ends occur for float and for AVG, arithmetic, whose bounds are exact fractions in unscaled units.
    """

    low: int | float | Fraction | None = None
    high: int | float | Fraction | None = None
    low_open: bool = False
    high_open: bool = False


class During(Immutable, frozen=True):
    """A date or datetime within a window that may depend on the clock."""

    window: Window


class Anniversary(Immutable, frozen=True):
    """A date whose anniversary falls within a window; 29 February falls on 28 February in common years."""

    window: Window


class StartsWith(Immutable, frozen=True):
    text: str  # folded


class EndsWith(Immutable, frozen=True):
    text: str  # folded


class Contains(Immutable, frozen=True):
    text: str  # folded


class Like(Immutable, frozen=True):
    """`%` is any run of characters, `_` any one; the whole folded value must fit. `pattern` is folded."""

    pattern: str


class Matches(Immutable, frozen=True):
    """An RE2 pattern found anywhere in the value as written (not folded)."""

    pattern: str
    ignore_case: bool = False


class HasAny(Immutable, frozen=True):
    """Tags that include at least one of `values` (folded)."""

    values: tuple[str, ...]


class HasAll(Immutable, frozen=True):
    """Tags that include every one of `values` (folded)."""

    values: tuple[str, ...]


class IsSet(Immutable, frozen=True):
    """Any value at all; for tags, at least one tag."""


Predicate = (
    OneOf
    | ExactlyOneOf
    | Range
    | During
    | Anniversary
    | StartsWith
    | EndsWith
    | Contains
    | Like
    | Matches
    | HasAny
    | HasAll
    | IsSet
)


# --- conditions: what selects rows ---------------------------------------------------------------------------


class Everyone(Immutable, frozen=True):
    span: Span


class Nobody(Immutable, frozen=True):
    span: Span


class And(Immutable, frozen=True):
    span: Span
    items: tuple[Condition, ...]


class Or(Immutable, frozen=True):
    span: Span
    items: tuple[Condition, ...]


class Not(Immutable, frozen=True):
    span: Span
    item: Condition


class AtLeast(Immutable, frozen=True):
    """Rows for which at least `count` of `items` hold. 1 <= count <= len(items)."""

    span: Span
    count: int
    items: tuple[Condition, ...]


class Test(Immutable, frozen=True):
    """The rows whose `term` has a value and the value satisfies `predicate`."""

    span: Span
    term: Term
    predicate: Predicate


class Compare(Immutable, frozen=True):
    """Two terms that both vary by row, `operator` one of = < <= > >=; false when either is missing."""

    span: Span
    operator: str
    left: Term
    right: Term


class OfCompany(Immutable, frozen=True):
    """Contacts that have a company for which `item` (in scope COMPANIES) holds."""

    span: Span
    item: Condition


class Did(Immutable, frozen=True):
    """Contacts whose number of selected events lies in `low`..`high` (both included; `high` None: no limit).

    `did X` is low=1; `did X exactly 0 times` is low=0, high=0 and holds for every contact that has none.
    """

    span: Span
    selector: Selector
    low: int = 1
    high: int | None = None


class Regularity(Immutable, frozen=True):
    """Contacts with a selected event in at least `low` (at most `high`) of the `spans` last spans of `unit`."""

    span: Span
    selector: Selector
    low: int
    high: int | None
    spans: int
    unit: Unit


class Correlation(Immutable, frozen=True):
    """In a sequence step: this step's `property` equals the `earlier` property of the nearest step that has it.

    Nearest is the last present step before it whose event type has the property; if its event has no value, or this
    one has none, they are not equal.
    """

    property: Field
    earlier: Field


class Step(Immutable, frozen=True):
    """A step comes strictly after the present one before it, at most `within_ms` later; `absent` ones must not come.

    `within` is the duration as said. Months and years have no one length: there `within_ms` is None, and the step
    comes no later than the calendar moment `within` after the one before it.

    An absent step with a duration says that no such event comes within it, whatever else comes in the meantime;
    without one, that none comes before the next present step, or ever when it is followed by none. Steps after it are
    counted from the present step before it. Absence holds as far as is known: an event too young for its duration to
    have passed counts as not followed.
    """

    span: Span
    selector: Selector
    within_ms: int | None = None
    absent: bool = False
    correlations: tuple[Correlation, ...] = ()
    within: Duration | None = None


class Sequence(Immutable, frozen=True):
    """Contacts that have events for all `steps` in order; the first step has no `within_ms` and is not absent."""

    span: Span
    steps: tuple[Step, ...]


class InSegment(Immutable, frozen=True):
    """Contacts in a segment: its current members, or (`rules_only`) those its rules select.

    `segment` is the segment's key; names were resolved by the checker.
    """

    span: Span
    segment: str
    rules_only: bool = False


class Sample(Immutable, frozen=True):
    """A stable share of all contacts. `share` is a fraction, 0..1. A contact is in when its draw is below it."""

    span: Span
    share: Fraction
    seed: str


Condition = (
    Everyone
    | Nobody
    | And
    | Or
    | Not
    | AtLeast
    | Test
    | Compare
    | OfCompany
    | Did
    | Regularity
    | Sequence
    | InSegment
    | Sample
)


class CutKind(StrEnum):
    TOP = "top"
    BOTTOM = "bottom"
    RANDOM = "random"


class Cut(Immutable, frozen=True):
    """Keep `count` contacts: the largest or smallest by `term` (ties by contact id), or a stable random draw."""

    span: Span
    kind: CutKind
    count: int
    term: Term | None = None
    seed: str | None = None


class Selection(Immutable, frozen=True):
    """A whole expression: a condition over contacts and, perhaps, a cut applied last."""

    condition: Condition
    cut: Cut | None = None
