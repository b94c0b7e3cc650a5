"""The disk below one database and its blocks: room on it, its first failure, and durable file operations."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DamageError, StorageFailed, StorageFull

RESERVE = 16 * 2**20
"""Bytes kept free, so that a checkpoint, which frees space, still has room to work when writes are refused."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK = 1 << 20


class Disk:
    """Refuses writes when room runs out, and for good after the first failure.

    After a failed fsync the kernel may drop what it could not write and report success the next time, so no later
    success can be trusted: only reading everything again, at the next opening, tells what is on disk.
    """

    def __init__(self, directory: Path, reserve: int = RESERVE) -> None:
        self.directory = directory
        self.reserve = reserve
        self.failure: str | None = None

    def require_room(self, size: int) -> None:
        """StorageFailed after a failure; StorageFull when `size` bytes more would eat into the reserve."""
        self.require_healthy()
        room = os.statvfs(self.directory)
        free = room.f_bavail * room.f_frsize
        if free < self.reserve + size:
            raise StorageFull(
                f"{self.directory}: {free // 2**20} MiB free, and {self.reserve // 2**20} MiB are kept in reserve; "
                "free some space"
            )

    def require_healthy(self) -> None:
        if self.failure is not None:
            raise StorageFailed(self.failure)

    def failed(self, path: Path, cause: object) -> StorageFailed:
        """Remember the first failure, and the error to raise for it."""
        self.failure = self.failure or f"{path}: {cause}; open the data directory again once the disk is sound"
        return StorageFailed(self.failure)

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Turn the system's errors while writing `path` into StorageFull and StorageFailed."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(f"{path}: {error.strerror}; free some space") from error
            raise self.failed(path, error) from error


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Create or replace a small file durably: a reader, or a crash, sees the old content or the new."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def measure(path: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file's bytes; DamageError when it cannot be read. Other threads run meanwhile."""
    size = checksum = 0
    buffer = memoryview(bytearray(_CHUNK))
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                checksum = zlib.crc32(buffer[:count], checksum)
                size += count
    except FileNotFoundError:
        raise DamageError(path, "the file is missing") from None
    except OSError as error:
        raise DamageError(path, f"the file cannot be read: {error.strerror}") from error
    return size, checksum
