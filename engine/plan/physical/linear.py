"""Sums of columns, each times a constant, compared with constants: by kernels, where nothing can overflow."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.typed import Operator as Arithmetic
from engine.bitmaps import Words, words_of
from engine.deadline import still_wanted
from engine.native import kernel
from engine.parallel import on_every_core
from engine.plan.logical import Interval
from engine.plan.physical.operator import Context
from engine.plan.physical.terms import Combined, Constant, Scaled, Term, Value
from engine.reading import Order

AT_ONCE = 1 << 16
"""Rows whose sums lie in the nearer caches while they are calculated; a multiple of 64."""
_SAFE = 1 << 62
"""Sums of which nothing is larger are int64."""
_NARROW = 1 << 30
"""Sums of which nothing is larger are int32."""
WORTH_SHARING = 1 << 21
"""So many rows are worth several threads."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Columns times their weights, and a constant. A column of weight 0 still has to have a value."""

    weights: dict[str, Fraction]
    constant: Fraction = Fraction(0)

    def plus(self, other: Sum, sign: int) -> Sum:
        added = {name: sign * weight for name, weight in other.weights.items()}
        both = {name: self.weights.get(name, 0) + added.get(name, 0) for name in self.weights | added}
        return Sum({name: Fraction(weight) for name, weight in both.items()}, self.constant + sign * other.constant)

    def times(self, factor: Fraction) -> Sum:
        return Sum({name: weight * factor for name, weight in self.weights.items()}, self.constant * factor)


def sum_of(term: Term) -> Sum | None:
    """The term as a sum; None when it is none, or not exact."""
    match term:
        case Value(column):
            return Sum({column: Fraction(1)})
        case Constant(int() | Fraction() as value):
            return Sum({}, Fraction(value))
        case Scaled(inner, decimals):
            found = sum_of(inner)
            return None if found is None else found.times(Fraction(1, 10**decimals))
        case Combined(operator, left, right):
            one, other = sum_of(left), sum_of(right)
            return None if one is None or other is None else _combined(operator, one, other)
        case _:
            return None


def _combined(operator: Arithmetic, left: Sum, right: Sum) -> Sum | None:
    match operator:
        case Arithmetic.ADD:
            return left.plus(right, 1)
        case Arithmetic.SUBTRACT:
            return left.plus(right, -1)
        case Arithmetic.MULTIPLY if not right.weights:
            return left.times(right.constant)
        case Arithmetic.MULTIPLY if not left.weights:
            return right.times(left.constant)
        case Arithmetic.DIVIDE if not right.weights and right.constant:
            return left.times(1 / right.constant)
        case _:
            return None


RELATIONS = {
    "=": Interval(0, 0),
    "<": Interval(high=0, high_open=True),
    "<=": Interval(high=0),
    ">": Interval(0, low_open=True),
    ">=": Interval(0),
}
"""Where the difference of two terms lies that stand in a relation."""


def rows_in(found: Sum, interval: Interval, context: Context) -> tuple[Words, BitMap] | None:
    """The rows whose sum lies in the interval, and rows that were not looked at, where columns have been overridden.

    None where a column has no order that would tell its values, or where a sum may overflow.
    """
    columns = [context.space.column(name) for name in found.weights]
    known = [column.by_value() for column in columns if column is not None]
    told = [each for each in known if each is not None]
    if not columns or len(told) < len(columns):
        return None
    orders = [order for order, _ in told]
    scale = lcm(*(weight.denominator for weight in found.weights.values()))
    weights = [int(weight * scale) for weight in found.weights.values()]
    largest = _largest(orders, weights)
    if largest is None or largest >= _SAFE:
        return None
    bound, kind = (_NARROW, np.int32) if largest < _NARROW else (_SAFE, np.int64)
    low, high = _ends(interval, found.constant, scale, bound)
    rows = _rows(orders, weights, kind(low), kind(high))
    return rows, reduce(BitMap.__or__, (beside for _, beside in told))


def _largest(orders: list[Order], weights: list[int]) -> int | None:
    """No sum has a larger magnitude, nor has any part of one; None for floats."""
    if any(order.data.dtype.kind == "f" for order in orders):
        return None
    most = [max(map(abs, order.ends or (0, 0))) for order in orders]
    largest: int = sum(abs(weight) * max(1, each) for weight, each in zip(weights, most, strict=True))
    return largest


def _ends(interval: Interval, constant: Fraction, scale: int, bound: int) -> tuple[int, int]:
    """The least and the greatest sum of weighted columns for which the whole, divided by `scale`, is inside:
    within `bound`, which no sum reaches."""
    low, high = -bound, bound
    if interval.low is not None:
        end = (Fraction(interval.low) - constant) * scale
        low = -(-end.numerator // end.denominator) + (interval.low_open and end.denominator == 1)
    if interval.high is not None:
        end = (Fraction(interval.high) - constant) * scale
        high = end.numerator // end.denominator - (interval.high_open and end.denominator == 1)
    return max(-bound, min(low, bound)), max(-bound, min(high, bound))


def _rows(orders: list[Order], weights: list[int], low: np.signedinteger[Any], high: np.signedinteger[Any]) -> Words:
    """The rows whose sums, of the type of the ends, lie between these."""
    size = min(len(order.data) for order in orders)
    words = np.zeros(words_of(size), np.uint64)
    written = words.view(np.uint8)
    kind = type(low)
    missing = [np.iinfo(order.data.dtype).min for order in orders]

    def write(begin: int) -> None:
        still_wanted()
        end = min(size, begin + AT_ONCE)
        sums, there = np.zeros(end - begin, kind), np.ones(end - begin, np.uint8)
        for order, weight, none in zip(orders, weights, missing, strict=True):
            _add(order.data[begin:end], none, kind(weight), sums, there)
        _write_inside(sums, there, low, high, written[begin // 8 : (end + 7) // 8])

    on_every_core(write, range(0, size, AT_ONCE), worth=size > WORTH_SHARING)
    return words


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("T[]", "i8", "S", "out S[]", "out u1[]", T=("i1", "i2", "i4", "i8"), S=("i4", "i8"))
def _add(values: NDArray[Any], missing: int, weight: Any, sums: NDArray[Any], there: NDArray[np.uint8]) -> None:
    """Add weighted values to sums; where one is missing, the sum is not there, and may hold anything."""
    kind, none = sums.dtype.type, values.dtype.type(missing)
    for at in range(values.size):
        sums[at] += kind(kind(values[at]) * weight)
    for at in range(values.size):
        there[at] &= values[at] != none


@kernel("S[]", "u1[]", "S", "S", "out u1[]", S=("i4", "i8"))
def _write_inside(
    sums: NDArray[Any], there: NDArray[np.uint8], low: Any, high: Any, written: NDArray[np.uint8]
) -> None:
    """Write the bytes of words of the sums that are there and lie between the ends (see `set_between`)."""
    tests = np.zeros(8 * written.size, np.uint8)
    eights = tests.view(np.uint64)
    for at in range(sums.size):
        tests[at] = there[at] & (sums[at] >= low) & (sums[at] <= high)
    for place in range(written.size):
        written[place] = (eights[place] * np.uint64(0x0102040810204080)) >> np.uint64(56)
