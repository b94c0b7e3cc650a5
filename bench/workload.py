"""Workloads: queries as data, in `workloads/*.toml`, one family a file.

A query is a template of an expression and of its SQL, with placeholders for constants (`constants.KINDS`). The SQL
counts the same contacts over the tables that `peers` lay out; where a dialect must say it otherwise, it stands under
the dialect's name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any
from zlib import crc32

from numpy.random import default_rng

from bench.constants import Constants, Data, Ours, Sql, draw
from bench.generate import NOW_MS

OF_CONTACTS = re.compile(r"\b(contacts|companies|emails|interests)\b")
"""The tables that grow with the number of contacts; all others with that of events."""
FOLDER = Path(__file__).with_name("workloads")


class Dialect(StrEnum):
    DUCKDB = "duckdb"
    CLICKHOUSE = "clickhouse"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is saved before any query is asked."""

    key: str
    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question with placeholders. `sql` is of any dialect that `dialects` does not name."""

    family: str
    name: str
    expression: str
    sql: str
    dialects: Mapping[Dialect, str]

    @property
    def of_events(self) -> bool:
        """Whether it reads events alone, by its SQL."""
        return OF_CONTACTS.search(self.sql) is None

    def asks(self, data: Data, seed: int = 1) -> Iterator[Ask]:
        """Without end, the same for the same seed; hardly any constants come twice where there are many."""
        rng = default_rng([seed, crc32(f"{self.family}/{self.name}".encode())])
        names = placeholders(self.expression)
        while True:
            yield Ask(self, draw(names, data, rng))


@dataclass(frozen=True, slots=True)
class Ask:
    """A query with its constants."""

    query: Query
    constants: Constants

    @property
    def expression(self) -> str:
        return self.query.expression.format(**{name: Ours(value) for name, value in self.constants.items()})

    def sql(self, dialect: Dialect) -> str:
        template = self.query.dialects.get(dialect, self.query.sql)
        written = {name: Sql(value) for name, value in self.constants.items()}
        return template.format(**written, now=NOW_MS)


class BadWorkload(Exception):
    """A workload file that is not of the documented shape."""


def placeholders(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


@cache
def queries() -> tuple[Query, ...]:
    """All, by file and as they stand there."""
    return tuple(query for path in sorted(FOLDER.glob("*.toml")) for query in _queries(path))


@cache
def segments() -> tuple[Segment, ...]:
    """All, each after those it is made of."""
    return tuple(Segment(**each) for path in sorted(FOLDER.glob("*.toml")) for each in _read(path).get("segment", ()))


def families() -> tuple[str, ...]:
    return tuple(dict.fromkeys(query.family for query in queries()))


def _queries(path: Path) -> Iterator[Query]:
    for entry in _read(path)["query"]:
        try:
            name, expression, sql = (entry.pop(field).strip() for field in ("name", "expression", "sql"))
            dialects = {Dialect(dialect): text.strip() for dialect, text in entry.items()}
        except (KeyError, ValueError) as error:
            raise BadWorkload(f"{path.name}: {entry}: {error}") from None
        yield Query(path.stem, name, expression, sql, dialects)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())
