"""The rules of all saved segments as checks. Equal ones are one object, so that a contact is asked each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pyroaring import BitMap

from dsl import typed
from dsl.draw import fingerprint, share_limit
from dsl.problems import NOWHERE, Span
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Type
from dsl.typed import AggregateFunction, Condition
from engine.membership.checks import (
    All,
    Amount,
    Any_,
    Check,
    Drawn,
    Edge,
    Enough,
    Measured,
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
from engine.membership.facts import EventTest, Facts
from engine.membership.occasions import AnyOf, Counted, EveryOf, NotSo, OfProperty
from engine.membership.values import value_test

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
    """What decides who is in a segment; `check` is None for a static one."""

    check: Check | None
    parent: str | None
    added: BitMap
    removed: BitMap

    def holds(self, facts: Facts) -> bool:
        return self.check is not None and self.check.holds(facts)


class Rules(Mapping[str, OfSegment]):
    """Those of segments, by key."""

    def __init__(self, segments: Iterable[Definition]) -> None:
        making = _Making({})
        self._of = {
            each.key: OfSegment(
                None if each.condition is None else making.check(each.condition),
                each.parent,
                each.added,
                each.removed,
            )
            for each in segments
        }

    def __getitem__(self, key: str) -> OfSegment:
        return self._of[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


@dataclass(frozen=True, slots=True)
class _Making:
    """`made` holds what was made so far: of what is equal to it, it is the one to use."""

    made: dict[object, object]

    def one(self, made: T) -> T:
        return self.made.setdefault(made, made)  # type: ignore[return-value]

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
            case typed.Test(_, typed.Aggregate() as term, predicate):
                return self.aggregate(term, predicate)
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

    def aggregate(self, term: typed.Aggregate, predicate: typed.Predicate) -> Check | None:
        counted, window = self.counted(term.selector), self.one(term.selector.window)
        type = term_type(term)
        test = None if type is None else value_test(type, predicate)
        if counted is None or test is None:
            return None
        match term.function, term.property:
            case AggregateFunction.COUNT, _:
                return Amount(counted, window, self.one(test))
            case ((AggregateFunction.FIRST | AggregateFunction.LAST as edge), property):
                name = None if property is None else property.name
                return Edge(counted, window, edge is AggregateFunction.LAST, name, self.one(test))
            case function, Field() as property:
                texts = property.type in _TEXT
                decimals = property.decimals if property.type is Type.NUMBER else 0
                return Measured(function, counted, window, property.name, texts, decimals, self.one(test))
            case _:
                return None


def term_type(term: typed.Aggregate) -> Type | None:
    """The type of the values of an aggregate; None where a plan alone gives them."""
    match term.function, term.property:
        case AggregateFunction.COUNT, _:
            return Type.NUMBER
        case function, None if function in _FIRST_LAST:
            return Type.DATETIME
        case _, Field(name) if name in EVENT_SYSTEM_FIELDS:
            return None
        case function, Field() as property if function in _FIRST_LAST:
            return property.type
        case AggregateFunction.DISTINCT, Field(type=type) if type is Type.BOOLEAN or type in _WHOLE or type in _TEXT:
            return Type.NUMBER
        case AggregateFunction.SUM | AggregateFunction.AVG, Field(type=Type.NUMBER):
            return Type.NUMBER
        case AggregateFunction.MIN | AggregateFunction.MAX, Field(type=type) if type in _WHOLE:
            return type
        case _:
            return None


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
