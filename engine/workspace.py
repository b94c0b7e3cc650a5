"""A workspace: everything the server and the command line ask of one set of contacts.

Reads take the newest snapshot and no lock. Writes are validated on the caller's thread and answered, through a
future, once durable and visible to every later read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from dsl.problems import NOWHERE, DataError, Problem
from dsl.schema import Schema
from dsl.schema_json import patched, schema_to_json
from dsl.typed import InSegment, Scope, Selection
from engine.binding import planned
from engine.budget import DEFAULT_BUDGET_MS, Budget, QueryLimits, TooCostly, too_costly
from engine.caches import DEFAULT_BYTES
from engine.changes import (
    BulkContacts,
    Change,
    ChangeMembers,
    DropSegment,
    EraseContacts,
    PatchSchema,
)
from engine.errors import PreconditionFailed
from engine.feed import Beginning, Listener
from engine.imports import import_contacts, import_events
from engine.questions import Questions, milliseconds_now
from engine.results import Ack
from engine.segments import Segment
from engine.snapshot import Snapshot
from engine.state import WorkspaceState
from engine.tables.state import Applied
from engine.validation import companies_from_rows, contacts_from_rows, events_from_rows
from engine.writer import Writer
from formats.batch import Batch
from storage.documents import Documents
from storage.store import Checkpoint, Store

T = TypeVar("T")


class Workspace(Questions):
    """One isolated set of contacts, companies, events and segments. Safe to use from many threads."""

    def __init__(
        self, name: str, store: Store, budget_ms: float = DEFAULT_BUDGET_MS, cache_bytes: int = DEFAULT_BYTES
    ) -> None:
        """`budget_ms` is what a question may cost where the workspace has no budget of its own, `cache_bytes` what
        remembered answers may take."""
        self._store = store
        self._budget = Budget(store.documents, budget_ms)
        self._state = WorkspaceState(store)
        super().__init__(name, self._state.snapshot, self._budget.limits(), cache_bytes)
        self._listeners: tuple[Listener, ...] = ()
        # Held while a listener is told where to begin, so that it hears of every checkpoint after that.
        self._telling = threading.Lock()
        self._state.on_publish = self._take
        self._state.on_checkpoint = self._tell_saved
        self._writer = Writer(store, self._state, name, self._tell_written)

    @property
    def documents(self) -> Documents:
        """Small durable records beside the data: jobs, idempotency keys."""
        return self._store.documents

    @property
    def healthy(self) -> str | None:
        """Why writes are refused; None while they are not."""
        return self._writer.broken or self._store.failure

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
        blocks, submit = self._store.blocks, self._submit_grown(patch, self._submit_drafted)
        return self._imported(import_contacts(blocks, submit, batches, companies, milliseconds_now()))

    def bulk_events(self, batches: Iterable[Batch], *, create_contacts: bool = True, patch: Any = None) -> Ack:
        """Import events, all or none; blocks until done. `patch` is as for contacts."""
        data = self._snapshot.data if patch is None else replace(self._snapshot.data, schema=self.grown(patch))
        blocks, submit = self._store.blocks, self._submit_grown(patch)
        return self._imported(import_events(data, blocks, submit, batches, create_contacts, milliseconds_now()))

    def feed(self, listener: Listener) -> None:
        """Tell a listener where to begin, and everything from there on."""

        def begin() -> None:
            with self._telling:
                self._listeners = (*self._listeners, listener)
                listener.began(self.name, Beginning(*self._store.contents()))

        self._writer.run(begin).result()

    def starve(self, listener: Listener) -> None:
        """Tell it nothing more."""
        with self._telling:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

    def checkpoint(self) -> None:
        """Move what the journal holds into blocks, and wait until that is durable."""
        self._writer.run(self._state.start_checkpoint).result().result()

    def close(self) -> None:
        """Finish accepted writes, and checkpoint. The files belong to whoever opened the store."""
        self._writer.close()
        self._state.close()

    # --- behind them -----------------------------------------------------------------------------------------

    def _submit(self, change: Change) -> Future[Ack]:
        return self._writer.submit(change, _ack)

    def _submit_drafted(self, change: Change) -> Future[Ack]:
        """Submit an import of contacts that was made beforehand."""
        assert isinstance(change, BulkContacts)
        self._state.draft(change)
        submitted = self._submit(change)
        submitted.add_done_callback(lambda done: self._state.forget_draft(change))
        return submitted

    def _submit_grown(
        self, patch: Any, then: Callable[[Change], Future[Ack]] | None = None
    ) -> Callable[[Change], Future[Ack]]:
        """Submits a change once the schema has grown by `patch`."""

        def submit(change: Change) -> Future[Ack]:
            if patch is not None:
                self.patch_schema(patch).result()
            return (then or self._submit)(change)

        return submit

    def _imported(self, ack: Ack | None) -> Ack:
        """Checkpoint after an import, so that no later start has to repeat it."""
        if ack is None:
            return Ack(0, self.seq)
        self.checkpoint()
        return ack

    def _tell_written(self, last: int, records: Sequence[bytes]) -> None:
        for listener in self._listeners:
            listener.written(self.name, last, records)

    def _tell_saved(self, checkpoint: Checkpoint) -> None:
        with self._telling:
            for listener in self._listeners:
                listener.saved(self.name, checkpoint)

    def _exists(self, id: str) -> bool:
        return self._snapshot.data.contacts.row(id) is not None

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
