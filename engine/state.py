"""The changing state of a workspace, owned by its writer: tables and segments, published as snapshots.

A checkpoint moves what the journal holds into blocks: the writer seals new ids and events (short), then a background
thread merges what was written over older columns, leaves out the events of erased contacts, saves the immutable
result and tells storage, while writing and reading go on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from time import monotonic

import msgspec

from dsl.schema_json import schema_to_json
from engine.changes import Change, EraseContacts, blocks_named, decode
from engine.contents import Contents
from engine.snapshot import Snapshot
from engine.tables.saving import save
from engine.tables.state import Applied
from storage.errors import StorageFull
from storage.store import Checkpoint, Store

CHECKPOINT_BYTES = 64 << 20
"""Journal bytes after which a checkpoint begins by itself."""
CHECKPOINT_SECONDS = 300.0
"""Seconds after which a checkpoint begins by itself, when anything was written since."""


RETRY_SECONDS = 10.0
"""Seconds after which a checkpoint that failed (a full disk, most likely) is tried again."""
ERASURE_SECONDS = 30.0
"""Seconds within which an erased contact is gone from every file as well."""


class WorkspaceState(Contents):
    """Used by one thread, the writer's, but for `snapshot` and the saving of a published version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._saver = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._saving: Future[None] | None = None
        self._adopted = True
        self._saved: Snapshot
        self._unsaved = 0
        self._saved_seq = 0
        self._erasing = False
        self._last_checkpoint = monotonic()
        self.on_checkpoint: Callable[[Checkpoint], None] = lambda checkpoint: None
        checkpoint = store.checkpoint()
        super().__init__(store.blocks, checkpoint)
        self._replay(checkpoint)

    def _replay(self, checkpoint: Checkpoint | None) -> None:
        reached = self._saved_seq = 0 if checkpoint is None else checkpoint.seq
        live: set[str] = set()
        for seq, record in self._store.replay(reached):
            change = decode(record)
            self.apply(change, seq)
            live.update(blocks_named(change))
            self._unsaved += len(record)
            reached = seq
        self._store.collect(live)
        self.publish(reached)

    # --- the writer's target ---------------------------------------------------------------------------------

    def apply(self, change: Change, seq: int) -> Applied:
        """Apply one durable change; the files forget an erased contact soon."""
        self._erasing |= isinstance(change, EraseContacts)
        return super().apply(change, seq)

    def after_group(self, size: int) -> None:
        """Count what the journal holds that no checkpoint covers."""
        self._unsaved += size

    def tick(self) -> None:
        """Take what was built beside and what a checkpoint made, and begin one when it is time."""
        changed = self.tend()
        if self._saving is not None and self._saving.done() and not self._adopted:
            self._adopted = changed = True
            self.tables.adopt_saved(self._saved.data)
        if changed:
            self.publish(self.snapshot.seq)
        if self.snapshot.seq > self._saved_seq and self._store.failure is None and self._due():
            self.start_checkpoint()

    def _due(self) -> bool:
        waited = monotonic() - self._last_checkpoint
        if self._saving is not None:
            if not self._saving.done():
                return False
            if self._saving.exception() is not None:
                return waited >= RETRY_SECONDS
        return self._unsaved >= CHECKPOINT_BYTES or waited >= (ERASURE_SECONDS if self._erasing else CHECKPOINT_SECONDS)

    # --- checkpoints -----------------------------------------------------------------------------------------

    def start_checkpoint(self) -> Future[None]:
        """Seal what is new, and save everything in the background; the future ends when it is durable."""
        self.tables.seal(everything=True)
        self.publish(self.snapshot.seq)
        self._unsaved = 0
        self._erasing = False
        self._adopted = False
        self._last_checkpoint = monotonic()
        self._saved = self.snapshot
        self._saving = self._saver.submit(self._save, self._saved)
        return self._saving

    def _save(self, snapshot: Snapshot) -> None:
        tables, blocks = save(snapshot.data, self._store.blocks)
        state = {
            "tables": tables,
            "schema": schema_to_json(snapshot.schema),
            "segments": snapshot.segments.to_state(),
        }
        checkpoint = Checkpoint(snapshot.seq, msgspec.msgpack.encode(state), tuple(blocks))
        self._store.commit_checkpoint(checkpoint.seq, checkpoint.state, checkpoint.blocks)
        self._saved_seq = checkpoint.seq
        self.on_checkpoint(checkpoint)

    def close(self) -> None:
        """Checkpoint what is not saved yet; the writer has stopped."""
        if self._saving is not None:
            wait([self._saving])
        if self._store.failure is None and self.snapshot.seq > self._saved_seq:
            # A full disk has no room for a checkpoint; the journal keeps all there is, and the next start replays it.
            with suppress(StorageFull):
                self.start_checkpoint().result()
        self._saver.shutdown()
        self.rest()
