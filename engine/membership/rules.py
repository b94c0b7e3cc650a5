"""The rules of all saved segments as checks. Equal ones are one object, so that a contact is asked each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Protocol, TypeVar, TypeVarTuple

from msgspec import Struct
from msgspec.structs import replace

from dsl import typed
from dsl.draw import fingerprint, share_limit
from dsl.moments import Window
from dsl.problems import NOWHERE, Span
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Type
from dsl.typed import AggregateFunction, Condition, Scope
from engine.membership.checks import (
    All,
    Any_,
    Drawn,
    Edge,
    Enough,
    FieldAmong,
    FieldBetween,
    Member,
    Negated,
    OfCompanyField,
    OfField,
    Overridden,
    Planned,
    Regular,
    Settled,
    Times,
    WithCompany,
)
from engine.membership.facts import Calculated, Check, EventTest, When
from engine.membership.numbers import (
    Amount,
    Combined,
    Fixed,
    InBucket,
    Measured,
    NumberFits,
    OfColumn,
    PartOfDate,
    Scaled,
    Stands,
    Unscaled,
)
from engine.membership.occasions import AnyOf, Counted, EveryOf, Having, NotSo, OfProperty
from engine.membership.sequences import Followed, FollowedBy, Same, Step
from engine.membership.values import Among, Between, ValueTest, value_test
from engine.plan.lowering import SegmentDefinition, decimals, value_type

T = TypeVar("T")
Part = TypeVar("Part")
Parts = TypeVarTuple("Parts")

_FIRST_LAST = (AggregateFunction.FIRST, AggregateFunction.LAST)
_WHOLE = (Type.NUMBER, Type.DATE, Type.DATETIME)
_TEXT = (Type.TEXT, Type.CHOICE)


class Definition(SegmentDefinition, Protocol):
    """A saved segment with the key that it is told by."""

    @property
    def key(self) -> str: ...


@dataclass(frozen=True, slots=True)
class OfSegment:
    """What decides who is in a segment: `member` does; `check` is of its own rules, None for a static one."""

    member: Check
    check: Check | None
    parent: str | None


Rules = Mapping[str, OfSegment]
"""Those of segments, by key."""


def rules_of(segments: Iterable[Definition]) -> Rules:
    """What decides who is in each of these."""
    making = _Making({})
    return {each.key: making.segment(each) for each in segments}


@dataclass(frozen=True, slots=True)
class _Making:
    """`made` holds what was made so far, by what it was made of: of what is equal, there is one."""

    made: dict[object, Any]

    def one(self, kind: Callable[[*Parts], T], *parts: *Parts) -> T:
        """Made of these parts; they are hashable, and each is the one of its kind."""
        key = (kind, *parts)
        if key not in self.made:
            self.made[key] = kind(*parts)
        found: T = self.made[key]
        return found

    def whole(self, kind: Callable[[tuple[Part, ...]], T], parts: Iterable[Part | None]) -> T | None:
        """Made of all parts; None where there is none for one of them."""
        made = tuple(parts)
        there = tuple(part for part in made if part is not None)
        return self.one(kind, there) if len(there) == len(made) else None

    def segment(self, of: Definition) -> OfSegment:
        check = None if of.condition is None else self.check(of.condition)
        if check is not None and of.parent is None and not of.added and not of.removed:
            return OfSegment(check, check, of.parent)
        return OfSegment(Overridden(of.key, of.added, of.removed), check, of.parent)

    def check(self, condition: Condition) -> Check:
        match condition:
            case typed.Everyone() | typed.Nobody():
                return self.one(Settled, isinstance(condition, typed.Everyone))
            case typed.And(_, items):
                return self.one(All, self.each(items))
            case typed.Or(_, items):
                return self.one(Any_, self.each(items))
            case typed.Not(_, item):
                return self.one(Negated, self.check(item))
            case typed.AtLeast(_, count, items):
                return self.one(Enough, count, self.each(items))
            case typed.InSegment(_, key, rules_only):
                return self.one(Member, key, rules_only)
            case typed.Sample(_, share, seed):
                return self.one(Drawn, fingerprint(seed), share_limit(share))
            case _:
                return self.leaf(condition) or self.one(Planned, placeless(condition))

    def each(self, conditions: tuple[Condition, ...]) -> tuple[Check, ...]:
        return tuple(map(self.check, conditions))

    def leaf(self, condition: Condition) -> Check | None:
        """The check of a condition on a value, a company or events; None where there is none for it."""
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                return self.field_check(field, predicate)
            case typed.OfCompany(_, item):
                check = self.company_check(item)
                return None if check is None else self.one(WithCompany, check)
            case typed.Test(_, typed.Aggregate() as term, predicate) if term.function in _FIRST_LAST:
                return self.edge(term, predicate)
            case typed.Test(_, term, predicate):
                return self.test(term, predicate)
            case typed.Compare():
                return self.compare(condition)
            case typed.Sequence():
                return self.sequence(condition)
            case typed.Did(_, selector, low, high):
                counted = self.counted(selector)
                most = inf if high is None else high
                return None if counted is None else self.one(Times, counted, self.when(selector.window), low, most)
            case typed.Regularity(_, selector, low, high, spans, unit):
                counted, when = self.counted(selector), self.when(selector.window)
                most = inf if high is None else high
                return None if counted is None else self.one(Regular, counted, when, low, most, spans, unit)
            case _:
                return None

    def when(self, window: Window | None, days: bool = False) -> When:
        return self.one(When, window, days)

    def value_test(self, type: Type, predicate: typed.Predicate) -> ValueTest | None:
        test = value_test(type, predicate, self.when)
        found: ValueTest | None = self.made.setdefault(test, test)
        return found

    def field_check(self, field: Field, predicate: typed.Predicate) -> Check | None:
        match self.value_test(field.type, predicate):
            case None:
                return None
            case Among(values, folded):
                return self.one(FieldAmong, field.name, values, folded)
            case Between(low, high):
                return self.one(FieldBetween, field.name, low, high)
            case test:
                return self.one(OfField, field.name, test)

    def company_check(self, condition: Condition) -> Check | None:
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                test = self.value_test(field.type, predicate)
                return None if test is None else self.one(OfCompanyField, field.name, test)
            case typed.And(_, items):
                return self.whole(All, map(self.company_check, items))
            case typed.Or(_, items):
                return self.whole(Any_, map(self.company_check, items))
            case typed.Not(_, item):
                negated = self.company_check(item)
                return None if negated is None else self.one(Negated, negated)
            case _:
                return None

    # --- events ---

    def counted(self, selector: typed.Selector) -> Counted | None:
        if selector.where is None:
            return self.one(Counted, selector.event, None)
        where = self.event_test(selector.where)
        return None if where is None else self.one(Counted, selector.event, where)

    def event_test(self, condition: Condition) -> EventTest | None:
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                return self.property_test(field, predicate)
            case typed.And(_, items) if items:
                return self.whole(EveryOf, map(self.event_test, items))
            case typed.Or(_, items) if items:
                return self.whole(AnyOf, map(self.event_test, items))
            case typed.Not(_, item):
                negated = self.event_test(item)
                return None if negated is None else self.one(NotSo, negated)
            case _:
                return None

    def property_test(self, field: Field, predicate: typed.Predicate) -> EventTest | None:
        match self.value_test(field.type, predicate):
            case None:
                return None
            case Among(values, folded) if len(values) == 1:
                value: Any = next(iter(values))
                return self.one(Having, field.name, folded, value)
            case test:
                return self.one(OfProperty, field.name, test)

    def edge(self, term: typed.Aggregate, predicate: typed.Predicate) -> Check | None:
        """Of the first or last event: its moment, or a property."""
        counted, property = self.counted(term.selector), term.property
        if counted is None or (property is not None and property.name in EVENT_SYSTEM_FIELDS):
            return None
        test = self.value_test(Type.DATETIME if property is None else property.type, predicate)
        if test is None:
            return None
        name, last = None if property is None else property.name, term.function is AggregateFunction.LAST
        return self.one(Edge, counted, self.when(term.selector.window), last, name, test)

    def sequence(self, sequence: typed.Sequence) -> Check | None:
        steps = tuple(step for step in map(self.step, sequence.steps) if step is not None)
        if len(steps) < len(sequence.steps):
            return None
        if len(steps) == 2 and not steps[0].absent:
            return self.one(FollowedBy, *steps)
        return self.one(Followed, steps, placeless(sequence))

    def step(self, step: typed.Step) -> Step | None:
        counted = self.counted(step.selector)
        if counted is None or not all(map(_comparable, step.correlations)):
            return None
        gap = step.within if step.within_ms is None else step.within_ms
        same = tuple(Same(c.property.name, c.earlier.name, c.property.type in _TEXT) for c in step.correlations)
        return self.one(Step, counted, self.when(step.selector.window), gap, step.absent, same)

    # --- numbers ---

    def test(self, term: typed.Term, predicate: typed.Predicate) -> Check | None:
        number, test = self.number(term), self.value_test(value_type(term), predicate)
        return None if number is None or test is None else self.one(NumberFits, number, test)

    def compare(self, compare: typed.Compare) -> Check | None:
        scale = max(decimals(compare.left), decimals(compare.right))
        left, right = self.scaled(compare.left, scale), self.scaled(compare.right, scale)
        return None if left is None or right is None else self.one(Stands, compare.operator, left, right)

    def number(self, term: typed.Term) -> Calculated | None:
        """What calculates the physical value of a term; None where a plan alone does."""
        match term:
            case typed.FieldTerm(_, Scope.CONTACTS, Field(name, type)) if type in _WHOLE:
                return self.one(OfColumn, name)
            case typed.Constant(_, Type.NUMBER, value) if isinstance(value, int | Fraction):
                return self.one(Fixed, value)
            case typed.Aggregate():
                return self.aggregate(term)
            case typed.Arithmetic(_, operator, left, right):
                sides = self.unscaled(left), self.unscaled(right)
                return (
                    None if sides[0] is None or sides[1] is None else self.one(Combined, operator, sides[0], sides[1])
                )
            case typed.DatePart(_, part, typed.FieldTerm(_, Scope.CONTACTS, Field(name, type))):
                return self.one(PartOfDate, part, name, type)
            case typed.Bucket(_, seed, buckets):
                return self.one(InBucket, fingerprint(seed), buckets)
            case _:
                return None

    def scaled(self, term: typed.Term, scale: int) -> Calculated | None:
        """What calculates a number of so many decimals, as a whole one where it is whole."""
        number, more = self.number(term), scale - decimals(term)
        return number if number is None or not more else self.one(Scaled, number, 10**more)

    def unscaled(self, term: typed.Term) -> Calculated | None:
        number, scale = self.number(term), decimals(term)
        return number if number is None or not scale else self.one(Unscaled, number, scale)

    def aggregate(self, term: typed.Aggregate) -> Calculated | None:
        counted, when = self.counted(term.selector), self.when(term.selector.window)
        if counted is None:
            return None
        match term.function, term.property:
            case AggregateFunction.COUNT, _:
                return self.one(Amount, counted, when)
            case function, Field(name, type) as property if name not in EVENT_SYSTEM_FIELDS and _exact(function, type):
                scale = property.decimals if type is Type.NUMBER else 0
                return self.one(Measured, function, counted, when, name, type in _TEXT, scale)
            case _:
                return None


def _exact(function: AggregateFunction, type: Type) -> bool:
    """Whether an aggregate is a whole number or a quotient of them, and told from the values alone."""
    match function:
        case AggregateFunction.SUM | AggregateFunction.AVG:
            return type is Type.NUMBER
        case AggregateFunction.MIN | AggregateFunction.MAX:
            return type in _WHOLE
        case AggregateFunction.DISTINCT:
            return type in _WHOLE or type in _TEXT
        case _:
            return False


def _comparable(correlation: typed.Correlation) -> bool:
    """Whether values of both properties are the same where they are equal."""
    here, there = correlation.property, correlation.earlier
    alike = (here.type in _TEXT and there.type in _TEXT) or (
        here.type in _WHOLE and (here.type, here.decimals) == (there.type, there.decimals)
    )
    return alike and EVENT_SYSTEM_FIELDS.keys().isdisjoint((here.name, there.name))


def placeless(node: T) -> T:
    """A condition without its places, so that what reads the same is equal, wherever it stands."""
    match node:
        case Span():
            return NOWHERE  # type: ignore[return-value]
        case tuple():
            return tuple(map(placeless, node))  # type: ignore[return-value]
        case Struct():
            return replace(node, **{name: placeless(getattr(node, name)) for name in node.__struct_fields__})
        case _:
            return node
