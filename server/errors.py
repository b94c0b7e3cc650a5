"""Every error the server answers: one table of them, and one function that builds their bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from dsl.problems import DataError, ExpressionError, Problem, ProblemError, Span
from engine.budget import TooCostly
from engine.deadline import DeadlineExceeded, QueryCancelled
from engine.errors import (
    Closed,
    PreconditionFailed,
    SegmentInUse,
    StaleRead,
    UnknownContact,
    UnknownSegment,
    UnknownWorkspace,
)
from storage import BadName, StorageFailed, StorageFull

PROBLEM_JSON = "application/problem+json"

TOLD = "told"
"""The headers, in the scope of a request, that every answer to it has."""


class Failure(Enum):
    """What can go wrong: the stable code, the HTTP status, and the title."""

    MALFORMED = ("malformed", 400, "The request cannot be read")
    KEY_NEEDED = ("key-needed", 401, "A key is needed")
    KEY_UNKNOWN = ("key-unknown", 401, "The key is not known")
    NOT_ALLOWED = ("not-allowed", 403, "The key does not allow this")
    FOREIGN_HOST = ("foreign-host", 403, "The request was made for another host")
    NO_SUCH_ROUTE = ("no-such-route", 404, "There is nothing at this address")
    UNKNOWN_WORKSPACE = ("unknown-workspace", 404, "No such workspace")
    UNKNOWN_CONTACT = ("unknown-contact", 404, "No such contact")
    UNKNOWN_SEGMENT = ("unknown-segment", 404, "No such segment")
    UNKNOWN_JOB = ("unknown-job", 404, "No such job")
    NO_REJECTS = ("no-rejects", 404, "The job rejected no rows")
    UNKNOWN_QUERY = ("unknown-query", 404, "No such query is running")
    UNKNOWN_KEY = ("unknown-key", 404, "No such key")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This address does not take that method")
    NOT_ACCEPTABLE = ("not-acceptable", 406, "None of the accepted forms can be given")
    SEGMENT_IN_USE = ("segment-in-use", 409, "The segment is used by others")
    NOT_YET_APPLIED = ("not-yet-applied", 409, "The sequence number has not been reached")
    RETRY_IN_PROGRESS = ("retry-in-progress", 409, "The first request with this Idempotency-Key is still running")
    QUERY_ID_IN_USE = ("query-id-in-use", 409, "A query with this id is running")
    QUERY_CANCELLED = ("query-cancelled", 409, "The query was cancelled")
    JOB_FINISHED = ("job-finished", 409, "The job has ended already")
    PRECONDITION_FAILED = ("precondition-failed", 412, "The segment has changed, or is there already")
    TOO_LARGE = ("too-large", 413, "The body is too large")
    UNSUPPORTED_MEDIA = ("unsupported-media-type", 415, "The body's content type is not understood here")
    INVALID = ("invalid", 422, "The body does not fit")
    INVALID_EXPRESSION = ("invalid-expression", 422, "The expression cannot be used")
    TOO_COSTLY = ("too-costly", 422, "The expression is estimated to cost more than the budget")
    KEY_REUSED = ("idempotency-key-reused", 422, "The Idempotency-Key was used for another request")
    TOO_BUSY = ("too-busy", 429, "Too much is running in this workspace")
    INTERNAL = ("internal", 500, "Something went wrong in the server")
    STORAGE_FAILED = ("storage-failed", 503, "The workspace takes no writes until the server is restarted")
    DEADLINE_EXCEEDED = ("deadline-exceeded", 503, "The query was not answered in the time it had")
    CLOSING = ("closing", 503, "The server is stopping")
    STORAGE_FULL = ("storage-full", 507, "There is no room left to write")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title


class Place(msgspec.Struct, frozen=True):
    """A range of characters of the expression: 0-based offsets, and the 1-based line and column of its start."""

    start: int
    end: int
    line: int
    column: int


class ProblemView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong. `span` places it in an expression, `path` in a body; `expected` lists what may follow."""

    code: str
    message: str
    hint: str | None = None
    span: Place | None = None
    path: str | None = None
    expected: tuple[str, ...] = ()


class ProblemDocument(msgspec.Struct, frozen=True):
    """An error, as RFC 9457 has it, with every problem found."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    problems: list[ProblemView]


class ApiError(Exception):
    """An error that an endpoint raises by itself."""

    def __init__(
        self,
        failure: Failure,
        detail: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


FAILURES: Mapping[type[Exception], Failure] = {
    TooCostly: Failure.TOO_COSTLY,
    ExpressionError: Failure.INVALID_EXPRESSION,
    DataError: Failure.INVALID,
    BadName: Failure.INVALID,
    UnknownWorkspace: Failure.UNKNOWN_WORKSPACE,
    UnknownContact: Failure.UNKNOWN_CONTACT,
    UnknownSegment: Failure.UNKNOWN_SEGMENT,
    SegmentInUse: Failure.SEGMENT_IN_USE,
    StaleRead: Failure.NOT_YET_APPLIED,
    PreconditionFailed: Failure.PRECONDITION_FAILED,
    DeadlineExceeded: Failure.DEADLINE_EXCEEDED,
    QueryCancelled: Failure.QUERY_CANCELLED,
    StorageFull: Failure.STORAGE_FULL,
    StorageFailed: Failure.STORAGE_FAILED,
    Closed: Failure.CLOSING,
    ClientDisconnect: Failure.MALFORMED,
    Exception: Failure.INTERNAL,
}
"""The failure that each exception of the rooms below stands for."""

WORTH_RETRYING = {Failure.TOO_BUSY: 1, Failure.NOT_YET_APPLIED: 1, Failure.RETRY_IN_PROGRESS: 1, Failure.CLOSING: 5}
"""Seconds after which trying again makes sense."""


def place(text: str, span: Span) -> Place:
    """`span` with the line and column where it begins in `text`."""
    line = text.count("\n", 0, span.start) + 1
    column = span.start - (text.rfind("\n", 0, span.start) + 1) + 1
    return Place(span.start, span.end, line, column)


def shown(problem: Problem, text: str = "") -> ProblemView:
    """A problem as bodies have it; `text` is the expression that its span refers to."""
    span = None if problem.span is None else place(text, problem.span)
    return ProblemView(problem.code, problem.message, problem.hint, span, problem.path, problem.expected)


def problem_response(
    failure: Failure, detail: str, problems: Sequence[ProblemView] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The one form of every error."""
    document = ProblemDocument(
        f"/docs#{failure.code}", failure.title, failure.status, detail, failure.code, list(problems)
    )
    extra = dict(headers or {})
    if failure in WORTH_RETRYING:
        extra.setdefault("Retry-After", str(WORTH_RETRYING[failure]))
    if failure.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(document), failure.status, extra, PROBLEM_JSON)


def answer_error(scope: Scope, error: Exception) -> Response:
    """The response to any exception that an endpoint lets through, with the headers that every answer to it has."""
    response = _answer(scope, error)
    response.headers.update(scope.get(TOLD, {}))
    return response


def failure_of(error: Exception) -> Failure:
    """What an exception stands for."""
    match error:
        case ApiError():
            return error.failure
        case HTTPException():
            return Failure.NO_SUCH_ROUTE if error.status_code == 404 else Failure.MALFORMED
        case _:
            return next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)


def _answer(scope: Scope, error: Exception) -> Response:
    failure = failure_of(error)
    match error:
        case ApiError():
            problems = [shown(p) for p in error.problems]
            return problem_response(failure, error.detail, problems, error.headers)
        case ProblemError():
            text = error.text if isinstance(error, ExpressionError) else ""
            return problem_response(failure, _summary(error), [shown(p, text) for p in error.problems])
        case HTTPException():
            return problem_response(failure, f"{scope['method']} {Request(scope).url.path}: {error.detail}")
        case _:
            detail = "The log of the server says more." if failure is Failure.INTERNAL else str(error)
            return problem_response(failure, detail or failure.title)


def _summary(error: ProblemError) -> str:
    first, more = error.problems[0].message, len(error.problems) - 1
    return first if more == 0 else f"{first}; and {more} more problem{'s' if more > 1 else ''}"
