"""Bulk imports of events: indexed parts are built and written while others read and write, then attached at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from engine.bitmaps import Mask, Rows, from_rows, to_array, union
from engine.changes import BulkEvents
from engine.tables.hashing import TextTable, quick_hashes
from engine.tables.identity import IdTable, no_ids
from engine.tables.joining import from_arrow
from engine.tables.keys import Keys
from engine.tables.loose_events import LooseEvents, joined_events
from engine.tables.parts import SealedPart
from engine.tables.prints import NO_PRINTS, Halves, IdPrints, halves_of_all
from engine.tables.saving import import_order, open_part, write_part
from engine.tables.state import Applied, State, TablesVersion, event_fields
from engine.tables.texts import mask_of
from formats.batch import Batch
from storage import BlockRef, Blocks, MappedBlocks

PART_ROWS = 1 << 23
"""An import makes parts of about so many events; while it lasts, it holds about twice as many in memory."""
OVERLAPPING = 8
"""Parts of an import are cut anew by time when more than one in so many of their events are of the time of others."""
MARKS = 256
"""Of each part, about so many moments tell where to cut."""
TABLE_WORTH = 8
"""All contacts are put into a table to look them up when there are at most so many for each event seen so far."""
LOOKED_UP_AT_ONCE = 1 << 20
ID = "id"


class UnknownContacts(Exception):
    """Events name contacts that do not exist and may not be created; `ids` holds the first few."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(f"unknown contacts: {', '.join(ids)}")
        self.ids = ids


@dataclass(slots=True)
class _Pending:
    """The events of one type that are not in a part yet, and the parts there are.

    `seen` are the ids of events of the version and of the parts.
    """

    fields: Mapping[str, Field]
    batches: list[LooseEvents] = field(default_factory=list)
    rows: int = 0
    parts: list[BlockRef] = field(default_factory=list)
    seen: list[IdPrints] = field(default_factory=list)


class EventImport:
    """Builds the parts of one import against one version. Any thread may run it; nothing shows until it is applied.

    `at` (milliseconds UTC) is the moment of events without one, and becomes `created` of new contacts.
    """

    def __init__(self, version: TablesVersion, blocks: Blocks, at: int, *, create_contacts: bool = True) -> None:
        self._version = version
        self._blocks = blocks
        self._at = at
        self._create = create_contacts
        self._new = IdTable(no_ids())
        self._table: TextTable | None = None
        self._types: dict[str, _Pending] = {}
        self._waiting: list[Batch] = []
        self._waiting_rows = 0
        self._pending_rows = 0
        self._written: list[BlockRef] = []
        self.rows = 0

    def add(self, batch: Batch) -> None:
        """Take the events of a batch, in order.

        Raises:
            UnknownContacts: some contacts do not exist, and may not be created.
            storage.StorageFull, storage.StorageFailed: see `Blocks.write`.
        """
        self._waiting.append(batch)
        self._waiting_rows += len(batch.keys)
        self.rows += len(batch.keys)
        if self._waiting_rows >= LOOKED_UP_AT_ONCE:
            self._take()

    def _take(self) -> None:
        """Look up the contacts of all waiting batches, and hand each to its type."""
        batches, self._waiting, self._waiting_rows = self._waiting, [], 0
        if not batches:
            return
        contacts = self._contacts(pa.concat_arrays([batch.keys for batch in batches]))
        first = self.rows - len(contacts)
        begin = 0
        for batch in batches:
            end = begin + len(batch.keys)
            if end > begin:
                self._add(batch, contacts[begin:end], np.arange(first + begin, first + end))
            begin = end

    def _add(self, batch: Batch, contacts: Rows, order: NDArray[np.int64]) -> None:
        type, count = batch.event or "", len(contacts)
        pending = self._pending(type)
        arrays = dict(batch.columns) | ({ID: batch.ids} if batch.ids is not None else {})
        at = np.full(count, self._at, np.int64) if batch.at is None else batch.at
        columns = {name: from_arrow(pending.fields[name], array) for name, array in arrays.items()}
        pending.batches.append(LooseEvents(contacts, at, order, columns))
        pending.rows += count
        self._pending_rows += count
        if self._pending_rows >= 2 * PART_ROWS:
            pending = max(self._types.values(), key=lambda each: each.rows)
        if pending.rows >= PART_ROWS or self._pending_rows >= 2 * PART_ROWS:
            self._flush(pending)

    def _pending(self, type: str) -> _Pending:
        pending = self._types.get(type)
        if pending is None:
            fields, events = event_fields(self._version.schema, type), self._version.events(type)
            seen = [] if events is None else events.prints
            pending = self._types[type] = _Pending(fields, seen=list(seen))
        return pending

    def _contacts(self, keys: pa.StringArray) -> Rows:
        """The row of each key; those of contacts to be created follow the rows of the version."""
        rows = self._known(keys)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            rows[unknown] = self._created(keys.take(pa.array(unknown)))
        found: Rows = rows.astype(np.uint32)
        return found

    def _known(self, keys: pa.StringArray) -> NDArray[np.int64]:
        """The row of each key that a contact of the version has, or -1; a table of them all is made when it pays."""
        contacts = self._version.contacts
        if self._table is None and self.rows * TABLE_WORTH >= contacts.size:
            self._table = contacts.table()
        return contacts.rows_of(keys) if self._table is None else self._table.find(keys, quick_hashes(keys))

    def _created(self, ids: pa.StringArray) -> NDArray[np.int64]:
        if not self._create:
            raise UnknownContacts(ids.unique()[:5].to_pylist())
        return self._version.contacts.size + self._new.allot_all(ids).astype(np.int64)

    def _flush(self, pending: _Pending) -> None:
        """Make a part of what is pending, without the duplicates of events taken before."""
        if not pending.batches:
            return
        events = joined_events(pending.batches, pending.fields)
        self._pending_rows -= pending.rows
        pending.batches, pending.rows = [], 0
        events, seen = _fresh(events, pending.seen)
        pending.seen.append(seen)
        if len(events.at):
            pending.parts.append(self._written_part(events, seen))

    def _written_part(self, events: LooseEvents, seen: IdPrints) -> BlockRef:
        ref = write_part(SealedPart.of(events, int(events.order.min()), seen), self._blocks)
        self._written.append(ref)
        return ref

    def _cut_by_time(self, pending: _Pending) -> None:
        """Where the parts of an import overlap in time, make others of the same events that do not.

        A window of time then touches few parts but for those that lie in it as a whole. Only the events of one part
        at a time are in memory.
        """
        parts = [
            open_part(ref.name, self._blocks, pending.fields, import_order(ref.name, self._blocks))
            for ref in pending.parts
        ]
        if not _overlapping(parts):
            return
        old, pending.parts = pending.parts, []
        for start, end in pairwise([None, *_cuts(parts), None]):
            pieces = [part.between(*part.bounds(start, end)) for part in parts]
            events = joined_events(pieces, pending.fields)
            if len(events.at):
                pending.parts.append(self._written_part(events, _prints_of(events)))
        self._written = [ref for ref in self._written if ref not in old]
        self._blocks.discard(ref.name for ref in old)

    def finish(self) -> BulkEvents:
        """The change that makes the import part of the data, once it is journalled with its blocks."""
        self._take()
        for pending in self._types.values():
            self._flush(pending)
            self._cut_by_time(pending)
        contacts = None
        if self._new.size:
            ref = self._blocks.write("new-contacts", {"texts": self._new.arrow(self._new.size)})
            self._written.append(ref)
            contacts = ref.name
        parts = {type: [ref.name for ref in pending.parts] for type, pending in self._types.items()}
        return BulkEvents(self._at, self._version.contacts.size, contacts, parts, self.rows)

    def discard(self) -> None:
        """Give up: remove what was written."""
        self._blocks.discard(ref.name for ref in self._written)


def _fresh(events: LooseEvents, before: Iterable[IdPrints]) -> tuple[LooseEvents, IdPrints]:
    """The events whose id is neither among `before` nor that of an earlier one of them, and their fingerprints."""
    with_id, high, low = _prints(events)
    if not len(with_id):
        return events, NO_PRINTS
    order = np.argsort(high, kind="stable")
    repeated = _repeated(high[order], low[order])
    for prints in before:
        repeated |= prints.known(high[order], low[order])
    seen = IdPrints(high[order[~repeated]], low[order[~repeated]])
    return (_without(events, with_id[order[repeated]]) if repeated.any() else events), seen


def _overlapping(parts: list[SealedPart]) -> bool:
    """Whether many events are of the time of other parts."""
    spans = sorted(((part.earliest, part.latest, part) for part in parts), key=lambda span: span[:2])
    reached, strays = -(1 << 63), 0
    for start, end, part in spans:
        strays += part.estimate_between(start, min(reached, end))
        reached = max(reached, end)
    return strays * OVERLAPPING > sum(part.size for part in parts)


def _cuts(parts: list[SealedPart]) -> list[int]:
    """Moments between which there are about `PART_ROWS` events."""
    step = max(1, PART_ROWS // MARKS)
    marks = np.sort(np.concatenate([part.at[::step] for part in parts]))
    count = max(1, round(len(marks) * step / PART_ROWS))
    cuts: list[int] = np.unique(marks[len(marks) * np.arange(1, count) // count]).tolist()
    return cuts


def _prints_of(events: LooseEvents) -> IdPrints:
    """The fingerprints of the ids of events that are all different."""
    _, high, low = _prints(events)
    return IdPrints(high, low).ascending()


def _prints(events: LooseEvents) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    """The events that have an id, and the halves of its fingerprint."""
    column = events.columns.get(ID)
    if column is None:
        return np.zeros(0, np.int64), *NO_PRINTS.halves
    assert isinstance(column, Keys)
    return np.flatnonzero(mask_of(column.texts.is_valid())), *halves_of_all(column.texts.drop_null())


def _repeated(high: Halves, low: Halves) -> Mask:
    """Which fingerprints occurred earlier in the same arrays. High halves ascend; of equal ones, the order is kept."""
    repeated = np.zeros(len(high), np.bool_)
    alike = np.flatnonzero(high[1:] == high[:-1])
    if not len(alike):
        return repeated
    order = np.lexsort((low, high))
    same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    repeated[order[1:][same]] = True
    return repeated


def _without(events: LooseEvents, rows: NDArray[np.int64]) -> LooseEvents:
    kept = np.ones(len(events.at), np.bool_)
    kept[rows] = False
    return events.chosen(np.flatnonzero(kept))


def apply_bulk_events(state: State, change: BulkEvents, seq: int, blocks: MappedBlocks) -> Applied:
    """Attach the parts of an import. Where contacts or duplicates came since it began, parts are rebuilt.

    A contact that was erased since stays erased: its events are never seen, and go with the next full seal.
    """
    before = state.contacts.ids.size
    parts = {type: _kept(state, type, names, blocks) for type, names in change.parts.items()}
    everyone = union([part.times.everyone for each in parts.values() for part in each])
    moves = _moves(state, change, everyone, blocks)
    touched = everyone if moves is None else from_rows(moves[to_array(everyone)])
    for type, each in parts.items():
        state.attach(type, each if moves is None else [part.with_contacts(moves) for part in each])
    state.accepted += change.rows
    state.seq = seq
    accepted = sum(part.size for each in parts.values() for part in each)
    created = state.contacts.ids.size > before
    return Applied(
        accepted=accepted,
        duplicates=change.rows - accepted,
        contacts=touched,
        fields=frozenset({"id", "created", "updated"} if created else ()),
        events=frozenset(type for type, each in parts.items() if each),
    )


def _kept(state: State, type: str, names: list[str], blocks: MappedBlocks) -> list[SealedPart]:
    """The parts of an import, without duplicates."""
    return [kept for part in _opened(state, type, names, blocks) if (kept := _undoubled(part, state, type)) is not None]


def _moves(state: State, change: BulkEvents, everyone: BitMap, blocks: MappedBlocks) -> Rows | None:
    """The true row of each contact row that the import's parts were built with; None when all are true already.

    Contacts are created for events that are kept, and some may have been created since the import began.
    """
    if change.contacts_block is None:
        return None
    texts = pa.array(blocks.open(change.contacts_block).arrays["texts"])
    used = to_array(everyone - BitMap(range(change.base)))
    moves = np.arange(change.base + len(texts), dtype=np.uint32)
    moves[used] = state.many_contact_rows(texts.take(pa.array(used - np.uint32(change.base))), change.at)
    return None if (moves[used] == used).all() else moves


def _opened(state: State, type: str, names: list[str], blocks: MappedBlocks) -> list[SealedPart]:
    fields = event_fields(state.schema, type)
    return [open_part(name, blocks, fields, state.accepted + import_order(name, blocks)) for name in names]


def _undoubled(part: SealedPart, state: State, type: str) -> SealedPart | None:
    """The part without events that came since the import began, or before it; None when nothing is left."""
    known = state.known_ids(type, part.seen)
    if not known.any():
        return part
    events, seen = _fresh(part.loose(), [IdPrints(part.seen.high[known], part.seen.low[known])])
    return SealedPart.of(events, part.first, seen) if len(events.at) else None
