"""The workers of a server but the first, which is the process that writes: see `server.service.Crew`."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.types import Scope

from engine.budget import QueryLimits
from engine.directory import Tamis
from engine.workspace import Workspace
from server.auth import Key, kept_keys
from server.service import Limits
from server.workers.messages import EVERYTHING_SO_FAR, KeysAre, LimitsAre, Until, Welcome
from server.workers.process import PATIENCE_SECONDS, Process, Seat
from server.workers.sharing import Tally

log = logging.getLogger("tamis.workers")

LOOK_SECONDS = 0.01
"""Between two looks at whether all have begun."""

TALLY = "tally"
"""The file of the folder of a crew in which workers count the connections that ended."""


class WorkerFailed(Exception):
    """A worker ended before it had begun."""


def door_of(folder: Path, number: int) -> Path:
    """The door of a worker; the first is the process that writes."""
    return folder / str(number)


class Crew:
    """Starts workers 2 to `workers`, tells them everything, and asks them."""

    def __init__(
        self, tamis: Tamis, data: Path, workers: int, limits: Limits, cache_bytes: int, hosts: Collection[str] | None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tamis-"))
        self._tamis = tamis
        self._data = data
        self._limits = limits
        self._cache_bytes = cache_bytes
        self._hosts = None if hosts is None else sorted(hosts)
        self._tally = Tally(self.folder / TALLY, workers)
        self._seats = [Seat(number, tamis, self._started) for number in range(2, workers + 1)]
        self._ids = count(EVERYTHING_SO_FAR + 1)

    def _started(self, number: int) -> Process:
        keys = kept_keys(self._tamis.catalog)
        data, folder = str(self._data.absolute()), str(self.folder)
        welcome = Welcome(number, data, folder, self._limits, self._cache_bytes, self._hosts, keys)
        return Process(welcome, door_of(self.folder, number), self._tally)

    def start(self) -> None:
        for seat in self._seats:
            seat.begin()

    async def begun(self) -> None:
        """Waits until all have begun. WorkerFailed."""
        while not all(seat.begun() for seat in self._seats):
            for seat in self._seats:
                if seat.failed is not None:
                    raise WorkerFailed(f"worker {seat.number} ended with status {seat.failed}; its log says why")
            await asyncio.sleep(LOOK_SECONDS)

    async def stop(self, seconds: float) -> None:
        """Lets all finish what they answer, and ends those that take longer."""
        for seat in self._seats:
            seat.stop()
        for seat in self._seats:
            await run_sync(seat.join, seconds)

    def close(self) -> None:
        """Remove the doors."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def running(self) -> list[Process]:
        return [seat.process for seat in self._seats if seat.process is not None]

    @property
    def present(self) -> list[Process]:
        """Those that answer."""
        return [process for process in self.running if process.begun.is_set()]

    @property
    def absent(self) -> list[str]:
        return [f"worker {seat.number}" for seat in self._seats if not seat.begun()]

    async def ask(self, scope: Scope) -> list[tuple[int, bytes]]:
        found = await asyncio.gather(*(process.ask(_plain(scope)) for process in self.present))
        return [answer for answer in found if answer is not None]

    async def opened(self, workspace: Workspace) -> None:
        for process in self.running:
            await run_sync(process.follow, workspace)
        await self._agreed(Until)

    async def limited(self, workspace: str, limits: QueryLimits) -> None:
        for process in self.running:
            process.tell(LimitsAre(workspace, limits))
        await self._agreed(Until)

    async def keys_are(self, keys: list[Key]) -> None:
        await self._agreed(lambda id: KeysAre(id, keys))

    async def _agreed(self, message: Callable[[int], Until | KeysAre]) -> None:
        """Tell all, and wait until those that answer have heard; whoever says nothing is replaced."""
        told = [(process, process.tell(message(next(self._ids)))) for process in self.running]
        for process, heard in told:
            if heard is not None and process.begun.is_set() and not await run_sync(heard.wait, PATIENCE_SECONDS):
                log.error("worker %d does not answer", process.number)
                process.kill()


def _plain(scope: Scope) -> Scope:
    """The same request, without a body, to be answered in JSON."""
    kept = [(name, value) for name, value in scope["headers"] if name in (b"host", b"authorization")]
    return {**scope, "headers": [*kept, (b"accept", b"application/json")]}
