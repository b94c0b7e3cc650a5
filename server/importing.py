"""Imports: what is asked of one, the job it becomes, and the rehearsal of one that writes nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from engine.workspace import Workspace
from formats.batch import Kind
from formats.inferred import Inferred, ReadOptions
from formats.inferring import infer
from formats.reading import Progress, Reason, read
from formats.rows import OnError, Reject
from server.errors import ProblemView

PROBLEMS_KEPT = 100

GOING_ON = "mend it, or have bad rows left out and reported: on-error skip"
"""What can be done about a row that ended an import."""


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Request(msgspec.Struct, frozen=True):
    """What was asked of an import."""

    kind: Kind
    options: ReadOptions
    on_error: OnError = OnError.STOP
    create_contacts: bool = True


class RowProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rejected row: its number from 1, its line in a text file, the column, the value and what is wrong."""

    row: int
    code: str
    message: str
    line: int | None = None
    column: str | None = None
    column_number: int | None = None
    value: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, reject: Reject) -> RowProblem:
        problem = reject.problem
        return cls(
            reject.row,
            problem.code,
            problem.message,
            reject.line,
            reject.column,
            reject.number,
            reject.value,
            problem.hint,
        )


class Job(msgspec.Struct, kw_only=True):
    """An import on its way. `seq` is there once it is done.

    `reason` says why it failed, `errors` in detail; `notices` what was assumed of the file; `problems` are the first
    hundred rejected rows, of which the rejects file has all; `reasons` count all of them.
    """

    id: str
    kind: Kind
    state: JobState
    progress: float
    rows_read: int
    accepted: int
    rejected: int
    duplicates: int = 0
    bytes: int
    created: str
    started: str | None = None
    finished: str | None = None
    seq: int | None = None
    reason: str | None = None
    notices: list[ProblemView] = []
    errors: list[ProblemView] = []
    problems: list[RowProblem] = []
    reasons: list[Reason] = []


class Rehearsal(msgspec.Struct, frozen=True):
    """What an import would do."""

    inferred: Inferred
    rows_read: int
    accepted: int
    rejected: int
    problems: list[RowProblem]
    reasons: list[Reason]


class Kept(msgspec.Struct):
    """A job as its document has it. `before` is the sequence number seen when its rows began to be written."""

    job: Job
    request: Request
    before: int | None = None


def encode_kept(kept: Kept) -> bytes:
    """The document of a job."""
    return msgspec.msgpack.encode(kept)


def decode_kept(document: bytes) -> Kept:
    return msgspec.msgpack.decode(document, type=Kept)


def rehearse(workspace: Workspace, source: Path, request: Request) -> Rehearsal:
    """What an import would do: what is inferred, and the first rows it would reject, without writing anything."""
    inferred = infer(source, request.kind, workspace.schema, request.options)
    seen: list[RowProblem] = []
    counted = Progress()

    def note(progress: Progress) -> None:
        nonlocal counted
        counted = progress

    def add(reject: Reject) -> None:
        if len(seen) < PROBLEMS_KEPT:
            seen.append(RowProblem.of(reject))

    if not inferred.problems:
        for _ in read(source, inferred, workspace.schema, on_error=OnError.SKIP, rejects=add, progress=note):
            pass
    return Rehearsal(inferred, counted.read, counted.accepted, counted.rejected, seen, list(counted.reasons))
