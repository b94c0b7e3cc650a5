"""Numbers that vary by row, exact: integers over integers, or floats where the data are floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf, nextafter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.typed import Operator
from engine.native import kernel
from engine.plan.logical import Interval

_INT64 = 1 << 63

Array = NDArray[Any]
Whole = Array | int


@dataclass(frozen=True, slots=True)
class Numbers:
    """`numerator` / (`divisor` * `scale`) at each place of a domain, where `present`.

    Numerators are int32 or int64, Python integers (dtype object) where int64 may overflow, or float64 over 1.
    Divisors are the same or 1, and positive. Entries that are not present hold arbitrary numbers.
    """

    numerator: Array
    present: NDArray[np.bool_]
    divisor: Whole = 1
    scale: int = 1

    @property
    def denominator(self) -> Whole:
        """The two in one; positive where nothing is present too."""
        if isinstance(self.divisor, int):
            return self.divisor * self.scale
        return times(np.where(self.present, self.divisor, 1), self.scale)

    @property
    def is_float(self) -> bool:
        return self.numerator.dtype.kind == "f"

    def at(self, places: NDArray[np.integer]) -> Numbers:
        """The numbers at some places, in their order."""
        divisor = self.divisor if isinstance(self.divisor, int) else self.divisor[places]
        return Numbers(self.numerator[places], self.present[places], divisor, self.scale)

    def floats(self) -> NDArray[np.float64]:
        return np.asarray(self.numerator / self.denominator, np.float64)


def constant(value: int | float | Fraction, size: int) -> Numbers:
    present = np.ones(size, np.bool_)
    if isinstance(value, float):
        return Numbers(np.full(size, value), present)
    exact = Fraction(value)
    dtype = np.int64 if abs(exact.numerator) < _INT64 else object
    return Numbers(np.full(size, exact.numerator, dtype), present, exact.denominator)


def largest(whole: Whole) -> int:
    """The largest magnitude; 0 of nothing."""
    if isinstance(whole, int):
        return abs(whole)
    return max(abs(int(whole.min())), abs(int(whole.max()))) if whole.size else 0


def times(left: Whole, right: Whole) -> Whole:
    """The exact product, in Python integers where int64 could overflow: it, or what is multiplied with 0."""
    if isinstance(right, int) and right == 1:
        return left
    sizes = largest(left), largest(right)
    return _exactly(np.multiply, left, right, max(sizes[0] * sizes[1], *sizes))


def plus(left: Whole, right: Whole) -> Whole:
    return _exactly(np.add, left, right, largest(left) + largest(right))


def _exactly(operation: Callable[[Whole, Whole], Whole], left: Whole, right: Whole, bound: int) -> Whole:
    if isinstance(left, int) and isinstance(right, int):
        return int(operation(np.array(left, object), np.array(right, object)))
    type = np.int64 if bound < _INT64 else object
    return operation(np.asarray(left, type), np.asarray(right, type))


def combine(operator: Operator, left: Numbers, right: Numbers) -> Numbers:
    """Arithmetic place by place; missing where either side is, and on division by zero."""
    present = left.present & right.present
    if left.is_float or right.is_float:
        return _combine_floats(operator, left.floats(), right.floats(), present)
    if operator is Operator.DIVIDE and isinstance(left.divisor, int) and isinstance(right.divisor, int):
        ratio = Fraction(right.divisor * right.scale, left.divisor * left.scale)
        return _quotient(left.numerator, right.numerator, ratio, present)
    a, b, c, d = left.numerator, left.denominator, right.numerator, right.denominator
    match operator:
        case Operator.ADD:
            return Numbers(_array(plus(times(a, d), times(c, b))), present, times(b, d))
        case Operator.SUBTRACT:
            return Numbers(_array(plus(times(a, d), times(times(c, b), -1))), present, times(b, d))
        case Operator.MULTIPLY:
            return Numbers(_array(times(a, c)), present, times(b, d))
        case Operator.DIVIDE:
            sign = np.where(c < 0, -1, 1)
            divisor = times(c, sign)
            safe = np.where(divisor == 0, 1, divisor)
            return Numbers(_array(times(times(a, d), sign)), present & (c != 0), times(b, safe))


def _quotient(top: Array, bottom: Array, ratio: Fraction, present: NDArray[np.bool_]) -> Numbers:
    """top / bottom * ratio. What is the same for all becomes a scale."""
    top = _array(times(top, ratio.numerator))
    if bottom.size and bottom.min() < 0:
        sign = np.where(bottom < 0, -1, 1)
        top, bottom = _array(times(top, sign)), _array(times(bottom, sign))
    return Numbers(top, present & (bottom != 0), bottom, ratio.denominator)


def _array(whole: Whole) -> Array:
    return np.asarray(whole)


def _combine_floats(
    operator: Operator, left: NDArray[np.float64], right: NDArray[np.float64], present: NDArray[np.bool_]
) -> Numbers:
    match operator:
        case Operator.ADD:
            return Numbers(left + right, present)
        case Operator.SUBTRACT:
            return Numbers(left - right, present)
        case Operator.MULTIPLY:
            return Numbers(left * right, present)
        case Operator.DIVIDE:
            divides = right != 0
            return Numbers(left / np.where(divides, right, 1.0), present & divides)


_RELATIONS: dict[str, Callable[[Whole, Whole], Array]] = {
    "=": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def compare(operator: str, left: Numbers, right: Numbers) -> NDArray[np.bool_]:
    """Where both are present and stand in the relation."""
    relation = _RELATIONS[operator]
    if left.is_float or right.is_float:
        holds = relation(left.floats(), right.floats())
    else:
        holds = relation(times(left.numerator, right.denominator), times(right.numerator, left.denominator))
    return np.asarray(holds, np.bool_) & left.present & right.present


def inside(numbers: Numbers, intervals: tuple[Interval, ...]) -> NDArray[np.bool_]:
    """Where numbers are present and lie in one of the intervals."""
    found = np.zeros(numbers.present.size, np.bool_)
    for interval in intervals:
        found |= _inside_one(numbers, interval)
    return found & numbers.present


def _inside_one(numbers: Numbers, interval: Interval) -> NDArray[np.bool_]:
    held = np.ones(numbers.present.size, np.bool_)
    if interval.low is not None:
        held &= _beyond(numbers, Fraction(interval.low), interval.low_open, 1)
    if interval.high is not None:
        held &= _beyond(numbers, Fraction(interval.high), interval.high_open, -1)
    return held


def _beyond(numbers: Numbers, end: Fraction, is_open: bool, side: int) -> NDArray[np.bool_]:
    """Numbers at or above `end` (`side` 1), or at or below it (-1); strictly when the end is open."""
    if numbers.is_float:
        closed = _float_end(end, is_open, side)
        held = numbers.numerator >= closed if side > 0 else numbers.numerator <= closed
    elif isinstance(numbers.divisor, int):
        whole = _whole_end(end * numbers.divisor * numbers.scale, is_open, side)
        held = numbers.numerator >= whole if side > 0 else numbers.numerator <= whole
    else:
        held = _quotients_beyond(numbers.numerator, numbers.divisor, end * numbers.scale, is_open, side)
    return np.asarray(held, np.bool_)


def _quotients_beyond(top: Array, bottom: Array, end: Fraction, is_open: bool, side: int) -> NDArray[np.bool_]:
    """Where top / bottom is beyond `end`: there top * its denominator is beyond bottom * its numerator."""
    if object not in (top.dtype, bottom.dtype) and _fits(top, end.denominator) and _fits(bottom, end.numerator):
        held = np.empty(top.size, np.bool_)
        _compare_products(held, top, bottom, end.denominator, end.numerator, side, is_open)
        return held
    scaled, limit = times(top, end.denominator), times(bottom, end.numerator)
    above, below = (np.greater, np.less) if is_open else (np.greater_equal, np.less_equal)
    return np.asarray(above(scaled, limit) if side > 0 else below(scaled, limit), np.bool_)


def _fits(whole: Array, factor: int) -> bool:
    """Whether no product overflows int64; of narrow numbers that is known without a look at them."""
    rough = 1 << (8 * whole.dtype.itemsize - 1)
    return rough * abs(factor) < _INT64 or largest(whole) * abs(factor) < _INT64


@kernel("out b1[]", "N[]", "D[]", "i8", "i8", "i8", "b1", N=("i4", "i8"), D=("i4", "i8"))
def _compare_products(
    held: NDArray[np.bool_], top: Array, bottom: Array, of_top: int, of_bottom: int, side: int, is_open: bool
) -> None:
    """Where top * `of_top` is above bottom * `of_bottom` (`side` 1), below it (-1), or equal when not `is_open`."""
    least = 1 if is_open else 0
    for place in range(top.size):
        held[place] = side * (top[place] * of_top - bottom[place] * of_bottom) >= least


def _whole_end(end: Fraction, is_open: bool, side: int) -> int:
    """The closed whole end that whole numbers see."""
    closed = ceil(end) if side > 0 else floor(end)
    return closed + side if is_open and closed == end else closed


def _float_end(end: Fraction, is_open: bool, side: int) -> float:
    """The closed end that floats see: the nearest float on the right side of an exact number."""
    near = float(end)
    outside = (Fraction(near) - end) * side < 0 or (is_open and Fraction(near) == end)
    return nextafter(near, inf * side) if outside else near
