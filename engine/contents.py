"""What a workspace holds, as its journal tells it: tables and segments, changed record by record.

Whoever applies the same records in the same order holds the same: the one that writes, and all who follow it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
from pyroaring import BitMap

from dsl.schema import Schema
from dsl.schema_json import schema_from_json
from engine.changes import (
    BulkContacts,
    BulkEvents,
    Change,
    ChangeMembers,
    DropSegment,
    EraseContacts,
    PatchSchema,
    PutSegment,
)
from engine.segments import SegmentBook
from engine.snapshot import Snapshot
from engine.tables.bulk_contacts import apply_bulk_contacts
from engine.tables.bulk_events import apply_bulk_events
from engine.tables.drafts import Draft
from engine.tables.saving import load
from engine.tables.state import Applied, Chore, State
from storage.blocks import MappedBlocks
from storage.store import Checkpoint

log = logging.getLogger(__name__)


class Contents:
    """Used by one thread at a time, but for `snapshot`."""

    def __init__(self, blocks: MappedBlocks, checkpoint: Checkpoint | None) -> None:
        """What a checkpoint holds; nothing at all without one."""
        self.blocks = blocks
        self._drafts: dict[str, Draft] = {}
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._building: Future[Chore] | None = None
        self.on_publish: Callable[[Snapshot], None] = lambda snapshot: None
        self.schema, self.segments, self.tables = _restored(blocks, checkpoint)
        self.snapshot = Snapshot(self.tables.publish(0 if checkpoint is None else checkpoint.seq), self.segments)

    def apply(self, change: Change, seq: int) -> Applied:
        """Apply one durable change. Deterministic; cannot fail for a change that was validated."""
        match change:
            case PatchSchema():
                self.schema = schema_from_json(change.schema)
                self.tables.declare(self.schema)
                return Applied(accepted=1)
            case PutSegment():
                self.segments = self.segments.put(change, self.schema, seq)
                return Applied(accepted=1)
            case DropSegment():
                self.segments = self.segments.drop(change.key)
                return Applied(accepted=1)
            case ChangeMembers():
                self.segments = self.segments.members(change)
                return Applied(accepted=len(change.add) + len(change.remove) + len(change.reset))
            case EraseContacts():
                self.segments = self.segments.without_contacts(BitMap(change.rows))
                return self.tables.apply(change, seq)
            case BulkContacts():
                draft = self._drafts.pop(change.blocks[0], None)
                applied = None if draft is None else draft.taken(self.tables, seq)
                return applied or apply_bulk_contacts(self.tables, change, seq, self.blocks)
            case BulkEvents():
                return apply_bulk_events(self.tables, change, seq, self.blocks)
            case _:
                return self.tables.apply(change, seq)

    def draft(self, change: BulkContacts) -> None:
        """Make an import beforehand, on the caller's thread, so that applying it takes the writer no time."""
        self._drafts[change.blocks[0]] = Draft.of(self.snapshot.data, change, self.blocks)

    def forget_draft(self, change: BulkContacts) -> None:
        self._drafts.pop(change.blocks[0], None)

    def tend(self) -> bool:
        """Take what was built beside, and begin to build what is due; whether anything was taken, to be published.

        Parts are merged, and patches into what they lie over, by a thread of its own: writers do not wait for it.
        """
        building = self._building
        if building is not None and (not building.done() or building.exception() is not None):
            return False  # what could not be built once is not tried again: all is well without
        taken = building is not None and self.tables.adopt(building.result())
        chore = self.tables.due()
        self._building = None if chore is None else self._builder.submit(_built, chore)
        return taken

    def rest(self) -> None:
        """Build nothing any more."""
        self._builder.shutdown()
        self.tables.rest()

    def publish(self, seq: int) -> None:
        """Make everything applied so far what readers see."""
        self.snapshot = Snapshot(self.tables.publish(seq), self.segments)
        self.on_publish(self.snapshot)


def _built(chore: Chore) -> Chore:
    try:
        chore.build()
    except BaseException:
        log.exception("parts or columns could not be merged")
        raise
    return chore


def _restored(blocks: MappedBlocks, checkpoint: Checkpoint | None) -> tuple[Schema, SegmentBook, State]:
    if checkpoint is None:
        return Schema(), SegmentBook(), State(Schema())
    state: dict[str, Any] = msgspec.msgpack.decode(checkpoint.state)
    schema = schema_from_json(state["schema"])
    segments = SegmentBook.from_state(state["segments"], schema)
    return schema, segments, load(state["tables"], blocks, schema)
