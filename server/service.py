"""What a running server holds: the data directory, keys, limits, jobs and meters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anyio.to_thread import run_sync
from starlette.types import Scope

from engine.budget import QueryLimits
from engine.directory import Tamis
from engine.questions import Directory
from engine.workspace import Workspace
from server.asking import Askings
from server.auth import Key, Keys, kept_keys
from server.errors import ApiError, Failure
from server.importers import Importers
from server.meters import Meters
from server.retries import Retries


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds a server keeps. `body` does not hold for imports, which are streamed to a file.

    `inline` is the size in bytes from which a body is decoded and checked in a thread: below it a thread costs
    more than the work, above it the work would hold up everyone else.
    """

    body: int = 32 * 1024 * 1024
    inline: int = 64 * 1024
    running: int = 256
    queued_jobs: int = 16
    timeout_ms: int = 30_000
    longest_timeout_ms: int = 300_000
    query_threads: int = 4
    queued_queries: int = 32


class Gate:
    """Counts the requests running in each workspace and turns away those above the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running: dict[str, int] = {}

    def enter(self, workspace: str) -> None:
        """Takes a place in `workspace`, until the request leaves; ApiError 429 when there is none."""
        running = self.running.get(workspace, 0)
        if running >= self.limit:
            raise ApiError(Failure.TOO_BUSY, f"{self.limit} requests are running in '{workspace}'; try again shortly")
        self.running[workspace] = running + 1

    def leave(self, workspace: str) -> None:
        """Gives the place back."""
        running = self.running.pop(workspace) - 1
        if running:
            self.running[workspace] = running


class Crew(Protocol):
    """The other processes that answer for the same server. What is told is in force with all of them on return."""

    async def ask(self, scope: Scope) -> list[tuple[int, bytes]]:
        """Status and body of what each answers to a request that has no body; the status is 0 when it does not."""

    async def opened(self, workspace: Workspace) -> None: ...

    async def limited(self, workspace: str, limits: QueryLimits) -> None: ...

    async def keys_are(self, keys: list[Key]) -> None: ...

    @property
    def absent(self) -> list[str]:
        """Those that are not there to answer."""


class Alone:
    """One process answers for everything."""

    @property
    def absent(self) -> list[str]:
        return []

    async def ask(self, scope: Scope) -> list[tuple[int, bytes]]:
        return []

    async def opened(self, workspace: Workspace) -> None:
        """Nobody to tell."""

    async def limited(self, workspace: str, limits: QueryLimits) -> None:
        """Nobody to tell."""

    async def keys_are(self, keys: list[Key]) -> None:
        """Nobody to tell."""


@dataclass(slots=True)
class Writing:
    """What only the process has that writes."""

    tamis: Tamis
    importers: Importers
    retries: Retries = field(default_factory=Retries)
    changing_keys: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Service:
    """Everything an endpoint may reach. `writing` is None in a process that answers questions alone."""

    directory: Directory
    keys: Keys
    limits: Limits
    gate: Gate
    askings: Askings
    meters: Meters
    writing: Writing | None = None
    crew: Crew = field(default_factory=Alone)

    @property
    def _own(self) -> Writing:
        assert self.writing is not None, "requests that write are answered by the process that writes"
        return self.writing

    @property
    def tamis(self) -> Tamis:
        return self._own.tamis

    @property
    def importers(self) -> Importers:
        return self._own.importers

    @property
    def retries(self) -> Retries:
        return self._own.retries

    async def keys_changed(self) -> None:
        """Every process goes by the keys there are now, on return."""
        async with self._own.changing_keys:
            keys = await run_sync(kept_keys, self.tamis.catalog)
            self.keys.take(keys)
            await self.crew.keys_are(keys)


def service(tamis: Tamis, spool: Path, limits: Limits | None = None) -> Service:
    """A service for an opened data directory; bodies of imports wait in the folder `spool`."""
    limits = limits or Limits()
    found = asking_service(tamis, kept_keys(tamis.catalog), limits)
    found.writing = Writing(tamis, Importers(tamis, spool, limits.queued_jobs, found.meters))
    return found


def asking_service(directory: Directory, keys: list[Key], limits: Limits) -> Service:
    """A service for questions alone."""
    askings = Askings(limits.timeout_ms, limits.longest_timeout_ms, limits.query_threads, limits.queued_queries)
    return Service(directory, Keys(keys), limits, Gate(limits.running), askings, Meters(directory))
