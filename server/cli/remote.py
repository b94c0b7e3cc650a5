"""The backend that asks a running server, over the HTTP contract."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
from pyarrow import ipc

from dsl.complete import Completion
from dsl.describe import Code
from dsl.problems import DataError, ExpressionError, Problem, Span
from engine.budget import QueryLimits, TooCostly
from engine.explanation import Explanation
from engine.results import Ack, Count, Page, SegmentView
from engine.why import Why
from formats.inferred import Inferred
from formats.media import media
from formats.roles import headers_text
from server.cli.backend import Imported, Importing, Question, Rows, Watch
from server.client import JSON, Client, Refused, path
from server.errors import Failure, ProblemView
from server.importing import Job, JobState
from server.running import RunningQuery

T = TypeVar("T")

ARROW = "application/vnd.apache.arrow.stream"
EXPRESSION_ERRORS = {Failure.INVALID_EXPRESSION.code: ExpressionError, Failure.TOO_COSTLY.code: TooCostly}
LOOK_EVERY = 0.2
"""Seconds between two looks at a job."""
UPLOAD_CHUNK = 1 << 18


class Remote:
    """One workspace of a running server. `create` makes it when it is not there.

    `timeout_ms` is how long the answer to a question is wanted; None leaves it to the server.
    """

    def __init__(self, client: Client, workspace: str, timeout_ms: int | None = None, *, create: bool = False) -> None:
        self._client = client
        self._timeout_ms = timeout_ms
        self._workspace = workspace
        if create:
            client.call("PUT", self.path())

    def path(self, *segments: str) -> str:
        return path("workspaces", self._workspace, *segments)

    def schema(self) -> dict[str, Any]:
        return self._object(self._client.call("GET", self.path("schema")))

    def patch_schema(self, patch: dict[str, Any]) -> Ack:
        return msgspec.convert(self._client.call("PATCH", self.path("schema"), patch), Ack)

    def count(self, question: Question) -> Count:
        return self._ask("query/count", question, Count)

    def explain(self, question: Question) -> Explanation:
        return self._ask("query/explain", question, Explanation)

    def why(self, question: Question, contact: str, language: Code) -> Why:
        return self._ask("query/why", question, Why, {"contact": contact, "language": language})

    def why_member(self, segment: str, contact: str, language: Code, at: str | None = None) -> Why:
        place, query = (
            self.path("segments", segment, "contacts", contact, "why"),
            _given(language=language.value, at=at),
        )
        with self._client.open("GET", place, query=query) as response:
            return msgspec.json.decode(response.read(), type=Why)

    def page(
        self, question: Question, *, fields: Sequence[str] | None, limit: int, cursor: str | None, sort: str | None
    ) -> Page:
        chosen = _given(fields=fields, limit=limit, cursor=cursor, sort=sort)
        return self._ask("query/contacts", question, Page, chosen)

    @contextmanager
    def stream(self, question: Question, fields: Sequence[str] | None) -> Iterator[Rows]:
        body = msgspec.json.encode({**self._body(question), **_given(fields=fields)})
        headers = {"Content-Type": JSON, "Accept": ARROW}
        with (
            told_of(question.expression),
            self._client.open("POST", self.path("query", "export"), body, headers) as response,
        ):
            reader = ipc.open_stream(BufferedReader(response))
            yield Rows(reader.schema, iter(reader))

    def check(self, question: Question) -> tuple[Problem, ...]:
        body = {"expression": question.expression, **_given(params=dict(question.params) or None)}
        answer = self._client.call("POST", self.path("language", "check"), body)
        return tuple(problems_of(answer["problems"]))

    def limits(self) -> QueryLimits:
        return msgspec.convert(self._client.call("GET", self.path("limits")), QueryLimits)

    def limit(self, budget_ms: float | None) -> QueryLimits:
        return msgspec.convert(self._client.call("PATCH", self.path("limits"), {"budget_ms": budget_ms}), QueryLimits)

    def running(self) -> list[RunningQuery]:
        return msgspec.convert(self._client.call("GET", self.path("queries"))["queries"], list[RunningQuery])

    def cancel(self, id: str) -> RunningQuery:
        return msgspec.convert(self._client.call("POST", self.path("queries", id, "cancel")), RunningQuery)

    def complete(self, expression: str, cursor: int | None = None, limit: int = 20) -> Completion:
        body = {"expression": expression, "limit": limit, **_given(cursor=cursor)}
        with told_of(expression):
            return msgspec.convert(self._client.call("POST", self.path("language", "complete"), body), Completion)

    def segments(self) -> list[SegmentView]:
        return msgspec.convert(self._client.call("GET", self.path("segments"))["segments"], list[SegmentView])

    def segment(self, key: str) -> SegmentView:
        return msgspec.convert(self._client.call("GET", self.path("segments", key)), SegmentView)

    def put_segment(self, key: str, body: dict[str, Any], *, if_match: str | None = None) -> SegmentView:
        headers = {"If-Match": if_match} if if_match else {}
        with told_of(body["expression"] or ""):
            return msgspec.convert(self._client.call("PUT", self.path("segments", key), body, headers), SegmentView)

    def drop_segment(self, key: str) -> Ack:
        return msgspec.convert(self._client.call("DELETE", self.path("segments", key)), Ack)

    def members(self, key: str, *, fields: Sequence[str] | None, limit: int, cursor: str | None) -> Page:
        query = _given(fields=",".join(fields) if fields else None, limit=str(limit), cursor=cursor)
        with self._client.open("GET", self.path("segments", key, "contacts"), query=query) as response:
            return msgspec.json.decode(response.read(), type=Page)

    def change_members(self, key: str, add: Sequence[str], remove: Sequence[str], reset: Sequence[str]) -> Ack:
        body = {"add": list(add), "remove": list(remove), "reset": list(reset)}
        return msgspec.convert(self._client.call("POST", self.path("segments", key, "members"), body), Ack)

    def load(self, asked: Importing, inferred: Inferred, watch: Watch) -> Imported:
        query = import_query(asked, inferred)
        headers = {"Content-Type": media(inferred.format).types[0], "Accept": JSON}
        with asked.file.open("rb") as file:
            body = Watched(file, asked.file.stat().st_size, watch)
            with self._client.open("POST", self.path("imports"), body, headers, query) as response:
                job = msgspec.json.decode(response.read(), type=Job)
        job = self._finished(job, watch)
        if asked.rejects is not None and job.rejected:
            self._save_rejects(job, asked.rejects)
        if job.state is not JobState.DONE:
            raise DataError(_problems(job))
        return Imported(
            job.accepted, job.rejected, job.duplicates, job.seq, tuple(job.problems), job.rows_read, tuple(job.reasons)
        )

    def _finished(self, job: Job, watch: Watch) -> Job:
        """The job once it has ended; an interrupted wait cancels it."""
        try:
            while not job.state.ended:
                watch("importing", job.progress)
                time.sleep(LOOK_EVERY)
                job = msgspec.convert(self._client.call("GET", self.path("jobs", job.id)), Job)
        except KeyboardInterrupt:
            self._client.call("POST", self.path("jobs", job.id, "cancel"))
            raise
        watch("importing", 1.0)
        return job

    def _save_rejects(self, job: Job, path: Path) -> None:
        with self._client.open("GET", self.path("jobs", job.id, "rejects")) as response, path.open("wb") as file:
            shutil.copyfileobj(response, file)

    def _ask(self, route: str, question: Question, kind: type[T], more: Mapping[str, Any] | None = None) -> T:
        with told_of(question.expression):
            answer = self._client.call("POST", self.path(*route.split("/")), {**self._body(question), **(more or {})})
        return msgspec.convert(answer, kind)

    def _body(self, question: Question) -> dict[str, Any]:
        given = _given(params=dict(question.params) or None, at=question.at, timeout_ms=self._timeout_ms)
        return {"expression": question.expression, **given}

    @staticmethod
    def _object(answer: Any) -> dict[str, Any]:
        return msgspec.convert(answer, dict[str, Any])


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def told_of(expression: str) -> Iterator[None]:
    """Turns the server's refusal of an expression into the error that the language itself raises."""
    try:
        yield
    except Refused as refused:
        kind = EXPRESSION_ERRORS.get(refused.trouble.code)
        if kind is None:
            raise
        raise kind(expression, problems_of(refused.trouble.problems)) from refused


def problems_of(documents: Any) -> list[Problem]:
    """Problems as the server tells them."""
    return [_problem(view) for view in msgspec.convert(documents, list[ProblemView])]


def _problem(view: ProblemView) -> Problem:
    span = None if view.span is None else Span(view.span.start, view.span.end)
    return Problem(view.code, view.message, view.hint, span, view.path, view.expected)


class Watched:
    """A file being sent."""

    def __init__(self, file: BinaryIO, size: int, watch: Watch) -> None:
        self._file, self._size, self._watch = file, size, watch

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(UPLOAD_CHUNK)
        self._watch("sending", self._file.tell() / self._size if self._size else 1.0)
        return data


def import_query(asked: Importing, inferred: Inferred) -> dict[str, str | list[str]]:
    """The parameters of an import: what the user said, and the dialect that was inferred and shown."""
    options, dialect = asked.options, inferred.dialect
    columns = ",".join(f"{header}={field or ''}" for header, field in options.columns.items())
    values: dict[str, str | list[str] | None] = {
        "kind": asked.kind.value,
        "on_error": asked.on_error.value,
        "unknown_contacts": "create" if asked.create_contacts else "reject",
        "type": options.event,
        "id_column": options.key,
        "at_column": options.at,
        "type_column": options.event_type,
        "event_id_column": options.event_id,
        "company_column": options.company,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "decimal": dialect.decimal,
        "thousands": dialect.thousands,
        "date_order": dialect.date_order.value,
        "columns": columns,
        "field_type": [f"{name}={type_.value}" for name, type_ in options.types.items()],
        "type_rule": [f"{rule.event}:{rule.column}~{rule.pattern}" for rule in options.type_rules],
        "id_columns": headers_text(options.id_columns),
        "names": headers_text(options.names or ()),
        "only": headers_text(options.only or ()),
    }
    return {name: value for name, value in values.items() if value}


def _problems(job: Job) -> list[Problem]:
    """Why a job wrote nothing."""
    rows = [Problem(row.code, row.message, row.hint) for row in job.problems]
    return rows or [Problem("import-failed", job.reason or f"the import was {job.state.value}")]
