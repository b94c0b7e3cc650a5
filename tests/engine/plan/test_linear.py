"""Sums of columns by kernels, against Python's fractions."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from dsl.typed import Operator
from engine.bitmaps import from_words
from engine.plan.logical import Interval
from engine.plan.physical.linear import RELATIONS, Sum, rows_in, sum_of
from engine.plan.physical.terms import Combined, Constant, Scaled, Value
from engine.tables.loose import missing_of, present
from engine.tables.ordered import Order

SIZE = 150
FRACTIONS = st.fractions(-5, 5, max_denominator=6)


@st.composite
def columns(draw):
    """Two columns of whole numbers, of different widths, with missing ones."""
    found = {}
    for name in ("a", "b"):
        kind = np.dtype(draw(st.sampled_from([np.int8, np.int16, np.int32, np.int64])))
        random = np.random.default_rng(draw(st.integers(0, 99)))
        data = random.integers(-9, 10, SIZE).astype(kind)
        if kind == np.int64:
            data *= draw(st.sampled_from([1, 1 << 32]))  # sums that int32 does not hold
        data[random.random(SIZE) < 0.2] = missing_of(kind)
        found[name] = data
    return found


def context(data):
    orders = {name: Order.of(each, np.flatnonzero(present(each)).astype(np.uint32)) for name, each in data.items()}
    known = {name: SimpleNamespace(by_value=lambda order=order: (order, BitMap())) for name, order in orders.items()}
    return SimpleNamespace(space=SimpleNamespace(column=known.get))


@settings(max_examples=100, deadline=None)
@given(columns(), FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS, st.booleans(), st.booleans())
def test_rows_are_those_whose_exact_sum_is_inside(data, first, second, constant, low, low_open, high_open):
    interval = Interval(low, low + 3, low_open, high_open)
    rows = []
    for row in range(SIZE):
        if all(present(each)[row] for each in data.values()):
            value = first * int(data["a"][row]) + second * int(data["b"][row]) + constant
            above = value > low if low_open else value >= low
            below = value < low + 3 if high_open else value <= low + 3
            rows += [row] if above and below else []
    found, beside = rows_in(Sum({"a": first, "b": second}, constant), interval, context(data))
    assert (from_words(found), beside) == (BitMap(rows), BitMap())


def test_terms_are_sums_when_no_column_multiplies_or_divides_another():
    a, b, three = Value("a"), Value("b"), Constant(3)
    assert sum_of(Combined(Operator.SUBTRACT, Combined(Operator.MULTIPLY, three, a), Scaled(b, 1))) == Sum(
        {"a": Fraction(3), "b": Fraction(-1, 10)}
    )
    assert sum_of(Combined(Operator.DIVIDE, Combined(Operator.ADD, a, three), Constant(2))) == Sum(
        {"a": Fraction(1, 2)}, Fraction(3, 2)
    )
    assert sum_of(Combined(Operator.SUBTRACT, a, a)) == Sum({"a": Fraction(0)})
    for operator, right in ((Operator.MULTIPLY, b), (Operator.DIVIDE, b), (Operator.DIVIDE, Constant(0))):
        assert sum_of(Combined(operator, a, right)) is None
    assert sum_of(Constant(0.5)) is None


def test_what_may_overflow_and_what_is_no_whole_number_is_left_to_others():
    large = {"a": np.array([1 << 61, 1]), "b": np.array([1 << 61, 1])}
    assert rows_in(Sum({"a": Fraction(1), "b": Fraction(1)}), RELATIONS[">"], context(large)) is None
    assert rows_in(Sum({"a": Fraction(1)}), RELATIONS[">"], context({"a": np.array([0.5])})) is None
    assert rows_in(Sum({"a": Fraction(1), "c": Fraction(1)}), RELATIONS[">"], context(large)) is None
