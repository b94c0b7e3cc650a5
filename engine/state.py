"""The changing state of a workspace, owned by its writer: tables and segments, published as snapshots.

A checkpoint moves what the journal holds into blocks: the writer seals the tails (short), then a background thread
saves the immutable result and tells storage, while writing and reading go on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

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
    decode,
)
from engine.segments import SegmentBook
from engine.snapshot import Snapshot
from engine.tables.state import Applied, State
from storage.store import Store

CHECKPOINT_BYTES = 64 << 20
"""Journal bytes after which a checkpoint begins by itself."""
CHECKPOINT_SECONDS = 300.0
"""Seconds after which a checkpoint begins by itself, when anything was written since."""


class WorkspaceState:
    """Used by one thread, the writer's, but for `snapshot` and the saving of a published version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._saver = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._saving: Future[None] | None = None
        self._unsaved = 0
        self._last_checkpoint = monotonic()
        self.on_publish: Callable[[Snapshot], None] = lambda snapshot: None
        self.schema, self.segments, self.tables = _restored(store)
        self.snapshot = Snapshot(self.tables.publish(0), self.segments)
        self._replay()

    def _replay(self) -> None:
        checkpoint = self._store.checkpoint()
        reached = 0 if checkpoint is None else checkpoint.seq
        for seq, record in self._store.replay(reached):
            self.apply(decode(record), seq)
            self._unsaved += len(record)
            reached = seq
        self.publish(reached)

    # --- the writer's target ---------------------------------------------------------------------------------

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
            case BulkContacts() | BulkEvents():
                raise TypeError("bulk records are not written yet")
            case _:
                return self.tables.apply(change, seq)

    def publish(self, seq: int) -> None:
        """Make everything applied so far what readers see."""
        self.snapshot = Snapshot(self.tables.publish(seq), self.segments)
        self.on_publish(self.snapshot)

    def after_group(self, size: int) -> None:
        """Seal what has grown, and begin a checkpoint when it is time."""
        self._unsaved += size

    def close(self) -> None:
        """The writer has stopped."""
        self._saver.shutdown()


def _restored(store: Store) -> tuple[Schema, SegmentBook, State]:
    return Schema(), SegmentBook(), State(Schema())
