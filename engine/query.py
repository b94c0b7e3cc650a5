"""One expression bound to one snapshot of the data and one clock: counts, pages, streams of its members."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from time import perf_counter

import numpy as np
import pyarrow as pa
from msgspec import Struct
from pyroaring import BitMap

from dsl.folding import fold
from dsl.moments import Clock
from dsl.problems import NOWHERE, DataError, Problem
from dsl.schema import Field, Type, type_of_value
from dsl.typed import FieldTerm, IsSet, Or, Scope, Selection, Test
from engine.binding import Planned
from engine.bitmaps import to_array
from engine.budget import too_costly
from engine.caches import Answers, Cache, Caches
from engine.cursor import Cursor, decode_cursor, encode_cursor
from engine.deadline import still_wanted
from engine.explanation import Explanation, explained
from engine.plan import Operator, count, execute
from engine.results import Count, Page
from engine.rows import Rows, arrow_batch, arrow_schema, chosen_fields, contact_objects, field_values
from engine.snapshot import Snapshot

PAGE_LIMIT = 10_000
LIGHT_MS = 5.0
"""What costs no more is answered where it is asked: a hop to a thread and back costs a tenth of a millisecond, and a
place among few."""
IDENTIFIED = "identified"
"""What the plan for the identified contacts is remembered by."""


class Query(Struct, frozen=True, eq=False, dict=True):
    """The contacts that a physical plan selects in `snapshot` at `clock`. Every answer is of that one state.

    `text` and `selection` are the expression that the plan was made of, `budget_ms` what it may cost; `served` is what
    was remembered of them, `answers` what is of its answers. `identity` finds the identified contacts, if any can be.
    """

    snapshot: Snapshot
    clock: Clock
    planned: Planned
    text: str
    selection: Selection
    budget_ms: float
    answers: Answers
    served: tuple[Cache, ...] = ()
    identity: Query | None = None

    @property
    def operator(self) -> Operator:
        return self.planned.operator

    @property
    def cost_ms(self) -> float:
        """What the answer is estimated to take, in milliseconds of one core."""
        return self.planned.cost_ms

    @property
    def light(self) -> bool:
        """Whether the answer is remembered, or estimated to be given soon: then it is not worth a thread."""
        return self.cost_ms < LIGHT_MS or self._remembered

    @property
    def _remembered(self) -> bool:
        return self.answers.count() is not None

    @cached_property
    def members(self) -> BitMap:
        """Contact rows; not to be changed in place."""
        found = self.answers.members()
        if found is None:
            found = execute(self.operator, self.snapshot.data)
            self.answers.keep_members(found)
        return found

    def count(self) -> Count:
        """How many, without building the set where the split by identity does not need it."""
        started = perf_counter()
        data = self.snapshot.data
        total = len(data.contacts.alive)
        if self.identity is None:
            number, identified, anonymous = self._number(), None, None
        else:
            number = len(self.members)
            known = self.identity.members
            identified = self.members.intersection_cardinality(known)
            anonymous = number - identified
        elapsed = (perf_counter() - started) * 1000
        return Count(number, total, identified, anonymous, self.snapshot.seq, elapsed)

    def _number(self) -> int:
        found = self.answers.count()
        if found is None:
            found = count(self.operator, self.snapshot.data)
            self.answers.keep_count(found)
        return found

    def explain(self) -> Explanation:
        """How the answer comes about: every step of planning, and what each operator holds."""
        return explained(self.text, self.selection, self.snapshot, self.clock, self.budget_ms, self._served())

    def _served(self) -> tuple[Cache, ...]:
        return (*self.served, Cache.ANSWER) if self._remembered else self.served

    def has(self, row: int) -> bool:
        """Whether one contact matches; costs far less than finding them all."""
        return bool(execute(self.operator, self.snapshot.data, BitMap([row])))

    def page(self, *, fields: Sequence[str] | None, limit: int, cursor: str | None, sort: str | None) -> Page:
        """At most `limit` members after `cursor`, oldest first or by `sort` (`field` or `-field`, missing last)."""
        if not 0 < limit <= PAGE_LIMIT:
            hint = f"ask for 1 to {PAGE_LIMIT}, and follow 'next'; or use an export"
            raise DataError([Problem("bad-limit", f"a page of {limit} contacts", hint, path="$.limit")])
        chosen = chosen_fields(self.snapshot.schema, fields)
        after = None if cursor is None else decode_cursor(cursor, sort)
        if sort is None:
            rows, more = self._rows_after(after, limit)
            keys: list[str | int | float | None] = [None] * len(rows)
        else:
            rows, keys, more = self._sorted_after(sort, after, limit)
        contacts = contact_objects(self.snapshot.data, chosen, rows)
        following = encode_cursor(Cursor(sort, keys[-1], int(rows[-1]))) if more else None
        return Page(contacts, len(self.members), following, self.snapshot.seq)

    def _rows_after(self, after: Cursor | None, limit: int) -> tuple[Rows, bool]:
        rest = self.members if after is None else self.members - BitMap(range(after.row + 1))
        page = to_array(rest[:limit]) if rest else np.empty(0, np.uint32)
        return page, len(rest) > len(page)

    def _sorted_after(
        self, sort: str, after: Cursor | None, limit: int
    ) -> tuple[Rows, list[str | int | float | None], bool]:
        name, descending = sort.removeprefix("-"), sort.startswith("-")
        field = chosen_fields(self.snapshot.schema, [name], "$.sort")[name]
        rows = to_array(self.members)
        keys = [sort_key(field, value) for value in field_values(self.snapshot.data, name, rows)]
        order = _ordered(rows, keys, descending)
        start = 0 if after is None else _position_after(order, _fitting(after, keys), descending)
        page = order[start : start + limit]
        return np.array([row for _, row in page], np.uint32), [key for key, _ in page], len(order) > start + limit

    def stream(self, fields: Sequence[str] | None, *, rows: int = 8192) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Every member, in Arrow batches of at most `rows`: memory does not grow with their number.

        Contacts that were erased meanwhile are left out as soon as their ids are gone.
        """
        chosen = chosen_fields(self.snapshot.schema, fields)
        return arrow_schema(chosen), self._batches(chosen, to_array(self.members), rows)

    def _batches(self, chosen: dict[str, Field], members: Rows, size: int) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(members), size):
            still_wanted()
            some = members[start : start + size]
            known = np.array(self.snapshot.data.contacts.ids(some), np.object_) != ""
            yield arrow_batch(self.snapshot.data, chosen, some[known])


def bound(
    caches: Caches,
    snapshot: Snapshot,
    text: str,
    key: Hashable | None,
    selection: Selection,
    clock: Clock,
    budget_ms: float,
    served: tuple[Cache, ...] = (),
) -> Query:
    """The query of a checked expression, whose plan is remembered by `key`. TooCostly for what exceeds the budget."""
    planned, remembered = caches.plan(snapshot, key, selection, clock)
    if planned.cost_ms > budget_ms:
        raise too_costly(text, selection, snapshot, clock, planned.cost_ms, budget_ms)
    identity = _identity(caches, snapshot, clock)
    answers = caches.answers(snapshot, planned)
    return Query(snapshot, clock, planned, text, selection, budget_ms, answers, (*served, *remembered), identity)


def _identity(caches: Caches, snapshot: Snapshot, clock: Clock) -> Query | None:
    """The contacts that have a value in a field that identifies them."""
    schema = snapshot.schema
    if not schema.identified_by:
        return None
    fields = [FieldTerm(NOWHERE, Scope.CONTACTS, schema.contacts[name]) for name in schema.identified_by]
    selection = Selection(Or(NOWHERE, tuple(Test(NOWHERE, field, IsSet()) for field in fields)))
    planned, _ = caches.plan(snapshot, IDENTIFIED, selection, clock)
    return Query(snapshot, clock, planned, "", selection, planned.cost_ms, caches.answers(snapshot, planned))


def sort_key(field: Field, value: type_of_value | None) -> str | int | float | None:
    """What rows are ordered by: folded text, numbers and times as they are; tags by their texts in order."""
    match field.type:
        case _ if value is None:
            return None
        case Type.TEXT | Type.CHOICE:
            return fold(str(value))
        case Type.TAGS:
            return "\n".join(fold(tag) for tag in value)  # type: ignore[union-attr]
        case _:
            return value  # type: ignore[return-value]


Keyed = tuple[str | int | float | None, int]


def _ordered(rows: Rows, keys: list[str | int | float | None], descending: bool) -> list[Keyed]:
    """(key, row) in order; equal keys by row, missing ones last."""
    pairs = list(zip(keys, rows.tolist(), strict=True))
    present = [pair for pair in pairs if pair[0] is not None]
    present.sort(key=lambda pair: pair[0], reverse=descending)  # type: ignore[arg-type, return-value]
    return present + [pair for pair in pairs if pair[0] is None]


def _fitting(after: Cursor, keys: list[str | int | float | None]) -> Cursor:
    """The cursor, when its key can be compared with these; DataError for one that was tampered with."""
    kind = next((type(key) for key in keys if key is not None), None)
    if after.key is None or kind is None or type(after.key) is kind:
        return after
    raise DataError([Problem("bad-cursor", "this is not a cursor that a page gave", path="$.cursor")])


def _position_after(order: list[Keyed], after: Cursor, descending: bool) -> int:
    """Where the page after `after` begins, whether or not its contact is still there."""

    def comes_after(pair: Keyed) -> bool:
        key, row = pair
        if key is None or after.key is None:
            return key is None and (after.key is not None or row > after.row)
        if key == after.key:
            return row > after.row
        return (key < after.key) if descending else (key > after.key)  # type: ignore[operator]

    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if comes_after(order[middle]):
            high = middle
        else:
            low = middle + 1
    return low
