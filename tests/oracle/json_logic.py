"""JsonLogic as its documentation defines it, with JavaScript's comparisons: what a rule says of one object.

Written from the description of the operations, knowing nothing of how documents are made here.
"""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any


def truthy(value: Any) -> bool:
    return bool(value) and not (isinstance(value, float) and isnan(value))


def number(value: Any) -> float:
    """JavaScript's Number(value)."""
    match value:
        case None:
            return 0.0
        case bool():
            return float(value)
        case int() | float():
            return float(value)
        case str():
            try:
                return float(value) if value.strip() else 0.0
            except ValueError:
                return nan
        case _:
            return nan


def parsed(value: Any) -> float:
    """parseFloat(value), for what stands in sums and products."""
    return nan if value is None or isinstance(value, bool | list) else number(value)


def less(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.encode("utf-16-be") < right.encode("utf-16-be")
    return number(left) < number(right)


def less_or_equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.encode("utf-16-be") <= right.encode("utf-16-be")
    return number(left) <= number(right)


def same(left: Any, right: Any) -> bool:
    """`===`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)
    return type(left) is type(right) and not isinstance(left, list | dict) and left == right


def equal(left: Any, right: Any) -> bool:
    """`==`: null equals nothing but null, and other kinds meet as numbers."""
    if left is None or right is None:
        return left is right
    return left == right if isinstance(left, str) and isinstance(right, str) else number(left) == number(right)


def substring(source: Any, start: int, length: int | None = None) -> str:
    text = "null" if source is None else str(source)
    units = text.encode("utf-16-le")
    cut = units[2 * start :] if start < 0 or start else units
    cut = cut if length is None else cut[: 2 * length]
    return cut.decode("utf-16-le", errors="replace")


def divided(left: float, right: float) -> float:
    if right:
        return left / right
    return nan if left == 0 or isnan(left) else inf if left > 0 else -inf


def variable(path: Any, data: Any) -> Any:
    if path == "":
        return data
    for step in str(path).split("."):
        data = data.get(step) if isinstance(data, dict) else None
    return data


def apply(logic: Any, data: Any) -> Any:
    """The value of some logic over `data`."""
    if isinstance(logic, list):
        return [apply(item, data) for item in logic]
    if not isinstance(logic, dict):
        return logic
    [(name, given)] = logic.items()
    given = given if isinstance(given, list) else [given]
    if name in ("and", "or"):
        current = None
        for item in given:
            current = apply(item, data)
            if truthy(current) == (name == "or"):
                break
        return current
    if name in ("some", "all", "none"):
        items = apply(given[0], data)
        found = [truthy(apply(given[1], item)) for item in items] if isinstance(items, list) else []
        return {"some": any(found), "all": bool(found) and all(found), "none": not any(found)}[name]
    return operation(name, [apply(item, data) for item in given], data)


def operation(name: str, values: list[Any], data: Any) -> Any:
    match name, values:
        case "var", [path, *_]:
            return variable(path, data)
        case "missing", _:
            names = values[0] if values and isinstance(values[0], list) else values
            return [name for name in names if variable(name, data) in (None, "")]
        case "missing_some", [count, names]:
            absent = operation("missing", names, data)
            return [] if len(names) - len(absent) >= count else absent
        case "!", [value]:
            return not truthy(value)
        case "!!", [value]:
            return truthy(value)
        case "==", [left, right]:
            return equal(left, right)
        case "!=", [left, right]:
            return not equal(left, right)
        case "===", [left, right]:
            return same(left, right)
        case "!==", [left, right]:
            return not same(left, right)
        case "<", [left, right, *more]:
            return less(left, right) and (not more or less(right, more[0]))
        case "<=", [left, right, *more]:
            return less_or_equal(left, right) and (not more or less_or_equal(right, more[0]))
        case ">", [left, right]:
            return less(right, left)
        case ">=", [left, right]:
            return less_or_equal(right, left)
        case "in", [needle, heap]:
            if isinstance(heap, list):
                return any(same(needle, item) for item in heap)
            return isinstance(heap, str) and isinstance(needle, str) and needle in heap
        case "substr", [source, *bounds]:
            return substring(source, *bounds)
        case "startsWith", [text, start]:
            return isinstance(text, str) and text.startswith(start)
        case "endsWith", [text, end]:
            return isinstance(text, str) and text.endswith(end)
        case "+", _:
            return sum(parsed(value) for value in values)
        case "*", [first, *others]:
            product = parsed(first)
            for other in others:
                product *= parsed(other)
            return product
        case "-", [value]:
            return -number(value)
        case "-", [left, right]:
            return number(left) - number(right)
        case "/", [left, right]:
            return divided(number(left), number(right))
        case _:
            raise ValueError(f"no such operation: {name} of {len(values)}")
