"""Terms: operators that give a number for each row instead of a set of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dsl.schema import Type
from dsl.typed import Operator as Arithmetic
from dsl.typed import Part
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.calendar import date_part, local_days, local_hours, month_day
from engine.plan.physical.draws import contact_draws
from engine.plan.physical.numbers import Array, Numbers, combine, constant
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain


class Term(ABC):
    """Numbers for the rows of a domain."""

    __slots__ = ()

    @abstractmethod
    def numbers(self, context: Context, domain: Domain) -> Numbers: ...

    def cost(self, context: Context, places: float) -> float:
        """About how many nanoseconds `numbers` takes for a domain of so many places."""
        return costs.TERM * places + sum(term.cost(context, places) for term in self.inputs)

    @property
    def is_quotient(self) -> bool:
        """Whether it divides, so that its numbers are quotients."""
        return any(term.is_quotient for term in self.inputs)

    @property
    def inputs(self) -> tuple[Term, ...]:
        """The terms it is made of."""
        return ()

    @property
    @abstractmethod
    def label(self) -> str: ...

    @property
    def selections(self) -> tuple[Selection, ...]:
        """The selections of events behind this term."""
        return tuple(found for term in self.inputs for found in term.selections)


@dataclass(frozen=True, slots=True)
class Value(Term):
    """The physical value of a column that holds numbers, booleans or times."""

    column: str

    @property
    def label(self) -> str:
        return self.column

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        still_wanted()
        column = context.space.column(self.column)
        if column is None:
            return nothing(domain)
        return of_values(*column.numbers(domain.all_rows()))


def nothing(domain: Domain) -> Numbers:
    return Numbers(np.zeros(domain.size, np.int64), np.zeros(domain.size, np.bool_))


def of_values(values: Array, present: NDArray[np.bool_]) -> Numbers:
    return Numbers(values if values.dtype.kind == "f" else values.astype(np.int64, copy=False), present)


@dataclass(frozen=True, slots=True)
class Constant(Term):
    value: int | float | Fraction

    @property
    def label(self) -> str:
        return str(self.value)

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        return constant(self.value, domain.size)


@dataclass(frozen=True, slots=True)
class Scaled(Term):
    """A physical decimal divided by 10**decimals."""

    term: Term
    decimals: int

    @property
    def label(self) -> str:
        return self.term.label

    @property
    def inputs(self) -> tuple[Term, ...]:
        return (self.term,)

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        found = self.term.numbers(context, domain)
        return replace(found, scale=found.scale * 10**self.decimals)


@dataclass(frozen=True, slots=True)
class Combined(Term):
    operator: Arithmetic
    left: Term
    right: Term

    @property
    def label(self) -> str:
        return f"({self.left.label} {self.operator} {self.right.label})"

    @property
    def inputs(self) -> tuple[Term, ...]:
        return (self.left, self.right)

    @property
    def is_quotient(self) -> bool:
        return self.operator is Arithmetic.DIVIDE or self.left.is_quotient or self.right.is_quotient

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        still_wanted()
        return combine(self.operator, self.left.numbers(context, domain), self.right.numbers(context, domain))


@dataclass(frozen=True, slots=True)
class DatePart(Term):
    """A whole number read from days (type DATE) or instants (DATETIME); `today` serves `years since`."""

    part: Part
    term: Term
    type: Type
    zone: str
    today: int

    @property
    def label(self) -> str:
        return f"{self.part} of {self.term.label}"

    @property
    def inputs(self) -> tuple[Term, ...]:
        return (self.term,)

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        found = self.term.numbers(context, domain)
        moments = np.where(found.present, found.numerator, 0).astype(np.int64)
        if self.part is Part.HOUR:
            return Numbers(local_hours(moments, self.type, self.zone), found.present)
        return Numbers(date_part(self.part, local_days(moments, self.type, self.zone), self.today), found.present)


@dataclass(frozen=True, slots=True)
class MonthDay(Term):
    """month * 100 + day."""

    term: Term
    type: Type
    zone: str

    @property
    def label(self) -> str:
        return f"month and day of {self.term.label}"

    @property
    def inputs(self) -> tuple[Term, ...]:
        return (self.term,)

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        found = self.term.numbers(context, domain)
        moments = np.where(found.present, found.numerator, 0).astype(np.int64)
        return Numbers(month_day(local_days(moments, self.type, self.zone)), found.present)


@dataclass(frozen=True, slots=True)
class Bucket(Term):
    seed: int
    buckets: int

    @property
    def label(self) -> str:
        return f"bucket of {self.buckets}"

    def numbers(self, context: Context, domain: Domain) -> Numbers:
        drawn = contact_draws(context, domain, self.seed)
        return Numbers(_spread(drawn, self.buckets), np.ones(domain.size, np.bool_))


def _spread(drawn: NDArray[np.uint64], buckets: int) -> NDArray[np.int64]:
    """draw * buckets / 2**64 rounded down, in 32-bit halves so that nothing overflows; buckets < 2**32.

    Multiplying spreads draws more evenly than a remainder (Lemire 2019, "Fast random integer generation").
    """
    half, count = np.uint64(32), np.uint64(buckets)
    low = ((drawn & np.uint64(0xFFFFFFFF)) * count) >> half
    return (((drawn >> half) * count + low) >> half).astype(np.int64)
