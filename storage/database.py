"""One SQLite database, guarded: every commit is durable and witnessed, and damage to any byte of it is noticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw

from storage.crashpoints import reach
from storage.disk import FULL, Disk, measure, write_whole
from storage.errors import DamageError, StorageFailed, StorageFull
from storage.witness import Testimony, Witness, render

LOG_LIMIT = 64 * 2**20
"""Bytes of write-ahead log at which it is emptied into the database file."""

_COMMITS = "CREATE TABLE commits (id INTEGER PRIMARY KEY, number INTEGER NOT NULL)"

# One connection, with the lock held for ever: no -shm file, no busy errors. The log is emptied only by `seal`.
# Freed pages are zeroed (secure_delete) and given back to the file system (auto_vacuum).
_SETTINGS = {
    "locking_mode": "EXCLUSIVE",
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "secure_delete": "ON",
    "wal_autocheckpoint": 0,
    "temp_store": "MEMORY",
    "cache_size": -16384,
}


class Database:
    """A connection that threads share by a lock. `tables` are the CREATE statements it was made with."""

    def __init__(self, path: Path, disk: Disk, tables: Sequence[str]) -> None:
        """Open and verify. After a clean close, `sealed` is true and every byte of the file has been verified.

        Raises:
            DamageError: the database, its log or its witness is not what was acknowledged.
        """
        self.path = path
        self.log = path.with_name(path.name + "-wal")
        self.lock = threading.RLock()
        self.disk = disk
        self._witness = Witness(witness_path(path))
        try:
            self._testimony = self._witness.read()
            self._verify_file()
            self._connection = self._connect()
            try:
                self._verify_content([_COMMITS, *tables])
            except BaseException:
                self._connection.close(True)
                raise
        except BaseException:
            self._witness.close()
            raise

    @classmethod
    def create(cls, path: Path, disk: Disk, tables: Sequence[str]) -> None:
        """Make an empty database. The witness comes last: a database without one was never finished, and is redone."""
        with disk.writing(path):
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink()
            connection = _connected(path, disk, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            with _errors(connection, disk):
                # Kept in the file; setting it again writes, which opening on a full disk could not.
                connection.execute("PRAGMA auto_vacuum=FULL")
                _configured(connection)
                with connection:
                    for statement in (_COMMITS, *tables):
                        connection.execute(statement)
                    connection.execute("INSERT INTO commits VALUES (1, 0)")
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                connection.close()
            write_whole(witness_path(path), render(Testimony(0, *measure(path), sealed=True)))

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """All that is executed inside, or nothing; durable and witnessed when the block is left."""
        with self.lock:
            self.disk.require_healthy()
            with _errors(self._connection, self.disk):
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("UPDATE commits SET number = number + 1")
                    reach("append.inserted")
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            reach("append.committed")
            self._testify(replace(self._testimony, commit=self._testimony.commit + 1))
            reach("append.acknowledged")
            if self._log_size() > LOG_LIMIT:
                # What was committed stays so, whether or not the log can be emptied now.
                with suppress(StorageFull, StorageFailed):
                    self.seal()

    def rows(self, query: str, *bindings: Any) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self.lock, _errors(self._connection, self.disk):
            return list(self._connection.execute(query, bindings))

    def seal(self) -> None:
        """Empty the write-ahead log into the database file and record the file's checksum.

        Afterwards the log is empty, so that nothing deleted or replaced earlier is left in either file.
        """
        with self.lock:
            self.disk.require_healthy()
            if self._testimony.sealed and not self._log_size():
                return
            self._testify(replace(self._testimony, sealed=False), durable=True)
            reach("seal.announced")
            with _errors(self._connection, self.disk):
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            reach("seal.copied")
            self._testify(Testimony(self._testimony.commit, *measure(self.path), sealed=True), durable=True)

    def release(self) -> None:
        """Close as things are, writing nothing: the next opening verifies the same bytes."""
        with self.lock:
            self._connection.close(True)
            self._witness.close()

    def close(self) -> None:
        """Seal and close; where the disk does not let us seal, the log stays and the next opening reads it."""
        with self.lock:
            try:
                self.seal()
                reach("close.sealed")
                # With nothing left in the log, closing removes it.
                self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            except (StorageFull, StorageFailed):
                pass
            finally:
                self.release()

    @property
    def sealed(self) -> bool:
        """Whether the file held still since its checksum was taken; false only after a crash while sealing."""
        return self._testimony.sealed

    def _connect(self) -> apsw.Connection:
        connection = _connected(self.path, self.disk, apsw.SQLITE_OPEN_READWRITE)
        with _errors(connection, self.disk):
            # A log that we have not sealed is never to be touched by a close.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            return _configured(connection)

    def _verify_file(self) -> None:
        found = measure(self.path)
        if self.sealed and found != (self._testimony.size, self._testimony.checksum):
            raise DamageError(self.path, "the checksum of the file does not hold")

    def _verify_content(self, tables: list[str]) -> None:
        found = self.rows("SELECT number FROM commits")
        if len(found) != 1:
            raise DamageError(self.path, "the count of commits is missing")
        [(number,)] = found
        if number < self._testimony.commit:
            lost = f"commits {number + 1} to {self._testimony.commit} were acknowledged and cannot be read"
            raise DamageError(self.log, lost)
        if not self.sealed:
            self._verify_structure(tables)
        self._testimony = replace(self._testimony, commit=number)

    def _verify_structure(self, tables: list[str]) -> None:
        """What the file's checksum cannot say after a crash while sealing. Rows have checksums of their own."""
        [(answer,), *_] = self.rows("PRAGMA integrity_check(1)")
        if answer != "ok":
            raise DamageError(self.path, str(answer))
        if [sql for (sql,) in self.rows("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid")] != tables:
            raise DamageError(self.path, "the tables are not those that were made")

    def _testify(self, testimony: Testimony, *, durable: bool = False) -> None:
        with self.disk.writing(self._witness.path):
            self._witness.write(testimony, durable=durable)
        self._testimony = testimony

    def _log_size(self) -> int:
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0


def witness_path(path: Path) -> Path:
    return path.with_name(path.stem + ".witness")


def _connected(path: Path, disk: Disk, flags: int) -> apsw.Connection:
    try:
        return apsw.Connection(str(path), flags)
    except (apsw.CantOpenError, apsw.IOError) as error:
        raise disk.failed(path, error) from error


def _configured(connection: apsw.Connection) -> apsw.Connection:
    for name, value in _SETTINGS.items():
        answer = connection.execute(f"PRAGMA {name}={value}").get
        if name == "journal_mode" and answer != "wal":
            raise apsw.IOError(f"there is no write-ahead log on this file system: {answer}")
    return connection


@contextmanager
def _errors(connection: apsw.Connection, disk: Disk) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    path = Path(connection.filename)
    try:
        yield
    except apsw.FullError as error:
        raise StorageFull(f"{path}: {error}; free some space") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise DamageError(path, str(error)) from error
    except (apsw.IOError, apsw.CantOpenError) as error:
        # To SQLite an exhausted quota is a failure like any other.
        if getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_WRITE and connection.system_errno in FULL:
            raise StorageFull(f"{path}: the disk quota is used up; free some space") from error
        raise disk.failed(path, error) from error
