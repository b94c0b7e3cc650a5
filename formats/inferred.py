"""What is known of a file before it is read: its dialect, what each column is, and what the schema would gain.

All of it is plain data: `msgspec.to_builtins` and `msgspec.convert` take it to JSON and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dsl.problems import Problem
from dsl.schema import Type
from formats.batch import Kind
from formats.media import Format


class Role(StrEnum):
    """What a column is to its rows."""

    KEY = "key"
    AT = "at"
    TYPE = "type"
    EVENT_ID = "event_id"
    COMPANY = "company"
    FIELD = "field"
    LEFT_OUT = "left_out"


class DateOrder(StrEnum):
    """How dates that are not ISO are written: 31/12/2026 or 12/31/2026."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the text of a file is written. `thousands` is empty when numbers are not grouped.

    `header` says whether the first record of a CSV file names its columns.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    date_order: DateOrder = DateOrder.DAY_FIRST
    header: bool = True


@dataclass(frozen=True, slots=True)
class TypeRule:
    """Rows whose cell in `column` (a header) holds `pattern` (RE2, found anywhere in its text) are events `event`."""

    event: str
    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about a file; whatever is None or absent is inferred.

    `names` are the columns of a CSV file that has no header. `columns` maps headers to field names, or to None to leave
    a column out; `only`, when given, names the headers of all columns that become fields. `key`, `at`, `event_type`,
    `event_id` and `company` name the columns (by header) that play these roles. `types` gives the types of new fields,
    by field name.

    The type of an event is that of the first of `type_rules` that holds for its row, else what its column says, else
    `event`. `id_columns` (headers; "*" means all) makes event ids of what these columns hold, so that the same line
    is the same event however often it comes.
    """

    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date_order: DateOrder | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    key: str | None = None
    at: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    company: str | None = None
    event: str | None = None
    types: Mapping[str, Type] = field(default_factory=dict)
    type_rules: tuple[TypeRule, ...] = ()
    id_columns: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: `name` is its header as written, `number` its place from 1.

    A column with role `field` goes to the field named `field`; a key that is an e-mail address is kept as a field too.
    `events` are the event types it belongs to. `separator` parts the tags of a cell. `samples` are a few values as
    the file has them.
    """

    name: str
    number: int
    role: Role
    field: str | None = None
    type: Type | None = None
    decimals: int | None = None
    new: bool = False
    separator: str | None = None
    events: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a file is taken to be. Nothing can be read while there are `problems`; `notices` say what was assumed.

    `patch` is what the schema lacks, in the JSON form of a schema patch: `{"contacts": {"points": {"type": "number",
    "decimals": 0}}}`; empty when it lacks nothing. `sampled` counts the rows looked at. `id_columns` are the headers,
    in order, of whose cells event ids are made.
    """

    format: Format
    kind: Kind
    dialect: Dialect
    columns: tuple[Column, ...]
    event: str | None = None
    type_rules: tuple[TypeRule, ...] = ()
    id_columns: tuple[str, ...] = ()
    patch: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    sampled: int = 0

    def with_role(self, role: Role) -> Column | None:
        """The one column that plays a role other than field; None when none does."""
        return next((column for column in self.columns if column.role is role), None)

    def named(self, header: str) -> Column:
        return next(column for column in self.columns if column.name == header)

    def read(self) -> list[str]:
        """The headers of the columns that any row is made of."""
        also = {*self.id_columns, *(rule.column for rule in self.type_rules)}
        return [column.name for column in self.columns if column.role is not Role.LEFT_OUT or column.name in also]
