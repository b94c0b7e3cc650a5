"""Bulk imports of events: indexed parts are built and written while others read and write, then attached at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from engine.bitmaps import Mask, Rows
from engine.changes import BulkEvents
from engine.tables.identity import rows_bitmap
from engine.tables.joining import from_arrow
from engine.tables.parts import LooseEvents, SealedPart, joined_events
from engine.tables.prints import NO_PRINTS, IdPrints, halves_of
from engine.tables.saving import import_order, open_part, write_part
from engine.tables.shelf import union
from engine.tables.state import Applied, State, TablesVersion, event_fields
from engine.tables.texts import strings
from formats.batch import Batch
from storage import BlockRef, Blocks

PART_ROWS = 1 << 21
LOOKED_UP_AT_ONCE = 1 << 20
ID = "id"


class UnknownContacts(Exception):
    """Events name contacts that do not exist and may not be created; `ids` holds the first few."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(f"unknown contacts: {', '.join(ids)}")
        self.ids = ids


@dataclass(slots=True)
class _Pending:
    """The events of one type that are not in a part yet, and the parts there are."""

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
        self._new: dict[str, int] = {}
        self._types: dict[str, _Pending] = {}
        self._waiting: list[Batch] = []
        self._waiting_rows = 0
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
        pending = self._types.setdefault(type, _Pending(event_fields(self._version.schema, type)))
        arrays = dict(batch.columns) | ({ID: batch.ids} if batch.ids is not None else {})
        at = np.full(count, self._at, np.int64) if batch.at is None else batch.at
        columns = {name: from_arrow(pending.fields[name], array) for name, array in arrays.items()}
        pending.batches.append(LooseEvents(contacts, at, order, columns))
        pending.rows += count
        if pending.rows >= PART_ROWS:
            self._flush(pending)

    def _contacts(self, keys: pa.StringArray) -> Rows:
        """The row of each key; those of contacts to be created follow the rows of the version."""
        rows = self._version.contacts.rows_of(keys)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            encoded = keys.take(unknown).dictionary_encode()
            rows[unknown] = np.array(self._created(encoded.dictionary.to_pylist()))[encoded.indices.to_numpy()]
        found: Rows = rows.astype(np.uint32)
        return found

    def _created(self, ids: list[str]) -> list[int]:
        if not self._create:
            raise UnknownContacts(ids[:5])
        return [self._version.contacts.size + self._new.setdefault(id, len(self._new)) for id in ids]

    def _flush(self, pending: _Pending) -> None:
        """Make a part of what is pending, without the duplicates of events taken before."""
        if not pending.batches:
            return
        events = joined_events(pending.batches, pending.fields)
        pending.batches, pending.rows = [], 0
        events, seen = _fresh(events, pending.seen)
        pending.seen.append(seen)
        if len(events.at):
            ref = write_part(SealedPart.of(events, int(events.order[0]), seen), self._blocks)
            pending.parts.append(ref)
            self._written.append(ref)

    def finish(self) -> BulkEvents:
        """The change that makes the import part of the data, once it is journalled with its blocks."""
        self._take()
        for pending in self._types.values():
            self._flush(pending)
        contacts = None
        if self._new:
            ref = self._blocks.write("new-contacts", {"texts": strings(list(self._new))})
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
    repeated = _repeated(high, low)
    for prints in before:
        repeated |= prints.known(high, low)
    seen = IdPrints(high[~repeated], low[~repeated]).ascending()
    return (_without(events, with_id[repeated]) if repeated.any() else events), seen


def _prints(events: LooseEvents) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    """The events that have an id, and the halves of its fingerprint."""
    column = events.columns.get(ID)
    ids = [] if column is None else column.values(np.arange(len(events.at), dtype=np.uint32))
    with_id = np.array([row for row, id in enumerate(ids) if id is not None], np.int64)
    return with_id, *halves_of(str(id) for id in ids if id is not None)


def _repeated(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Mask:
    """Which fingerprints occurred earlier in the same arrays."""
    order = np.lexsort((low, high))
    same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    repeated = np.zeros(len(high), np.bool_)
    repeated[order[1:][same]] = True
    return repeated


def _without(events: LooseEvents, rows: NDArray[np.int64]) -> LooseEvents:
    kept = np.ones(len(events.at), np.bool_)
    kept[rows] = False
    return events.chosen(np.flatnonzero(kept))


def apply_bulk_events(state: State, change: BulkEvents, seq: int, blocks: Blocks) -> Applied:
    """Attach the parts of an import. Where contacts or duplicates came since it began, parts are rebuilt."""
    before = state.contacts.ids.size
    parts = {
        type: [
            kept for part in _opened(state, type, names, blocks) if (kept := _undoubled(part, state, type)) is not None
        ]
        for type, names in change.parts.items()
    }
    built, rows = _new_contacts(state, change, blocks, [part for each in parts.values() for part in each])
    if built != rows:
        moves = _moves(built, rows)
        parts = {type: [part.with_contacts(moves) for part in each] for type, each in parts.items()}
    for type, each in parts.items():
        state.attach(type, each)
    state.accepted += change.rows
    state.seq = seq
    accepted = sum(part.size for each in parts.values() for part in each)
    touched = [part.times.everyone for each in parts.values() for part in each]
    created = state.contacts.ids.size > before
    return Applied(
        accepted=accepted,
        duplicates=change.rows - accepted,
        contacts=union([*touched, rows_bitmap(rows)]),
        fields=frozenset({"id", "created", "updated"} if created else ()),
        events=frozenset(type for type, each in parts.items() if each),
    )


def _new_contacts(
    state: State, change: BulkEvents, blocks: Blocks, parts: list[SealedPart]
) -> tuple[list[int], list[int]]:
    """Create the new contacts that have an event left: the rows that parts were built with, and the true ones.

    Some may have been created since the import began.
    """
    if change.contacts_block is None:
        return [], []
    ids = pa.array(blocks.open(change.contacts_block).arrays["texts"])
    new = BitMap(range(change.base, change.base + len(ids)))
    built = list(union([part.times.everyone for part in parts]) & new)
    return built, state.contact_rows([ids[row - change.base].as_py() for row in built], change.at)


def _opened(state: State, type: str, names: list[str], blocks: Blocks) -> list[SealedPart]:
    fields = event_fields(state.schema, type)
    return [open_part(name, blocks, fields, state.accepted + import_order(name, blocks)) for name in names]


def _moves(built: list[int], rows: list[int]) -> Rows:
    """The true row of each contact row that the import's parts were built with."""
    moves = np.arange(built[-1] + 1, dtype=np.uint32)
    moves[built] = rows
    return moves


def _undoubled(part: SealedPart, state: State, type: str) -> SealedPart | None:
    """The part without events that came since the import began, or before it; None when nothing is left."""
    known = state.known_ids(type, part.seen)
    if not known.any():
        return part
    events, seen = _fresh(part.loose(), [IdPrints(part.seen.high[known], part.seen.low[known])])
    return SealedPart.of(events, part.first, seen) if len(events.at) else None
