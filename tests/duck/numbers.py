"""Numbers in SQL: whole ones with a scale, exact fractions, and floats where the data are floats."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.measure import EXACT, FLOAT, Measure
from dsl.schema import Type
from dsl.typed import Operator, Range
from tests.duck import sql

RATIOS = {
    Operator.ADD: "ratio_sum",
    Operator.SUBTRACT: "ratio_difference",
    Operator.MULTIPLY: "ratio_product",
    Operator.DIVIDE: "ratio_quotient",
}


@dataclass(frozen=True)
class Number:
    """Whole and scaled by its decimals; a fraction where these are not known; or a float."""

    sql: str
    measure: Measure

    @property
    def is_float(self) -> bool:
        return self.measure.type is Type.FLOAT

    @property
    def ratio(self) -> str:
        return self.sql if self.measure.decimals is None else f"ratio({self.sql}, {10**self.measure.decimals})"

    @property
    def float(self) -> str:
        return self.sql if self.is_float else f"ratio_float({self.ratio})"


def number(operator: Operator, left: Number, right: Number) -> Number:
    """Combined; missing where either is, and on division by zero."""
    if not (left.is_float or right.is_float):
        return Number(f"{RATIOS[operator]}({left.ratio}, {right.ratio})", EXACT)
    divisor = f"case when {right.float} <> 0 then {right.float} end" if operator is Operator.DIVIDE else right.float
    return Number(f"({left.float} {operator.value} {divisor})", FLOAT)


def compared(operator: str, left: Number, right: Number) -> str:
    """Exactly, as fractions; floats as floats."""
    if left.is_float or right.is_float:
        return f"{left.float} {operator} {right.float}"
    return f"ratio_order({left.ratio}, {right.ratio}) {operator} 0"


def within_range(value: Number, range: Range) -> str:
    """The ends of a range have the scale of whole numbers, and none of fractions."""
    ends = (
        (">" if range.low_open else ">=", range.low),
        ("<" if range.high_open else "<=", range.high),
    )
    asked = [against(value, operator, end) for operator, end in ends if end is not None]
    return sql.all_of(asked or [f"{value.sql} is not null"])


def against(value: Number, operator: str, end: object) -> str:
    assert not isinstance(end, str)
    if value.measure == EXACT:
        return f"ratio_order({value.sql}, {sql.ratio(end)}) {operator} 0"  # type: ignore[arg-type]
    return f"{value.sql} {operator} {sql.literal(value.measure.type, end)}"  # type: ignore[arg-type]
