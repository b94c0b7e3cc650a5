"""An opened data directory: its workspaces, each opened when first asked for, and `default` always there."""

from __future__ import annotations

import threading
from pathlib import Path

from dsl.problems import DataError, Problem
from engine.budget import DEFAULT_BUDGET_MS
from engine.caches import DEFAULT_BYTES
from engine.errors import UnknownWorkspace
from engine.memory import keep_freed
from engine.workspace import Workspace
from storage.directory import DataDirectory
from storage.documents import Documents
from storage.errors import BadName
from storage.store import Store

DEFAULT = "default"


class Tamis:
    """All workspaces of one data directory, held under its lock until `close`."""

    def __init__(self, directory: DataDirectory, budget_ms: float, cache_bytes: int) -> None:
        self._directory = directory
        self._budget_ms = budget_ms
        self._cache_bytes = cache_bytes
        self._workspaces: dict[str, Workspace] = {}
        self._opening = threading.Lock()
        for name in directory.workspaces():
            self.workspace(name)
        self.create(DEFAULT)

    @classmethod
    def open(
        cls, path: Path, *, create: bool = True, budget_ms: float = DEFAULT_BUDGET_MS, cache_bytes: int = DEFAULT_BYTES
    ) -> Tamis:
        """Take the lock, verify, recover. Locked, NewerFormat, DamageError; NoDataDirectory if not `create`.

        `budget_ms` is what a question may cost in workspaces that have no budget of their own, `cache_bytes` what the
        answers that each remembers may take.
        """
        keep_freed()
        directory = DataDirectory.open(path, create=create)
        try:
            return cls(directory, budget_ms, cache_bytes)
        except BaseException:
            directory.close()
            raise

    @property
    def catalog(self) -> Documents:
        """Small durable records that belong to no workspace: keys."""
        return self._directory.catalog

    def workspaces(self) -> list[str]:
        """Names, in order."""
        return sorted(self._directory.workspaces())

    def create(self, name: str) -> Workspace:
        """The workspace of that name, made if it is not there. DataError for a name that cannot be used."""
        with self._opening:
            if name not in self._workspaces:
                self._workspaces[name] = Workspace(name, self._store(name), self._budget_ms, self._cache_bytes)
            return self._workspaces[name]

    def _store(self, name: str) -> Store:
        try:
            return self._directory.create(name)
        except BadName as bad:
            hint = "use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit"
            raise DataError([Problem("bad-workspace", str(bad), hint, path="$.workspace")]) from None

    def workspace(self, name: str) -> Workspace:
        """UnknownWorkspace when there is none."""
        found = self._workspaces.get(name)
        if found is not None:
            return found
        if name not in self._directory.workspaces():
            raise UnknownWorkspace(name)
        return self.create(name)

    def close(self) -> None:
        """Finish accepted writes, checkpoint every workspace, release the lock."""
        for workspace in self._workspaces.values():
            workspace.close()
        self._directory.close()
