"""What a workspace holds, as its journal tells it: tables and segments, changed record by record.

Whoever applies the same records in the same order holds the same: the one that writes, and all who follow it.
"""

from __future__ import annotations

from collections.abc import Callable
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
from engine.tables.saving import load
from engine.tables.state import Applied, State
from storage.blocks import MappedBlocks
from storage.store import Checkpoint


class Contents:
    """Used by one thread at a time, but for `snapshot`."""

    def __init__(self, blocks: MappedBlocks, checkpoint: Checkpoint | None) -> None:
        """What a checkpoint holds; nothing at all without one."""
        self.blocks = blocks
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
                return apply_bulk_contacts(self.tables, change, seq, self.blocks)
            case BulkEvents():
                return apply_bulk_events(self.tables, change, seq, self.blocks)
            case _:
                return self.tables.apply(change, seq)

    def publish(self, seq: int) -> None:
        """Make everything applied so far what readers see."""
        self.snapshot = Snapshot(self.tables.publish(seq), self.segments)
        self.on_publish(self.snapshot)


def _restored(blocks: MappedBlocks, checkpoint: Checkpoint | None) -> tuple[Schema, SegmentBook, State]:
    if checkpoint is None:
        return Schema(), SegmentBook(), State(Schema())
    state: dict[str, Any] = msgspec.msgpack.decode(checkpoint.state)
    schema = schema_from_json(state["schema"])
    segments = SegmentBook.from_state(state["segments"], schema)
    return schema, segments, load(state["tables"], blocks, schema)
