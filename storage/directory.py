"""A data directory: one lock, one format, one catalog, and a store for each workspace."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import threading
import zlib
from contextlib import ExitStack
from pathlib import Path

from storage.blocks import MappedBlocks
from storage.crashpoints import reach
from storage.database import Database, witness_path
from storage.disk import RESERVE, Disk, sync_directory, write_whole
from storage.documents import TABLE as DOCUMENTS
from storage.documents import Documents
from storage.errors import BadName, DamageError, Locked, NewerFormat, NoDataDirectory
from storage.store import Store, blocks_folder

FORMAT = 2
"""The format that this code writes, and the newest it reads. A directory of an older one is read as it is, and becomes
one of this format when it is opened, since what is written from then on may not be read by older code.

2: parts of events whose acceptance numbers are those of their rows do not store them.
"""

_FORMAT_FILE = "format.json"
_LOCK = "lock"
_CATALOG = "catalog.db"
_WORKSPACES = "workspaces"
_OURS = re.compile(r"lock|catalog\..*|workspaces|\.(format\.json|catalog\.witness)\.part|lost\+found")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class DataDirectory:
    """An open data directory. One process has it at a time; any of its threads may use it."""

    def __init__(self, path: Path, reserve: int) -> None:
        """Use `open`."""
        self.path = path
        self._reserve = reserve
        self._stores: dict[str, Store] = {}
        self._opening = threading.Lock()
        self._closing = ExitStack()
        lock = _lock(path / _LOCK)
        try:
            self._complete()
            for unfinished in (path / _WORKSPACES).glob(".*"):
                shutil.rmtree(unfinished)
            catalog = self._open_catalog()
        except BaseException:
            os.close(lock)
            raise
        self._closing.callback(os.close, lock)
        self._closing.callback(catalog.close)
        self.catalog = Documents(catalog)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, reserve: int = RESERVE) -> DataDirectory:
        """Open a data directory, making one where there is none (or finishing one whose making was cut short).

        `reserve` bytes of the disk are kept free: writes that would use them are refused with StorageFull.

        Raises:
            NoDataDirectory: there is none and `create` is false, or the folder holds something else.
            Locked: another process has it open.
            NewerFormat: a newer version wrote it.
            DamageError: a file is not what was written.
        """
        if not (path / _FORMAT_FILE).exists():
            strangers = [entry for entry in _entries(path) if not _OURS.fullmatch(entry)]
            if strangers:
                raise NoDataDirectory(f"{path} is not a data directory: it holds {sorted(strangers)[0]}")
            if not create:
                raise NoDataDirectory(f"there is no data directory at {path}")
            _make_folder(path)
            reach("directory.made")
        return cls(path, reserve)

    def workspaces(self) -> list[str]:
        """The names of the workspaces, sorted."""
        return sorted(entry for entry in _entries(self.path / _WORKSPACES) if _NAME.fullmatch(entry))

    def create(self, name: str) -> Store:
        """The store of a workspace, made if there is none. BadName, StorageFull."""
        if not _NAME.fullmatch(name):
            raise BadName(
                f"{name!r} does not name a workspace: use 1 to 63 of a-z, 0-9, '-' and '_', not '-' or '_' first"
            )
        with self._opening:
            if name not in self.workspaces():
                self._make(name)
            return self._open(name)

    def store(self, name: str) -> Store:
        """The store of a workspace, opened and verified the first time. KeyError, DamageError."""
        with self._opening:
            if name not in self._stores and name not in self.workspaces():
                raise KeyError(name)
            return self._open(name)

    def close(self) -> None:
        """Close every store, and let others in."""
        self._closing.close()

    def _open_catalog(self) -> Database:
        catalog = Database(self.path / _CATALOG, Disk(self.path, self._reserve), [DOCUMENTS])
        try:
            if not catalog.sealed:
                Documents(catalog).verify()
        except BaseException:
            catalog.release()
            raise
        return catalog

    def _open(self, name: str) -> Store:
        if name not in self._stores:
            self._stores[name] = Store(self.path / _WORKSPACES / name, self._reserve)
            self._closing.callback(self._stores[name].close)
        return self._stores[name]

    def _make(self, name: str) -> None:
        """A workspace appears whole: it is made under a hidden name, which the next opening would remove."""
        unfinished = self.path / _WORKSPACES / f".{name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        Store.create(unfinished, self._reserve)
        reach("workspace.prepared")
        unfinished.rename(self.path / _WORKSPACES / name)
        sync_directory(self.path / _WORKSPACES)
        reach("workspace.named")

    def _complete(self) -> None:
        """Check the format, which was written last when the directory was made; before that, finish making it."""
        if (self.path / _FORMAT_FILE).exists():
            if _checked_format(self.path / _FORMAT_FILE) < FORMAT:
                self._write_format()
            return
        (self.path / _WORKSPACES).mkdir(exist_ok=True)
        if self.workspaces():
            raise DamageError(self.path / _FORMAT_FILE, "the file is missing")
        if not witness_path(self.path / _CATALOG).exists():
            Database.create(self.path / _CATALOG, Disk(self.path, self._reserve), [DOCUMENTS])
        reach("directory.catalogued")
        self._write_format()
        reach("directory.formatted")

    def _write_format(self) -> None:
        with Disk(self.path, self._reserve).writing(self.path / _FORMAT_FILE):
            write_whole(self.path / _FORMAT_FILE, _render_format({"format": FORMAT}))


def mapped_blocks(path: Path, workspace: str) -> MappedBlocks:
    """The blocks of a workspace in the data directory at `path`, which another process holds open."""
    return MappedBlocks(blocks_folder(path / _WORKSPACES / workspace))


def _entries(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, durably."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_directory(folder.parent)


def _lock(path: Path) -> int:
    """Take the lock, which ends with this process at the latest, and leave our number in it for whoever asks."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Overwritten in place, always as long: this needs no room on a full disk.
        os.pwrite(descriptor, f"{os.getpid():<19}\n".encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).strip()
        os.close(descriptor)
        raise Locked(path.parent, int(holder) if holder.isdigit() else None) from None
    return descriptor


def _render_format(content: dict[str, object]) -> bytes:
    checksum = zlib.crc32(json.dumps(content).encode())
    return json.dumps({**content, "checksum": checksum}).encode() + b"\n"


def _checked_format(path: Path) -> int:
    """The number of the format. DamageError unless these are exactly the bytes that some version wrote; NewerFormat
    when it was a newer one."""
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
        del content["checksum"]
        found = content["format"]
    except (ValueError, TypeError, KeyError):
        raise DamageError(path, "it is not the description of a format") from None
    if raw != _render_format(content):
        raise DamageError(path, "its checksum does not hold")
    if found > FORMAT:
        raise NewerFormat(path.parent, found, FORMAT)
    return int(found)
