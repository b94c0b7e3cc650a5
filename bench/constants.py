"""The constants that workloads are asked with: drawn from the generated data, and written as each language does.

A placeholder such as `{country}` is a value that some contact has, so that frequent values are asked for often.
Several of one kind in a query, `{country}` and `{country_2}`, differ, and ascend where they have an order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from numpy.random import Generator

from bench.generate import DAY, HOUR, NOW, NOW_MS, Files

Value = str | int | Decimal | date
Constants = Mapping[str, Value]

POOL = 5_000
"""Rows of a column that are drawn from, spread evenly over all of them."""
TRIES = 1_000


class Data:
    """Values of the generated columns, read when first asked for."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._pools: dict[tuple[str, str], list[Value]] = {}

    def contact(self, column: str, rng: Generator) -> Value:
        """A value that some contact has; of tags, one of them."""
        return self._drawn(("contacts", column), rng)

    def company(self, column: str, rng: Generator) -> Value:
        """A value that some company has."""
        return self._drawn(("companies", column), rng)

    def event(self, type: str, column: str, rng: Generator) -> Value:
        """A value that some event of a type has."""
        return self._drawn((type, column), rng)

    def _drawn(self, place: tuple[str, str], rng: Generator) -> Value:
        if place not in self._pools:
            self._pools[place] = self._pool(*place)
        pool = self._pools[place]
        return pool[int(rng.integers(len(pool)))]

    def _pool(self, table: str, column: str) -> list[Value]:
        values = pa.parquet.read_table(self._files.of(table), columns=[column])[column]
        if pa.types.is_list(values.type):
            values = pa.compute.list_flatten(values)
        values = values.drop_null()
        pool: list[Value] = values.take(list(range(0, len(values), max(1, len(values) // POOL)))).to_pylist()
        return pool


def _whole(least: int, most: int) -> Callable[[Data, Generator], Value]:
    return lambda data, rng: int(rng.integers(least, most + 1))


def _contact(column: str) -> Callable[[Data, Generator], Value]:
    return lambda data, rng: data.contact(column, rng)


def _company(column: str) -> Callable[[Data, Generator], Value]:
    return lambda data, rng: data.company(column, rng)


def _event(type: str, column: str) -> Callable[[Data, Generator], Value]:
    return lambda data, rng: data.event(type, column, rng)


def _part(data: Data, rng: Generator) -> Value:
    """Three to five letters out of an e-mail address."""
    address, length = str(data.contact("email", rng)), int(rng.integers(3, 6))
    start = int(rng.integers(len(address) - length + 1))
    return address[start : start + length]


def _prefix(data: Data, rng: Generator) -> Value:
    return str(data.contact("email", rng))[: int(rng.integers(2, 8))]


def _suffix(data: Data, rng: Generator) -> Value:
    """The end of an e-mail address: the domain, perhaps digits before it."""
    address = str(data.contact("email", rng))
    return address[address.index("@") - int(rng.integers(0, 3)) :]


def _pattern(data: Data, rng: Generator) -> Value:
    return f"^{str(data.contact('email', rng))[:2]}.*[0-9]{{{int(rng.integers(2, 4))}}}@"


KINDS: Mapping[str, Callable[[Data, Generator], Value]] = {
    "country": _contact("country"),
    "city": _contact("city"),
    "language": _contact("language"),
    "age": _contact("age"),
    "points": _contact("points"),
    "signup": _contact("signup"),
    "interest": _contact("interests"),
    "company": _contact("company"),
    "sector": _company("sector"),
    "size": _company("size"),
    "seat": _company("country"),
    "founded": _company("founded"),
    "part": _part,
    "prefix": _prefix,
    "suffix": _suffix,
    "pattern": _pattern,
    "campaign": _event("open", "campaign"),
    "page": _event("visit", "url"),
    "product": _event("purchase", "product"),
    "category": _event("purchase", "category"),
    "amount": _event("purchase", "amount"),
    "total": _whole(20, 2_000),
    "month": _whole(1, 12),
    "days": _whole(7, 365),
    "season": _whole(50, 70),
    "year": _whole(340, 390),
    "week": _whole(1, 14),
    "hours": _whole(1, 72),
    "times": _whole(2, 12),
    "least": _whole(2, 4),
    "weeks": _whole(5, 26),
    "most": _whole(10, 1_000),
}
"""What a placeholder may be, without its number."""


def kind(placeholder: str) -> str:
    """The kind of a placeholder: its name without a number, so that `country_2` is a country."""
    name, _, number = placeholder.rpartition("_")
    return name if number.isdigit() else placeholder


def draw(placeholders: Collection[str], data: Data, rng: Generator) -> Constants:
    """A constant for each placeholder. ValueError for a kind that has too few values."""
    drawn: dict[str, Value] = {}
    for name, group in groupby(sorted(placeholders), kind):
        names = list(group)
        drawn |= zip(names, _different(name, len(names), data, rng), strict=True)
    return drawn


def _different(name: str, count: int, data: Data, rng: Generator) -> list[Value]:
    values: dict[Value, None] = {}
    for _ in range(TRIES):
        values[KINDS[name](data, rng)] = None
        if len(values) == count:
            found = list(values)
            return found if isinstance(found[0], str) else sorted(found)
    raise ValueError(f"the data have fewer than {count} values of {name}")


# --- how languages write them ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ours:
    """A constant in an expression: `{it}`."""

    value: Value

    def __format__(self, spec: str) -> str:
        match self.value:
            case str(text):
                escaped = text.replace("\\", "\\\\").replace('"', '\\"')
                return f'"{escaped}"'
            case value:
                return str(value)


@dataclass(frozen=True, slots=True)
class Sql:
    """A constant in SQL: `{it}`; `{it:bare}` inside quotes; `{it:number}`, an id as SQL peers have it; `{it:ago}` and
    `{it:weeks_ago}`, the moment so many days or weeks before now; `{it:day}`, the date so many days before today;
    `{it:days}` and `{it:hours}`, lengths. Moments and lengths are in milliseconds."""

    value: Value

    def __format__(self, spec: str) -> str:
        match spec, self.value:
            case "", str(text):
                return f"'{self:bare}'"
            case "bare", str(text):
                return text.replace("'", "''")
            case "number", str(id):
                return str(int(id[1:]))
            case "", Decimal():
                return f"cast('{self.value}' as decimal(18, 2))"
            case "", date():
                return f"date '{self.value}'"
            case "", value:
                return str(value)
            case "ago", int(days):
                return str(NOW_MS - days * DAY)
            case "weeks_ago", int(weeks):
                return str(NOW_MS - weeks * 7 * DAY)
            case "days", int(days):
                return str(days * DAY)
            case "hours", int(hours):
                return str(hours * HOUR)
            case "day", int(days):
                return f"date '{NOW.date() - timedelta(days)}'"
            case _:
                raise ValueError(f"{self.value!r} cannot be written as {spec!r}")
