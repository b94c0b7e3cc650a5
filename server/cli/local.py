"""The backend that opens a data directory in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from dsl.complete import Completion
from dsl.describe import Code
from dsl.problems import DataError, Problem
from dsl.schema_json import schema_to_json
from engine.budget import DEFAULT_BUDGET_MS, QueryLimits
from engine.deadline import Deadline, kept
from engine.directory import Tamis
from engine.explanation import Explanation
from engine.query import Query
from engine.results import Ack, Count, Page, SegmentView
from engine.values import BadValue, datetime_value
from engine.why import Why
from engine.workspace import Workspace
from formats.batch import Kind
from formats.inferred import Inferred
from server.cli.backend import Imported, Importing, Question, Rows, Watch
from server.cli.rejected import Rejected, rows_of
from server.errors import ApiError, Failure
from server.running import RunningQuery
from server.serve import address_of
from storage import Locked


class Busy(Exception):
    """The data directory is written by another process; `url` is its server's address, where it has one."""

    def __init__(self, locked: Locked, url: str | None) -> None:
        super().__init__(str(locked))
        self.url = url


@contextmanager
def opened(data: str, *, create: bool, budget_ms: float = DEFAULT_BUDGET_MS) -> Iterator[Tamis]:
    """The data directory, closed afterwards. Raises Busy and the other refusals of storage."""
    path = Path(data)
    try:
        tamis = Tamis.open(path, create=create, budget_ms=budget_ms)
    except Locked as locked:
        raise Busy(locked, address_of(path)) from locked
    try:
        yield tamis
    finally:
        tamis.close()


class Local:
    """One workspace of an opened data directory; `timeout_ms` is how long the answer to a question is wanted."""

    def __init__(self, workspace: Workspace, timeout_ms: int | None = None) -> None:
        self.workspace = workspace
        self._timeout_ms = timeout_ms

    def schema(self) -> dict[str, Any]:
        return schema_to_json(self.workspace.schema)

    def patch_schema(self, patch: dict[str, Any]) -> Ack:
        return self.workspace.patch_schema(patch).result()

    def count(self, question: Question) -> Count:
        # The parser is built once in every process: that is no part of what this question costs.
        self.workspace.check("everyone")
        started = time.perf_counter()
        with self._in_time():
            answer = self._query(question).count()
        return structs.replace(answer, elapsed_ms=(time.perf_counter() - started) * 1000)

    def explain(self, question: Question) -> Explanation:
        with self._in_time():
            return self._query(question).explain()

    def why(self, question: Question, contact: str, language: Code) -> Why:
        at = self._clock(question.at)
        with self._in_time():
            return self.workspace.why(contact, question.expression, params=question.params, at=at, language=language)

    def why_member(self, segment: str, contact: str, language: Code, at: str | None = None) -> Why:
        with self._in_time():
            return self.workspace.why_member(segment, contact, at=self._clock(at), language=language)

    def page(
        self, question: Question, *, fields: Sequence[str] | None, limit: int, cursor: str | None, sort: str | None
    ) -> Page:
        with self._in_time():
            return self._query(question).page(fields=fields, limit=limit, cursor=cursor, sort=sort)

    @contextmanager
    def stream(self, question: Question, fields: Sequence[str] | None) -> Iterator[Rows]:
        with self._in_time():
            yield Rows(*self._query(question).stream(fields))

    def check(self, question: Question) -> tuple[Problem, ...]:
        return tuple(self.workspace.check(question.expression, question.params))

    def limits(self) -> QueryLimits:
        return self.workspace.limits

    def limit(self, budget_ms: float | None) -> QueryLimits:
        return self.workspace.limit(budget_ms)

    def running(self) -> list[RunningQuery]:
        return []

    def cancel(self, id: str) -> RunningQuery:
        raise ApiError(Failure.UNKNOWN_QUERY, f"nothing but this command asks this data directory: no query '{id}'")

    def complete(self, expression: str, cursor: int | None = None, limit: int = 20) -> Completion:
        return self.workspace.complete(expression, cursor, limit)

    def segments(self) -> list[SegmentView]:
        with self._in_time():
            return self.workspace.segments()

    def segment(self, key: str) -> SegmentView:
        with self._in_time():
            return self.workspace.segment(key)

    def put_segment(self, key: str, body: dict[str, Any], *, if_match: str | None = None) -> SegmentView:
        saved = self.workspace.put_segment(key, body, if_match=if_match).result()
        with self._in_time():
            return self.workspace.view(saved)

    def drop_segment(self, key: str) -> Ack:
        return self.workspace.drop_segment(key).result()

    def members(self, key: str, *, fields: Sequence[str] | None, limit: int, cursor: str | None) -> Page:
        with self._in_time():
            return self.workspace.segment_query(key).page(fields=fields, limit=limit, cursor=cursor, sort=None)

    def change_members(self, key: str, add: Sequence[str], remove: Sequence[str], reset: Sequence[str]) -> Ack:
        return self.workspace.change_members(key, list(add), list(remove), list(reset)).result()

    def load(self, asked: Importing, inferred: Inferred, watch: Watch) -> Imported:
        patch = inferred.patch or None
        with Rejected(asked.rejects) as rejected:
            batches = rows_of(asked, inferred, self.workspace.grown(patch or {}), rejected, watch)
            if asked.kind is Kind.EVENTS:
                ack = self.workspace.bulk_events(batches, create_contacts=asked.create_contacts, patch=patch)
            else:
                ack = self.workspace.bulk_contacts(batches, companies=asked.kind is Kind.COMPANIES, patch=patch)
        return rejected.imported(ack.accepted, ack.duplicates, ack.seq)

    def _in_time(self) -> AbstractContextManager[None]:
        """Without a time of its own, an answer is wanted as long as whoever asks for it wants it."""
        return kept(None if self._timeout_ms is None else Deadline(self._timeout_ms))

    def _query(self, question: Question) -> Query:
        return self.workspace.query(question.expression, params=question.params, at=self._clock(question.at))

    def _clock(self, at: str | None) -> int | None:
        """The evaluation clock in milliseconds; a moment without offset is in the workspace's zone."""
        if at is None:
            return None
        try:
            return datetime_value(at, self.workspace.schema.zone)
        except BadValue as bad:
            raise DataError([Problem("bad-value", bad.message, bad.hint, path="$.at")]) from bad
