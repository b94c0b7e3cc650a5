"""What a running server holds: the data directory, keys, limits, jobs and meters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.directory import Tamis
from server.asking import Askings
from server.auth import Keys
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
        self.running: Counter[str] = Counter()

    @contextmanager
    def entered(self, workspace: str | None) -> Iterator[None]:
        """Holds a place in `workspace` while the request runs; ApiError 429 when there is none."""
        if workspace is None:
            yield
            return
        if self.running[workspace] >= self.limit:
            raise ApiError(Failure.TOO_BUSY, f"{self.limit} requests are running in '{workspace}'; try again shortly")
        self.running[workspace] += 1
        try:
            yield
        finally:
            self.running[workspace] -= 1
            if not self.running[workspace]:
                del self.running[workspace]


@dataclass(slots=True)
class Service:
    """Everything an endpoint may reach."""

    tamis: Tamis
    keys: Keys
    limits: Limits
    gate: Gate
    askings: Askings
    importers: Importers
    meters: Meters
    retries: Retries = field(default_factory=Retries)


def service(tamis: Tamis, spool: Path, limits: Limits | None = None) -> Service:
    """A service for an opened data directory; bodies of imports wait in the folder `spool`."""
    limits = limits or Limits()
    meters = Meters(tamis)
    importers = Importers(tamis, spool, limits.queued_jobs, meters)
    askings = Askings(limits.timeout_ms, limits.longest_timeout_ms, limits.query_threads, limits.queued_queries)
    return Service(tamis, Keys(tamis.catalog), limits, Gate(limits.running), askings, importers, meters)
