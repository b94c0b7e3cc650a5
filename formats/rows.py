"""What the readers of all formats hand over: chunks of rows whose cells can be asked for column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsl.problems import DataError, Problem
from dsl.schema import Field
from formats.inferred import Column
from formats.numbers import Converted

Indices = npt.NDArray[np.int64]

SHOWN = 80
"""Characters of a value that a problem shows."""


class OnError(StrEnum):
    """What a bad row does: end the reading, or be left out and reported."""

    STOP = "stop"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: its number among the records, from 1, and its first line in a text file."""

    row: int
    line: int | None = None

    def __str__(self) -> str:
        return f"row {self.row}" if self.line is None else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken, and why. `column` and its `number` are None when the whole row is bad.

    `raw` is the row in the format of its file (a Parquet row as a JSON object), so that rejects can be
    mended and read again.
    """

    row: int
    line: int | None
    column: str | None
    number: int | None
    value: str | None
    problem: Problem
    raw: str

    @classmethod
    def of(cls, place: Place, problem: Problem, raw: str, column: Column | None = None, value: object = None) -> Reject:
        where = str(place) if column is None else f"{place}, column {column.number} ({column.name})"
        placed = Problem(problem.code, f"{where}: {problem.message}", problem.hint, path=where)
        shown = None if value is None else shortened(str(value))
        name, number = (None, None) if column is None else (column.name, column.number)
        return cls(place.row, place.line, name, number, shown, placed, raw)

    def error(self, advice: str | None = None) -> DataError:
        """The error that ends a reading at this row; `advice` is added to its hint."""
        hints = [hint for hint in (self.problem.hint, advice) if hint is not None]
        return DataError([replace(self.problem, hint="; ".join(hints) or None)])


def shortened(text: str) -> str:
    """At most `SHOWN` characters of a text, an ellipsis standing for the rest."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class Rows(Protocol):
    """Consecutive records of a file. Indices count from 0 within the chunk."""

    def __len__(self) -> int: ...

    @property
    def rejects(self) -> list[Reject]:
        """Records that are no rows at all (a bad JSON line, a missing cell), which are not counted in the length."""

    def cells(self, column: Column, field: Field) -> Converted:
        """The column's values as the file has them, and a mask of those that could not even be looked at as such."""

    def unreadable(self, value: object, field: Field) -> Problem:
        """What is wrong with a value so masked."""

    def texts(self, header: str) -> pa.StringArray:
        """The text of a column's cells; null where there is none."""

    def select(self, chosen: Indices) -> Rows:
        """Some of the rows, without the rejects."""

    def value(self, index: int, column: Column) -> object:
        """One cell, to be shown."""

    def place(self, index: int) -> Place: ...

    def raw(self, index: int) -> str:
        """The row in the format of its file."""


class Reader(Protocol):
    """A file being read in chunks."""

    @property
    def names(self) -> list[str]:
        """The headers, as written."""

    def chunks(self) -> Iterator[Rows]: ...

    def share(self) -> float:
        """How much of the file has been read, 0..1."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file: one array a column, `None` where no array holds its values.

    Where these are of several types (in JSON), the array has those of the type that most are of; `strays` tells of the
    others by the column's name.
    """

    names: list[str]
    columns: list[pa.Array | None]
    rows: int
    strays: Mapping[str, Strays] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Strays:
    """How many values of a column are of another type than most, and the first of them as JSON."""

    rows: int
    first: str
