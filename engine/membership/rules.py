"""The rules of all saved segments as checks. Equal ones are one object, so that a contact is asked each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pyroaring import BitMap

from dsl import typed
from dsl.draw import fingerprint, share_limit
from dsl.problems import NOWHERE, Span
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Type
from dsl.typed import AggregateFunction, Condition, Scope
from engine.membership.checks import (
    All,
    Any_,
    Drawn,
    Edge,
    Enough,
    Member,
    Negated,
    OfCompanyField,
    OfField,
    Planned,
    Regular,
    Settled,
    Times,
    WithCompany,
)
from engine.membership.facts import Calculated, Check, EventTest
from engine.membership.numbers import (
    Amount,
    Combined,
    Fixed,
    InBucket,
    Measured,
    NumberFits,
    OfColumn,
    PartOfDate,
    Stands,
    Unscaled,
)
from engine.membership.occasions import AnyOf, Counted, EveryOf, NotSo, OfProperty
from engine.membership.sequences import Followed, Same, Step
from engine.membership.values import value_test
from engine.plan.lowering import decimals, value_type

T = TypeVar("T")

_FIRST_LAST = (AggregateFunction.FIRST, AggregateFunction.LAST)
_WHOLE = (Type.NUMBER, Type.DATE, Type.DATETIME)
_TEXT = (Type.TEXT, Type.CHOICE)


class Definition(Protocol):
    """A saved segment."""

    @property
    def key(self) -> str: ...
    @property
    def condition(self) -> Condition | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def added(self) -> BitMap: ...
    @property
    def removed(self) -> BitMap: ...


@dataclass(frozen=True, slots=True)
class OfSegment:
    """What decides who is in a segment; `check` is None for a static one. `alone` is a check that nothing adds to."""

    check: Check | None
    parent: str | None
    added: BitMap
    removed: BitMap
    alone: Check | None


Rules = Mapping[str, OfSegment]
"""Those of segments, by key."""


def rules_of(segments: Iterable[Definition]) -> Rules:
    """What decides who is in each of these."""
    making = _Making({})
    return {each.key: making.segment(each) for each in segments}


@dataclass(frozen=True, slots=True)
class _Making:
    """`made` holds what was made so far: of what is equal to it, it is the one to use."""

    made: dict[object, object]

    def one(self, made: T) -> T:
        return self.made.setdefault(made, made)  # type: ignore[return-value]

    def segment(self, of: Definition) -> OfSegment:
        check = None if of.condition is None else self.check(of.condition)
        alone = of.parent is None and not of.added and not of.removed
        return OfSegment(check, of.parent, of.added, of.removed, check if alone else None)

    def check(self, condition: Condition) -> Check:
        return self.one(self.afresh(condition))

    def afresh(self, condition: Condition) -> Check:
        match condition:
            case typed.Everyone() | typed.Nobody():
                return Settled(isinstance(condition, typed.Everyone))
            case typed.And(_, items):
                return All(self.each(items))
            case typed.Or(_, items):
                return Any_(self.each(items))
            case typed.Not(_, item):
                return Negated(self.check(item))
            case typed.AtLeast(_, count, items):
                return Enough(count, self.each(items))
            case typed.InSegment(_, key, rules_only):
                return Member(key, rules_only)
            case typed.Sample(_, share, seed):
                return Drawn(fingerprint(seed), share_limit(share))
            case _:
                return self.leaf(condition) or Planned(placeless(condition))

    def each(self, conditions: tuple[Condition, ...]) -> tuple[Check, ...]:
        return tuple(map(self.check, conditions))

    def leaf(self, condition: Condition) -> Check | None:
        """The check of a condition on a value, a company or events; None where there is none for it."""
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                test = value_test(field.type, predicate)
                return None if test is None else OfField(field.name, self.one(test))
            case typed.OfCompany(_, item):
                check = self.company_check(item)
                return None if check is None else WithCompany(check)
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
                return None if counted is None else Times(counted, self.one(selector.window), low, high)
            case typed.Regularity(_, selector, low, high, spans, unit):
                counted = self.counted(selector)
                return None if counted is None else Regular(counted, self.one(selector.window), low, high, spans, unit)
            case _:
                return None

    def company_check(self, condition: Condition) -> Check | None:
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                test = value_test(field.type, predicate)
                return None if test is None else self.one(OfCompanyField(field.name, self.one(test)))
            case typed.And(_, items) | typed.Or(_, items):
                checks = [check for check in map(self.company_check, items) if check is not None]
                of = All if isinstance(condition, typed.And) else Any_
                return self.one(of(tuple(checks))) if len(checks) == len(items) else None
            case typed.Not(_, item):
                negated = self.company_check(item)
                return None if negated is None else self.one(Negated(negated))
            case _:
                return None

    # --- events ---

    def counted(self, selector: typed.Selector) -> Counted | None:
        if selector.where is None:
            return self.one(Counted(selector.event, None))
        where = self.event_test(selector.where)
        return None if where is None else self.one(Counted(selector.event, where))

    def event_test(self, condition: Condition) -> EventTest | None:
        match condition:
            case typed.Test(_, typed.FieldTerm(_, _, field), predicate):
                test = value_test(field.type, predicate)
                return None if test is None else self.one(OfProperty(field.name, self.one(test)))
            case typed.And(_, items) | typed.Or(_, items) if items:
                tests = [test for test in map(self.event_test, items) if test is not None]
                of = EveryOf if isinstance(condition, typed.And) else AnyOf
                return self.one(of(tuple(tests))) if len(tests) == len(items) else None
            case typed.Not(_, item):
                negated = self.event_test(item)
                return None if negated is None else self.one(NotSo(negated))
            case _:
                return None

    def edge(self, term: typed.Aggregate, predicate: typed.Predicate) -> Check | None:
        """Of the first or last event: its moment, or a property."""
        counted, property = self.counted(term.selector), term.property
        if counted is None or (property is not None and property.name in EVENT_SYSTEM_FIELDS):
            return None
        test = value_test(Type.DATETIME if property is None else property.type, predicate)
        if test is None:
            return None
        name, last = None if property is None else property.name, term.function is AggregateFunction.LAST
        return Edge(counted, self.one(term.selector.window), last, name, self.one(test))

    def sequence(self, sequence: typed.Sequence) -> Check | None:
        steps = [step for step in map(self.step, sequence.steps) if step is not None]
        return Followed(tuple(steps), self.one(placeless(sequence))) if len(steps) == len(sequence.steps) else None

    def step(self, step: typed.Step) -> Step | None:
        counted = self.counted(step.selector)
        if counted is None or not all(map(_comparable, step.correlations)):
            return None
        gap = step.within if step.within_ms is None else step.within_ms
        same = tuple(Same(c.property.name, c.earlier.name, c.property.type in _TEXT) for c in step.correlations)
        return Step(counted, self.one(step.selector.window), gap, step.absent, same)

    # --- numbers ---

    def test(self, term: typed.Term, predicate: typed.Predicate) -> Check | None:
        number, test = self.number(term), value_test(value_type(term), predicate)
        return None if number is None or test is None else NumberFits(number, self.one(test))

    def compare(self, compare: typed.Compare) -> Check | None:
        left, right = self.unscaled(compare.left), self.unscaled(compare.right)
        return None if left is None or right is None else Stands(compare.operator, left, right)

    def number(self, term: typed.Term) -> Calculated | None:
        """What calculates the physical value of a term; None where a plan alone does."""
        made = self.calculated(term)
        return None if made is None else self.one(made)

    def calculated(self, term: typed.Term) -> Calculated | None:
        match term:
            case typed.FieldTerm(_, Scope.CONTACTS, Field(name, type)) if type in _WHOLE:
                return OfColumn(name)
            case typed.Constant(_, Type.NUMBER, value) if isinstance(value, int | Fraction):
                return Fixed(value)
            case typed.Aggregate():
                return self.aggregate(term)
            case typed.Arithmetic(_, operator, left, right):
                sides = self.unscaled(left), self.unscaled(right)
                return None if sides[0] is None or sides[1] is None else Combined(operator, sides[0], sides[1])
            case typed.DatePart(_, part, typed.FieldTerm(_, Scope.CONTACTS, Field(name, type))):
                return PartOfDate(part, name, type)
            case typed.Bucket(_, seed, buckets):
                return InBucket(fingerprint(seed), buckets)
            case _:
                return None

    def unscaled(self, term: typed.Term) -> Calculated | None:
        number, scale = self.number(term), decimals(term)
        return number if number is None or not scale else self.one(Unscaled(number, scale))

    def aggregate(self, term: typed.Aggregate) -> Calculated | None:
        counted, window = self.counted(term.selector), self.one(term.selector.window)
        if counted is None:
            return None
        match term.function, term.property:
            case AggregateFunction.COUNT, _:
                return Amount(counted, window)
            case function, Field(name, type) as property if name not in EVENT_SYSTEM_FIELDS and _exact(function, type):
                scale = property.decimals if type is Type.NUMBER else 0
                return Measured(function, counted, window, name, type in _TEXT, scale)
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
