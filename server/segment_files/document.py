"""What a segment file says: segments, and tests of them made of steps in order."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsl.schema import Schema
from formats.batch import Kind
from server.segment_files.text import Finding, Slice, Source, unquoted


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment: `place` is its heading. Without an expression it is static."""

    place: Slice
    key: Slice
    name: Slice | None = None
    parent: Slice | None = None
    description: str | None = None
    expression: Slice | None = None

    @property
    def title(self) -> str:
        return str(self.key) if self.name is None else unquoted(self.name)

    @property
    def text(self) -> str | None:
        """The expression as it is saved: without the indentation it has in the file."""
        if self.expression is None:
            return None
        return textwrap.dedent(" " * self.expression.indent + str(self.expression)).strip()

    @property
    def body(self) -> dict[str, Any]:
        """The segment as a workspace takes it."""
        parent = None if self.parent is None else str(self.parent)
        return {"name": self.title, "description": self.description, "parent": parent, "expression": self.text}


@dataclass(frozen=True, slots=True)
class Row:
    """A contact, a company or an event: its keys (an id; or contact, type and moment), then names and values."""

    place: Slice
    keys: tuple[Slice, ...]
    values: tuple[tuple[Slice, Slice], ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows written in the file."""

    kind: Kind
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class RowsFile:
    """Rows in a file beside it; `event` is the type of events whose file does not say it."""

    place: Slice
    kind: Kind
    path: Path
    event: str | None = None


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The evaluation clock of all that follows: a moment, in the schema's zone where it has no offset."""

    moment: Slice


@dataclass(frozen=True, slots=True)
class ParametersSet:
    """Values of parameters, for the expressions that follow and name them."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overrides:
    """Contacts put into a segment and taken out of it by hand."""

    place: Slice
    key: Slice
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The ids that an expression must select, in any order; None means every contact there is."""

    expression: Slice
    members: tuple[str, ...] | None


Given = Rows | RowsFile | ClockSet | ParametersSet | Overrides
Step = Given | Expectation


@dataclass(frozen=True, slots=True)
class Test:
    """Steps in a workspace of its own: what holds for every test of the file first, then its own."""

    __test__ = False  # no test of pytest's

    place: Slice
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A file and those it uses. `schema` is None where none is given; `findings` are what could not be read."""

    source: Source
    schema: Schema | None
    entries: tuple[Entry, ...]
    tests: tuple[Test, ...]
    findings: tuple[Finding, ...]
