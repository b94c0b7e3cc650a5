"""From a comparison with a constant to the predicate that says it in physical values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import inf
from zoneinfo import ZoneInfo

from dsl.measure import Measure
from dsl.moments import After, Before, Clock, Since, UpTo, Window
from dsl.schema import Type
from dsl.tree import Comparator
from dsl.typed import During, OneOf, Predicate, Range

Rational = Fraction | int
"""An exact number."""

NEVER = OneOf(())
"""The predicate no value satisfies."""

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The numbers physical values can be: bounds beyond them are no bounds, or cannot be met."""

FLIPPED = {
    Comparator.EQUAL: Comparator.EQUAL,
    Comparator.UNEQUAL: Comparator.UNEQUAL,
    Comparator.LESS: Comparator.GREATER,
    Comparator.LESS_EQUAL: Comparator.GREATER_EQUAL,
    Comparator.GREATER: Comparator.LESS,
    Comparator.GREATER_EQUAL: Comparator.LESS_EQUAL,
}
"""`a < b` is `b > a`."""


def number_compared(measure: Measure, comparator: Comparator, value: Rational) -> Predicate:
    """`term comparator value`, for any comparator but `!=`."""
    return _NUMBER_COMPARED[comparator](measure, value)


def number_equal(measure: Measure, value: Rational) -> Predicate:
    """Equality: a value with more decimals than the field has is met by nothing."""
    if measure.type is Type.FLOAT:
        return OneOf((_float(value),))
    if measure.decimals is None:
        return Range(low=Fraction(value), high=Fraction(value))
    scaled, beyond = divmod(value.numerator * 10**measure.decimals, value.denominator)
    return OneOf((scaled,)) if not beyond and SMALLEST <= scaled <= LARGEST else NEVER


def number_between(
    measure: Measure, low: Rational | None, high: Rational | None, low_open: bool = False, high_open: bool = False
) -> Predicate:
    """A range, with closed whole bounds wherever values are scaled whole numbers."""
    if measure.type is Type.FLOAT:
        return Range(None if low is None else _float(low), None if high is None else _float(high), low_open, high_open)
    if measure.decimals is None:
        return Range(_fraction(low), _fraction(high), low_open, high_open)
    scale = 10**measure.decimals
    # Whole numbers all along: a product of fractions takes microseconds.
    bottom = top = None
    if low is not None:
        scaled = low.numerator * scale
        bottom = scaled // low.denominator + 1 if low_open else -(-scaled // low.denominator)
    if high is not None:
        scaled = high.numerator * scale
        top = -(-scaled // high.denominator) - 1 if high_open else scaled // high.denominator
    return closed(bottom, top)


_NUMBER_COMPARED: Mapping[Comparator, Callable[[Measure, Rational], Predicate]] = {
    Comparator.EQUAL: number_equal,
    Comparator.LESS: lambda measure, value: number_between(measure, None, value, high_open=True),
    Comparator.LESS_EQUAL: lambda measure, value: number_between(measure, None, value),
    Comparator.GREATER: lambda measure, value: number_between(measure, value, None, low_open=True),
    Comparator.GREATER_EQUAL: lambda measure, value: number_between(measure, value, None),
}
"""A table, as naming a member of an enum takes longer than looking one up."""


def _fraction(value: Rational | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def _float(value: Rational) -> float:
    """The nearest float; infinity beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def closed(low: int | None, high: int | None) -> Predicate:
    """A closed range of physical whole numbers, or the predicate nothing satisfies."""
    if low is not None and high is not None and low > high:
        return NEVER
    if (low is not None and low > LARGEST) or (high is not None and high < SMALLEST):
        return NEVER
    low = None if low is None or low < SMALLEST else low
    high = None if high is None or high > LARGEST else high
    return OneOf((low,)) if low is not None and low == high else Range(low, high)


def time_compared(measure: Measure, comparator: Comparator, window: Window, zone: ZoneInfo) -> Predicate:
    """`term comparator window`, for any comparator but `!=`: a day or a period compares by its start and its end."""
    return within(measure, _TIME_COMPARED[comparator](window), zone)


_TIME_COMPARED: Mapping[Comparator, Callable[[Window], Window]] = {
    Comparator.EQUAL: lambda window: window,
    Comparator.LESS: Before,
    Comparator.LESS_EQUAL: UpTo,
    Comparator.GREATER: After,
    Comparator.GREATER_EQUAL: Since,
}


def within(measure: Measure, window: Window, zone: ZoneInfo) -> Predicate:
    """A window that moves with the clock stays one; an absolute one becomes a closed range here and now."""
    if window.relative:
        return During(window)
    clock = Clock(0, zone)
    start, end = window.days(clock) if measure.type is Type.DATE else window.instants(clock)
    return closed(start, None if end is None else end - 1)
