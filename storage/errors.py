"""What storage refuses, and why. Each error says what happened, where, and what can be done about it."""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Anything that storage refuses or finds broken."""


class DamageError(StorageError):
    """A file does not hold the bytes that were written to it."""

    def __init__(self, path: Path, what: str, hint: str = "restore the data directory from a backup") -> None:
        super().__init__(f"{path}: {what}; {hint}")
        self.path = path
        self.what = what
        self.hint = hint


class StorageFull(StorageError):
    """The disk has no room. Nothing was written; the same write succeeds once there is room."""


class StorageFailed(StorageError):
    """The disk failed to keep what it was given. Nothing more is accepted until the directory is opened again."""


class Locked(StorageError):
    """Another process writes this directory; `pid` is the process, None when it could not be read."""

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(f"{path} is in use by {f'process {pid}' if pid else 'another process'}")
        self.path = path
        self.pid = pid


class NewerFormat(StorageError):
    """The directory was written by a newer Tamis, in a format that this one does not know."""

    def __init__(self, path: Path, found: int, supported: int) -> None:
        super().__init__(f"{path} has data format {found}; this version of Tamis reads formats up to {supported}")
        self.path = path
        self.found = found
        self.supported = supported


class NoDataDirectory(StorageError):
    """There is no data directory here: nothing at all, or a folder with other things in it."""


class BadName(StorageError, ValueError):
    """The name of a workspace is not one."""
