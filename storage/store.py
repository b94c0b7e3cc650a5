"""One workspace on disk: its journal, its documents, its blocks, and the checkpoint that the journal starts from."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.blocks import BlockRef, Blocks
from storage.crashpoints import reach
from storage.database import Database
from storage.disk import Disk
from storage.documents import TABLE as DOCUMENTS
from storage.documents import Documents
from storage.errors import DamageError

_FILE = "tamis.db"
_BLOCKS = "blocks"
_TABLES = (
    "CREATE TABLE journal (seq INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, record BLOB NOT NULL)",
    "CREATE TABLE checkpoint (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, checksum INTEGER NOT NULL, "
    "manifest TEXT NOT NULL, state BLOB NOT NULL)",
    DOCUMENTS,
)
_REPLAYED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state after journal record `seq`: what the engine serialised, and the blocks it named."""

    seq: int
    state: bytes
    blocks: tuple[BlockRef, ...]


class Store:
    """The storage of one workspace. Any thread may use it; appends take their turns."""

    def __init__(self, directory: Path, reserve: int) -> None:
        """Open and verify what `create` made; DamageError for the first thing found broken."""
        self._disk = Disk(directory, reserve)
        self._appending = threading.Lock()
        self._checkpointing = threading.Lock()
        self._database = Database(directory / _FILE, self._disk, _TABLES)
        try:
            self.documents = Documents(self._database)
            self.blocks = Blocks(blocks_folder(directory), self._disk)
            checkpoint = self.checkpoint()
            self._checkpoint_seq = checkpoint.seq if checkpoint else 0
            self._named = frozenset(ref.name for ref in checkpoint.blocks) if checkpoint else frozenset()
            self.last_seq = self._last_contiguous_seq()
            self._opened_at = self.last_seq
            self.blocks.hold((name for name in self.blocks.names() if name not in self._named), self._opened_at)
            self.blocks.verify_all(checkpoint.blocks if checkpoint else ())
            if not self._database.sealed:
                self._verify_rows()
        except BaseException:
            self._database.release()
            raise

    @classmethod
    def create(cls, directory: Path, reserve: int) -> None:
        """Make the files of an empty store in an empty directory."""
        disk = Disk(directory, reserve)
        disk.require_room(0)
        with disk.writing(directory):
            blocks_folder(directory).mkdir()
        Database.create(directory / _FILE, disk, _TABLES)

    @property
    def failure(self) -> str | None:
        """Why nothing more is accepted, after the disk failed; None while it is well."""
        return self._disk.failure

    def append(self, records: Sequence[bytes], *, blocks: Iterable[str] = ()) -> int:
        """Append records to the journal in one transaction; durable on return.

        `blocks` are the names of the blocks that these records name: they are kept until a checkpoint that covers
        the records leaves them out. Returns the number of the last record; numbers are contiguous, from 1.

        Raises:
            StorageFull: there is no room; nothing was written.
            StorageFailed: the disk failed, now or earlier; nothing is accepted until the directory is opened again.
        """
        self._disk.require_room(sum(map(len, records)))
        with self._appending:
            if not records:
                return self.last_seq
            rows = [(seq, _checksum(seq, record), record) for seq, record in enumerate(records, self.last_seq + 1)]
            with self._database.transaction() as connection:
                connection.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
            self.last_seq = rows[-1][0]
            self.blocks.hold(blocks, self.last_seq)
            return self.last_seq

    def replay(self, after: int) -> Iterator[tuple[int, bytes]]:
        """The records after `after`, in order, up to the last one there is now.

        Raises:
            ValueError: `after` lies before the checkpoint; those records are gone.
            DamageError: a record is missing or changed.
        """
        if after < self._checkpoint_seq:
            raise ValueError(f"records up to {self._checkpoint_seq} are covered by the checkpoint, and gone")
        seq, end = after, self.last_seq
        while seq < end:
            rows = self._database.rows(
                "SELECT seq, checksum, record FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                *(seq, end, _REPLAYED_AT_ONCE),
            )
            if not rows:
                raise self._damaged(f"journal record {seq + 1} is missing")
            for found, checksum, record in rows:
                seq += 1
                if found != seq:
                    raise self._damaged(f"journal record {seq} is missing")
                if _checksum(seq, record) != checksum:
                    raise self._damaged(f"journal record {seq} does not have its checksum")
                yield seq, record

    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint; None before the first."""
        rows = self._database.rows("SELECT seq, checksum, manifest, state FROM checkpoint")
        if not rows:
            return None
        [(seq, checksum, manifest, state)] = rows
        if _checksum(seq, state, manifest.encode()) != checksum:
            raise self._damaged(f"the checkpoint of record {seq} does not have its checksum")
        return Checkpoint(seq, state, tuple(map(BlockRef.of, json.loads(manifest))))

    def contents(self) -> tuple[Checkpoint | None, list[bytes]]:
        """The newest checkpoint, and every record after it up to the last one there is now. DamageError."""
        with self._checkpointing:
            return self.checkpoint(), [record for _, record in self.replay(self._checkpoint_seq)]

    def commit_checkpoint(self, seq: int, state: bytes, blocks: Sequence[BlockRef]) -> None:
        """Make `state` and `blocks` the checkpoint, and drop the journal records it covers, all at once.

        Then remove the blocks that nothing names any more, and empty the write-ahead log, so that what was dropped is
        no longer anywhere in the files. A crash at any moment leaves the old checkpoint or the new one.

        Raises:
            ValueError: `seq` is not between the last checkpoint and the last record, or a block is unknown.
            StorageFull: there is no room. The old checkpoint and the journal stay as they were, unless it was only
                the log that could not be emptied: then the next checkpoint or `scrub` does it.
        """
        with self._checkpointing:
            named = self._nameable(seq, blocks)
            manifest = json.dumps(named)
            row = (seq, _checksum(seq, state, manifest.encode()), manifest, state)
            with self._database.transaction() as connection:
                connection.execute("REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?)", row)
                connection.execute("DELETE FROM journal WHERE seq <= ?", (seq,))
                reach("checkpoint.written")
            reach("checkpoint.committed")
            self._checkpoint_seq, self._named = seq, frozenset(named)
            self.blocks.settle(seq, self._named)
            reach("checkpoint.collected")
            self.scrub()

    def scrub(self) -> None:
        """Leave no byte of deleted rows in the files of the database: empty the log, whose older pages have them.

        Deleted rows are overwritten with zeros as they are deleted, and files shrink; what a file system or a drive
        keeps of overwritten and freed sectors is beyond this.
        """
        self._database.seal()

    def collect(self, live: set[str]) -> None:
        """Remove the blocks of imports that a crash cut short, once the journal has been replayed.

        `live` names the blocks that the replayed records name. Blocks written since the store was opened stay.
        """
        self.blocks.keep_only(live, self._opened_at)

    def close(self) -> None:
        """Empty the log into the database, and close. Open blocks stay readable."""
        with self._appending:
            self._database.close()

    def _nameable(self, seq: int, blocks: Sequence[BlockRef]) -> list[str]:
        if not self._checkpoint_seq <= seq <= self.last_seq:
            raise ValueError(f"record {seq} is not between {self._checkpoint_seq} and {self.last_seq}")
        names = [ref.name for ref in blocks]
        for name in names:
            if name not in self._named and not self.blocks.held(name):
                raise ValueError(f"{name} is not a block of this store")
        return names

    def _last_contiguous_seq(self) -> int:
        [(count, first, last)] = self._database.rows("SELECT count(*), min(seq), max(seq) FROM journal")
        if not count:
            return self._checkpoint_seq
        if first != self._checkpoint_seq + 1 or last - first + 1 != count:
            raise self._damaged(f"the journal does not hold every record from {self._checkpoint_seq + 1} to {last}")
        return int(last)

    def _verify_rows(self) -> None:
        self.documents.verify()
        for _ in self.replay(self._checkpoint_seq):
            pass

    def _damaged(self, what: str) -> DamageError:
        return DamageError(self._database.path, what)


def blocks_folder(directory: Path) -> Path:
    """Where the store in `directory` keeps its blocks."""
    return directory / _BLOCKS


def _checksum(seq: int, content: bytes, more: bytes = b"") -> int:
    return zlib.crc32(more, zlib.crc32(content, zlib.crc32(seq.to_bytes(8, "little"))))
