"""What every command asks, whoever answers: a data directory opened here, or a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from dsl.complete import Completion
from dsl.describe import Code
from dsl.problems import Problem
from engine.budget import QueryLimits
from engine.explanation import Explanation
from engine.results import Ack, Count, Page, SegmentView
from engine.why import Why
from formats.batch import Kind
from formats.inferred import Inferred, ReadOptions
from formats.reading import Reason
from formats.rows import OnError
from server.importing import RowProblem
from server.running import RunningQuery


@dataclass(frozen=True, slots=True)
class Question:
    """An expression, the values of its parameters, and the evaluation clock (ISO 8601; now when None)."""

    expression: str
    params: Mapping[str, Any] = field(default_factory=dict)
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Members as they stream: their columns, and batches of them."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Importing:
    """A file to import, what its user says of it, and where all its rejected rows are to be kept."""

    file: Path
    kind: Kind
    options: ReadOptions
    on_error: OnError = OnError.STOP
    create_contacts: bool = True
    rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows. `problems` are those of the first rejected, `reasons` count all.

    `seq` is None when nothing was written.
    """

    accepted: int
    rejected: int
    duplicates: int = 0
    seq: int | None = None
    problems: tuple[RowProblem, ...] = ()
    read: int = 0
    reasons: tuple[Reason, ...] = ()


Watch = Callable[[str, float], None]
"""Told what is being done, and how much (0..1) of it is done."""


class Backend(Protocol):
    """One workspace. Errors are those that `exits.failure` knows."""

    def schema(self) -> dict[str, Any]:
        """The schema in its JSON form."""

    def patch_schema(self, patch: dict[str, Any]) -> Ack: ...

    def count(self, question: Question) -> Count: ...

    def explain(self, question: Question) -> Explanation: ...

    def why(self, question: Question, contact: str, language: Code) -> Why: ...

    def why_member(self, segment: str, contact: str, language: Code, at: str | None = None) -> Why:
        """Why a contact is a member of a segment, or is not."""

    def page(
        self, question: Question, *, fields: Sequence[str] | None, limit: int, cursor: str | None, sort: str | None
    ) -> Page: ...

    def stream(self, question: Question, fields: Sequence[str] | None) -> AbstractContextManager[Rows]:
        """Every member, in constant memory."""

    def check(self, question: Question) -> tuple[Problem, ...]:
        """Everything wrong with the expression; nothing when it is right."""

    def limits(self) -> QueryLimits:
        """What a question may cost."""

    def limit(self, budget_ms: float | None) -> QueryLimits:
        """Gives the workspace a budget of its own, or takes it away."""

    def running(self) -> list[RunningQuery]:
        """The queries that a server runs; a data directory opened here runs none."""

    def cancel(self, id: str) -> RunningQuery:
        """Stops a query that runs."""

    def complete(self, expression: str, cursor: int | None = None, limit: int = 20) -> Completion:
        """What may come at a cursor of an expression: an offset in characters, the end by default."""

    def segments(self) -> list[SegmentView]: ...

    def segment(self, key: str) -> SegmentView: ...

    def put_segment(self, key: str, body: dict[str, Any], *, if_match: str | None = None) -> SegmentView: ...

    def drop_segment(self, key: str) -> Ack: ...

    def members(self, key: str, *, fields: Sequence[str] | None, limit: int, cursor: str | None) -> Page: ...

    def change_members(self, key: str, add: Sequence[str], remove: Sequence[str], reset: Sequence[str]) -> Ack: ...

    def load(self, asked: Importing, inferred: Inferred, watch: Watch) -> Imported:
        """Lets the schema grow by what was inferred, then writes the rows: all that are good, or none."""
