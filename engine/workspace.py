"""A workspace: everything the server and the command line ask of one set of contacts.

Reads take the newest snapshot and no lock. Writes are validated on the caller's thread and answered, through a
future, once durable and visible to every later read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from time import time
from typing import Any, TypeVar

import numpy as np

from dsl.complete import Completion, complete
from dsl.describe import Code
from dsl.moments import Clock
from dsl.problems import NOWHERE, DataError, ExpressionError, Problem, Span
from dsl.schema import Schema
from dsl.schema_json import patched, schema_to_json
from dsl.typed import InSegment, Scope, Selection
from engine.binding import planned
from engine.budget import DEFAULT_BUDGET_MS, Budget, QueryLimits, TooCostly, too_costly
from engine.caches import DEFAULT_BYTES, Asked, Caches
from engine.changes import (
    Change,
    ChangeMembers,
    DropSegment,
    EraseContacts,
    PatchSchema,
)
from engine.completion import HeldValues
from engine.deadline import QueryStopped
from engine.errors import PreconditionFailed, StaleRead, UnknownContact, UnknownSegment
from engine.imports import import_contacts, import_events
from engine.language import NO_PARAMS, parameters
from engine.query import Query, bound
from engine.results import Ack, Count, SegmentRef, SegmentView, TimelinePage
from engine.rows import contact_fields, contact_objects
from engine.segments import Segment
from engine.snapshot import Snapshot
from engine.state import WorkspaceState
from engine.tables.state import Applied
from engine.timeline import timeline_page
from engine.validation import companies_from_rows, contacts_from_rows, events_from_rows
from engine.values import iso_datetime
from engine.why import WORDS, Contact, Why, why
from engine.writer import Writer
from formats.batch import Batch
from storage.documents import Documents
from storage.store import Store

T = TypeVar("T")
MIN_SEQ_PATIENCE = 5.0
"""Seconds that a query waits for its `min_seq`."""


def milliseconds_now() -> int:
    return int(time() * 1000)


class Workspace:
    """One isolated set of contacts, companies, events and segments. Safe to use from many threads."""

    def __init__(
        self, name: str, store: Store, budget_ms: float = DEFAULT_BUDGET_MS, cache_bytes: int = DEFAULT_BYTES
    ) -> None:
        """`budget_ms` is what a question may cost where the workspace has no budget of its own, `cache_bytes` what
        remembered answers may take."""
        self.name = name
        self._store = store
        self._budget = Budget(store.documents, budget_ms)
        self._limits = self._budget.limits()
        self._state = WorkspaceState(store)
        self._snapshot = self._state.snapshot
        self.caches = Caches(cache_bytes)
        self.caches.begin(self._snapshot)
        self._published = threading.Condition()
        self._state.on_publish = self._take
        self._writer = Writer(store, self._state, name)

    # --- what there is ---------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The newest state: every write acknowledged so far, and nothing half done."""
        return self._snapshot

    @property
    def schema(self) -> Schema:
        return self._snapshot.schema

    @property
    def seq(self) -> int:
        return self._snapshot.seq

    @property
    def documents(self) -> Documents:
        """Small durable records beside the data: jobs, idempotency keys."""
        return self._store.documents

    @property
    def healthy(self) -> str | None:
        """Why writes are refused; None while they are not."""
        return self._writer.broken or self._store.failure

    @property
    def limits(self) -> QueryLimits:
        """What a question may cost."""
        return self._limits

    def limit(self, budget_ms: float | None) -> QueryLimits:
        """Give the workspace a budget of its own, in estimated milliseconds; None takes it away. Durable on return."""
        self._limits = self._budget.put(budget_ms)
        return self._limits

    # --- writes ----------------------------------------------------------------------------------------------

    def patch_schema(self, patch: Any) -> Future[Ack]:
        """Add fields, event types, options or labels. DataError through the future."""

        def prepare() -> Change:
            return PatchSchema(schema_to_json(self.grown(patch)))

        return self._writer.submit_prepared(prepare, _ack)

    def upsert_contacts(self, rows: Any) -> Future[Ack]:
        """Insert or update contacts: absent fields stay, null clears."""
        return self._submit(contacts_from_rows(self.schema, rows, milliseconds_now()))

    def upsert_companies(self, rows: Any) -> Future[Ack]:
        return self._submit(companies_from_rows(self.schema, rows, milliseconds_now()))

    def add_events(self, rows: Any, *, create_contacts: bool = True) -> Future[Ack]:
        """Add events; those whose id is known already are skipped and counted as duplicates."""
        now = milliseconds_now()
        if create_contacts:
            return self._submit(events_from_rows(self.schema, rows, now))
        return self._writer.submit_prepared(lambda: events_from_rows(self.schema, rows, now, self._exists), _ack)

    def erase_contact(self, id: str) -> Future[Ack]:
        """Erase a contact everywhere. UnknownContact through the future."""
        return self._writer.submit_prepared(lambda: EraseContacts([self._row(id)]), _ack)

    def put_segment(
        self, key: str, body: Any, *, if_match: str | None = None, if_none_match: bool = False
    ) -> Future[Segment]:
        """Save a segment; `if_match` and `if_none_match` guard against another's edit (PreconditionFailed).

        TooCostly for one whose members cost more to find than the budget: nobody could ever count it.
        """

        def prepare() -> Change:
            snapshot = self._snapshot
            _check_match(snapshot.segments.get(key), if_match, if_none_match)
            change = snapshot.segments.definition(key, body, snapshot.schema, milliseconds_now())
            self._refuse_costly(replace(snapshot, segments=snapshot.segments.put(change, snapshot.schema, 0)), key)
            return change

        return self._writer.submit_prepared(prepare, lambda applied, seq: self._snapshot.segments[key])

    def _refuse_costly(self, snapshot: Snapshot, key: str) -> None:
        """TooCostly, placed in the segment's own expression."""
        segment, clock = snapshot.segments[key], self._clock(snapshot, None)
        text, condition = segment.expression, segment.condition
        if text is None or condition is None:
            return
        try:
            self._members_query(snapshot, segment)
        except TooCostly:
            costs = planned(snapshot, Selection(InSegment(NOWHERE, key)), clock).cost_ms
            budget = self._limits.budget_ms
            raise too_costly(text, Selection(condition), snapshot, clock, costs, budget) from None

    def drop_segment(self, key: str, *, if_match: str | None = None) -> Future[Ack]:
        """Forget a segment; contacts are never touched. UnknownSegment, SegmentInUse, PreconditionFailed."""

        def prepare() -> Change:
            book = self._snapshot.segments
            book.refuse_drop(key)
            _check_match(book.get(key), if_match, False)
            return DropSegment(key)

        return self._writer.submit_prepared(prepare, _ack)

    def change_members(self, key: str, add: list[str], remove: list[str], reset: list[str]) -> Future[Ack]:
        """Put contacts into a segment or keep them out, whatever its rules say, until reset."""

        def prepare() -> Change:
            segment = self._snapshot.segments[key]
            groups = {"add": add, "remove": remove, "reset": reset}
            return ChangeMembers(segment.key, **self._override_rows(groups))

        return self._writer.submit_prepared(prepare, _ack)

    def grown(self, patch: Any) -> Schema:
        """The schema as `patch` would make it; nothing changes. DataError."""
        return patched(self.schema, patch, has_data=self._has_data)

    def bulk_contacts(self, batches: Iterable[Batch], *, companies: bool = False, patch: Any = None) -> Ack:
        """Import contacts or companies, all or none; blocks until done. What `batches` raises goes through.

        `patch` is what the schema needs for these rows (see `grown`): it grows only once all of them were read.
        """
        blocks, submit = self._store.blocks, self._submit_grown(patch)
        return self._imported(import_contacts(blocks, submit, batches, companies, milliseconds_now()))

    def bulk_events(self, batches: Iterable[Batch], *, create_contacts: bool = True, patch: Any = None) -> Ack:
        """Import events, all or none; blocks until done. `patch` is as for contacts."""
        data = self._snapshot.data if patch is None else replace(self._snapshot.data, schema=self.grown(patch))
        blocks, submit = self._store.blocks, self._submit_grown(patch)
        return self._imported(import_events(data, blocks, submit, batches, create_contacts, milliseconds_now()))

    def checkpoint(self) -> None:
        """Move what the journal holds into blocks, and wait until that is durable."""
        self._writer.run(self._state.start_checkpoint).result().result()

    def close(self) -> None:
        """Finish accepted writes, and checkpoint. The files belong to whoever opened the store."""
        self._writer.close()
        self._state.close()

    # --- reads -----------------------------------------------------------------------------------------------

    def query(
        self,
        expression: str,
        *,
        params: Mapping[str, Any] | None = None,
        at: int | None = None,
        min_seq: int | None = None,
    ) -> Query:
        """Bind an expression to the newest state. `at` is the evaluation clock in milliseconds, now by default.

        Raises ExpressionError; StaleRead when `min_seq` is not reached within five seconds.
        """
        snapshot = self._at_least(min_seq)
        return self._bound(snapshot, expression, params, self._clock(snapshot, at))

    def queries(
        self,
        expressions: Sequence[str],
        *,
        params: Mapping[str, Any] | None = None,
        at: int | None = None,
        min_seq: int | None = None,
    ) -> list[Query]:
        """Bind many expressions to one state and one clock. The problems of one name it by `$.expressions[i]`.

        They share `params`: each takes those it names.
        """
        snapshot = self._at_least(min_seq)
        clock = self._clock(snapshot, at)
        given = params or NO_PARAMS
        bound_queries = []
        for i, expression in enumerate(expressions):
            try:
                own = {name: given[name] for name in parameters(expression) & given.keys()}
                bound_queries.append(self._bound(snapshot, expression, own, clock))
            except ExpressionError as error:
                placed = [replace(problem, path=f"$.expressions[{i}]") for problem in error.problems]
                raise type(error)(expression, placed) from None
        return bound_queries

    def check(self, expression: str, params: Mapping[str, Any] | None = None) -> tuple[Problem, ...]:
        """Everything wrong with an expression."""
        try:
            self.query(expression, params=params)
        except ExpressionError as error:
            return error.problems
        return ()

    def complete(self, expression: str, cursor: int | None = None, limit: int = 20) -> Completion:
        """What may come at a cursor (an offset in characters; the end by default), best first.

        DataError for a cursor outside the expression, ExpressionError for one too long; no text is too broken.
        """
        snapshot = self._snapshot
        at = len(expression) if cursor is None else cursor
        values = HeldValues(snapshot.data)
        return complete(expression, at, snapshot.schema, values, segments=snapshot.segments.names, limit=limit)

    def contact(self, id: str) -> dict[str, Any] | None:
        """The profile of a contact, every field of the schema in it; None when there is none."""
        snapshot = self._snapshot
        row = snapshot.data.contacts.row(id)
        if row is None:
            return None
        rows = np.array([row], np.uint32)
        return contact_objects(snapshot.data, contact_fields(snapshot.schema), rows)[0]

    def timeline(
        self, id: str, *, limit: int = 100, before: str | None = None, types: list[str] | None = None
    ) -> TimelinePage:
        """Events of a contact, newest first. UnknownContact."""
        return timeline_page(self._snapshot.data, self._row(id), limit, before, types)

    def memberships(self, id: str) -> list[SegmentRef]:
        """The segments that a contact is in, now. UnknownContact."""
        snapshot = self._snapshot
        row = _row(snapshot, id)
        return [
            SegmentRef(segment.key, segment.name)
            for segment in snapshot.segments
            if self._members_query(snapshot, segment).has(row)
        ]

    def is_member(self, key: str, id: str) -> bool:
        """Whether a contact is in a segment, now. UnknownSegment, UnknownContact."""
        query = self.segment_query(key)
        return query.has(_row(query.snapshot, id))

    def why(
        self,
        id: str,
        expression: str,
        *,
        params: Mapping[str, Any] | None = None,
        at: int | None = None,
        language: Code = Code.ENGLISH,
        min_seq: int | None = None,
    ) -> Why:
        """Why a contact matches an expression, or does not. ExpressionError, UnknownContact, StaleRead."""
        snapshot = self._at_least(min_seq)
        selection = snapshot.segments.understand(expression, snapshot.schema, params or NO_PARAMS)
        return self._why(snapshot, id, expression, selection, at, language)

    def why_member(self, key: str, id: str, *, at: int | None = None, language: Code = Code.ENGLISH) -> Why:
        """Why a contact is a member of a segment, or is not. UnknownSegment, UnknownContact."""
        snapshot = self._snapshot
        text = f'in segment "{snapshot.segments[key].key}"'
        return self._why(snapshot, id, text, Selection(InSegment(Span(0, len(text)), key)), at, language)

    def segments(self) -> list[SegmentView]:
        """All segments with their live counts, by name."""
        snapshot = self._snapshot
        return [self._view(snapshot, s) for s in sorted(snapshot.segments, key=lambda s: (s.name.casefold(), s.key))]

    def segment(self, key: str) -> SegmentView:
        """One segment with its live count. UnknownSegment."""
        snapshot = self._snapshot
        return self._view(snapshot, snapshot.segments[key])

    def view(self, segment: Segment) -> SegmentView:
        """A segment as it was saved, with its count now; without one where that costs or takes more than it may."""
        try:
            return self._view(self._snapshot, segment)
        except (QueryStopped, UnknownSegment):
            return _segment_view(segment, None, None)

    def segment_query(self, key: str) -> Query:
        """The members of a segment. UnknownSegment."""
        snapshot = self._snapshot
        return self._members_query(snapshot, snapshot.segments[key])

    # --- behind them -----------------------------------------------------------------------------------------

    def _submit(self, change: Change) -> Future[Ack]:
        return self._writer.submit(change, _ack)

    def _submit_grown(self, patch: Any) -> Callable[[Change], Future[Ack]]:
        """Submits a change once the schema has grown by `patch`."""

        def submit(change: Change) -> Future[Ack]:
            if patch is not None:
                self.patch_schema(patch).result()
            return self._submit(change)

        return submit

    def _imported(self, ack: Ack | None) -> Ack:
        """Checkpoint after an import, so that no later start has to repeat it."""
        if ack is None:
            return Ack(0, self.seq)
        self.checkpoint()
        return ack

    def _take(self, snapshot: Snapshot) -> None:
        with self._published:
            self._snapshot = snapshot
            self.caches.begin(snapshot)
            self._published.notify_all()

    def _bound(self, snapshot: Snapshot, text: str, params: Mapping[str, Any] | None, clock: Clock) -> Query:
        asked = Asked(text, params or NO_PARAMS)
        selection, served = self.caches.selection(snapshot, asked)
        return bound(self.caches, snapshot, text, asked.key, selection, clock, self._limits.budget_ms, served)

    def _why(self, snapshot: Snapshot, id: str, text: str, selection: Selection, at: int | None, language: Code) -> Why:
        contact = Contact(snapshot, _row(snapshot, id), self._clock(snapshot, at))
        return why(contact, text, selection, WORDS[language])

    def _at_least(self, seq: int | None) -> Snapshot:
        """The newest state, once it has record `seq`."""
        if seq is not None:
            self._wait_for(seq)
        return self._snapshot

    def _wait_for(self, seq: int) -> None:
        with self._published:
            if not self._published.wait_for(lambda: self.seq >= seq, MIN_SEQ_PATIENCE):
                raise StaleRead(seq, self.seq)

    def _clock(self, snapshot: Snapshot, at: int | None) -> Clock:
        return Clock(milliseconds_now() if at is None else at, snapshot.schema.zone)

    def _members_query(self, snapshot: Snapshot, segment: Segment) -> Query:
        members = Selection(InSegment(NOWHERE, segment.key))
        text, key, clock = f'in segment "{segment.key}"', ("segment", segment.key), self._clock(snapshot, None)
        snapshot.segments.refuse_deep(text, members)
        return bound(self.caches, snapshot, text, key, members, clock, self._limits.budget_ms)

    def _view(self, snapshot: Snapshot, segment: Segment) -> SegmentView:
        """The segment with its count; one that cannot be counted says why instead."""
        try:
            return _segment_view(segment, self._members_query(snapshot, segment).count(), None)
        except ExpressionError as refused:
            return _segment_view(segment, None, str(refused))

    def _exists(self, id: str) -> bool:
        return self._snapshot.data.contacts.row(id) is not None

    def _row(self, id: str) -> int:
        return _row(self._snapshot, id)

    def _override_rows(self, groups: Mapping[str, list[str]]) -> dict[str, list[int]]:
        """Contact rows of the ids in each group; DataError names every id that is unknown or in two groups."""
        problems: list[Problem] = []
        first_seen: dict[str, str] = {}
        rows: dict[str, list[int]] = {}
        for group, ids in groups.items():
            rows[group] = []
            for i, id in enumerate(ids):
                path = f"$.{group}[{i}]"
                row = self._snapshot.data.contacts.row(id)
                if row is None:
                    problems.append(Problem("unknown-contact", f"no contact '{id}'", "create it first", path=path))
                elif first_seen.setdefault(id, group) != group:
                    message = f"'{id}' is under both '{first_seen[id]}' and '{group}'"
                    problems.append(Problem("contradiction", message, "leave it in one of them", path=path))
                else:
                    rows[group].append(row)
        if problems:
            raise DataError(problems)
        return rows

    def _has_data(self, scope: Scope, event: str | None, name: str) -> bool:
        """Whether any row has a value for a field, so that its type can no longer change."""
        data = self._snapshot.data
        match scope:
            case Scope.CONTACTS:
                return data.contacts.column(name) is not None
            case Scope.COMPANIES:
                return data.companies.column(name) is not None
            case Scope.EVENTS:
                events = None if event is None else data.events(event)
                return events is not None and any(part.column(name) is not None for part in events.parts)


def _row(snapshot: Snapshot, id: str) -> int:
    row = snapshot.data.contacts.row(id)
    if row is None:
        raise UnknownContact(id)
    return row


def _segment_view(segment: Segment, counted: Count | None, refused: str | None) -> SegmentView:
    return SegmentView(
        segment.key,
        segment.name,
        segment.description,
        segment.parent,
        segment.expression,
        None if counted is None else counted.count,
        None if counted is None else counted.identified,
        None if counted is None else counted.anonymous,
        iso_datetime(segment.created),
        iso_datetime(segment.updated),
        segment.etag,
        refused,
    )


def _ack(applied: Applied, seq: int) -> Ack:
    return Ack(applied.accepted, seq, applied.duplicates)


def _check_match(segment: Segment | None, if_match: str | None, if_none_match: bool) -> None:
    if if_none_match and segment is not None:
        raise PreconditionFailed(f"segment '{segment.key}' is there already")
    if if_match is None:
        return
    if segment is None:
        raise PreconditionFailed("there is no such segment yet")
    if if_match != "*" and segment.etag not in [tag.strip() for tag in if_match.split(",")]:
        raise PreconditionFailed(f"segment '{segment.key}' was changed: its version is {segment.etag}")
