"""What can be asked of a workspace: of its newest state, whoever makes that state.

Reads take the newest snapshot and no lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import time
from typing import Any, Protocol

import numpy as np
from pyroaring import BitMap

from dsl.complete import Completion, complete
from dsl.describe import Code
from dsl.moments import Clock
from dsl.problems import NOWHERE, ExpressionError, Problem, Span
from dsl.schema import Schema
from dsl.typed import Condition, InSegment, Selection
from engine.budget import QueryLimits
from engine.caches import Asked, Caches
from engine.completion import HeldValues
from engine.deadline import QueryStopped, seconds_wanted, still_wanted
from engine.errors import StaleRead, UnknownContact, UnknownSegment
from engine.language import NO_PARAMS, parameters
from engine.membership import Facts
from engine.plan import execute
from engine.query import Query, bound
from engine.results import Count, SegmentRef, SegmentView, TimelinePage
from engine.rows import contact_fields, contact_objects
from engine.segments import Segment
from engine.snapshot import Snapshot
from engine.timeline import timeline_page
from engine.values import iso_datetime
from engine.warming import DEFAULT_BYTES, resident, suggested
from engine.why import WORDS, Contact, Why, why

MIN_SEQ_PATIENCE = 5.0
"""Seconds that a query waits for its `min_seq`."""


def milliseconds_now() -> int:
    return int(time() * 1000)


class Questions:
    """What is asked of one set of contacts, companies, events and segments. Safe to use from many threads."""

    def __init__(self, name: str, snapshot: Snapshot, limits: QueryLimits, cache_bytes: int) -> None:
        """`cache_bytes` is what remembered answers may take."""
        self.name = name
        self._snapshot = snapshot
        self._limits = limits
        self.caches = Caches(cache_bytes)
        self.caches.begin(snapshot)
        self._published = threading.Condition()

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
    def healthy(self) -> str | None:
        """Why the state is not kept up; None while it is."""
        return None

    @property
    def limits(self) -> QueryLimits:
        """What a question may cost."""
        return self._limits

    def query(
        self,
        expression: str,
        *,
        params: Mapping[str, Any] | None = None,
        at: int | None = None,
        min_seq: int | None = None,
    ) -> Query:
        """Bind an expression to the newest state. `at` is the evaluation clock in milliseconds, now by default.

        Raises ExpressionError; StaleRead when `min_seq` is not reached within five seconds, and what the deadline of
        the query raises when that is sooner.
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

    def warm(self, most_bytes: int = DEFAULT_BYTES) -> Iterator[str]:
        """Make what first questions would have to make, a step at a time: yields each expression it is about to count.

        It ends once the process has taken `most_bytes` more memory; answers are not remembered. What the deadline held
        by the caller raises goes through.
        """
        before = resident()
        for text in suggested(self._snapshot):
            if resident() - before >= most_bytes:
                return
            yield text
            # Segments and fields may have gone meanwhile, and some cost more than is allowed.
            with suppress(ExpressionError):
                self._forgotten(text).count()

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
        facts = self._facts(snapshot, id)
        return [segment for segment, member in snapshot.segments.deciding if member.holds(facts)]

    def is_member(self, key: str, id: str) -> bool:
        """Whether a contact is in a segment, now. UnknownSegment, UnknownContact."""
        snapshot = self._snapshot
        return self._facts(snapshot, id).member(snapshot.segments[key].key)

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

    def _facts(self, snapshot: Snapshot, id: str) -> Facts:
        """What segments may ask of a contact. UnknownContact."""
        row, clock = _row(snapshot, id), self._clock(snapshot, None)

        def holds(condition: Condition) -> bool:
            """By a plan, which is remembered by what it is of."""
            made, _ = self.caches.plan(snapshot, condition, Selection(condition), clock)
            return bool(execute(made.operator, snapshot.data, BitMap((row,))))

        return Facts(snapshot.data, row, clock, snapshot.segments.rules, holds)

    def _take(self, snapshot: Snapshot) -> None:
        with self._published:
            self._snapshot = snapshot
            self.caches.begin(snapshot)
            self._published.notify_all()

    def _bound(self, snapshot: Snapshot, text: str, params: Mapping[str, Any] | None, clock: Clock) -> Query:
        asked = Asked(text, params or NO_PARAMS)
        key = asked.key if self.caches.remember else None
        selection, served = self.caches.selection(snapshot, asked, key)
        return bound(self.caches, snapshot, text, key, selection, clock, self._limits.budget_ms, served)

    def _forgotten(self, text: str) -> Query:
        """A query that finds nothing remembered, and leaves nothing behind."""
        snapshot = self._snapshot
        selection = snapshot.segments.understand(text, snapshot.schema, NO_PARAMS)
        clock, budget_ms = self._clock(snapshot, None), self._limits.budget_ms
        return bound(Caches(0), snapshot, text, None, selection, clock, budget_ms)

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
            if not self._published.wait_for(lambda: self.seq >= seq, min(MIN_SEQ_PATIENCE, seconds_wanted())):
                still_wanted()
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

    def _row(self, id: str) -> int:
        return _row(self._snapshot, id)


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


class Directory(Protocol):
    """Workspaces to be asked."""

    def workspaces(self) -> list[str]:
        """Names, in order."""

    def workspace(self, name: str) -> Questions:
        """UnknownWorkspace when there is none."""
