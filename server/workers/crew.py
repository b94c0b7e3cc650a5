"""The workers of a server but the first, which is the process that writes: see `server.service.Crew`."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
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
from server.workers.process import PATIENCE_SECONDS, Fed, Process, Seat
from server.workers.sharing import Tally

log = logging.getLogger("tamis.workers")

LOOK_SECONDS = 0.01
"""Between two looks at whether all have begun."""

TALLY = "tally"
"""The file of the folder of a crew in which workers count the connections that ended."""


class WorkerFailed(Exception):
    """A worker ended before it had begun."""


@contextmanager
def crew_of(workers: int) -> Iterator[Crew | None]:
    """The crew of a server of many workers, until it ends; none for a server of one."""
    if workers == 1:
        yield None
        return
    with closing(Crew(workers)) as crew:
        yield crew


def door_of(folder: Path, number: int) -> Path:
    """The door of a worker; the first is the process that writes."""
    return folder / str(number)


class Crew:
    """Workers 2 to `workers`: they start at once, and begin when there is a data directory to follow."""

    def __init__(self, workers: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tamis-"))
        self._tally = Tally(self.folder / TALLY, workers)
        self._ids = count(EVERYTHING_SO_FAR + 1)
        self._seats = [Seat(number, self._spawned) for number in range(2, workers + 1)]

    def _spawned(self, number: int) -> Process:
        return Process(number, door_of(self.folder, number), self._tally)

    def feed(
        self,
        tamis: Tamis,
        data: Path,
        limits: Limits,
        cache_bytes: int,
        warm_bytes: int,
        hosts: Collection[str] | None,
    ) -> None:
        """Let them begin to follow, and tell them how to answer."""
        names = None if hosts is None else sorted(hosts)

        def welcome(number: int) -> Welcome:
            keys = kept_keys(tamis.catalog)
            folders = str(data.absolute()), str(self.folder)
            return Welcome(number, *folders, limits, cache_bytes, warm_bytes, names, keys)

        for seat in self._seats:
            seat.feed(Fed(tamis, welcome))

    async def begun(self) -> None:
        """Waits until all have begun. WorkerFailed."""
        while not all(seat.begun() for seat in self._seats):
            for seat in self._seats:
                if seat.failed is not None:
                    raise WorkerFailed(f"worker {seat.number} ended with status {seat.failed}; its log says why")
            await asyncio.sleep(LOOK_SECONDS)

    def stop(self, seconds: float) -> None:
        """Let all finish what they answer, and end those that take longer."""
        for seat in self._seats:
            seat.stop()
        for seat in self._seats:
            seat.join(seconds)

    def close(self) -> None:
        """End all that are left, and remove their doors."""
        self.stop(0)
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
        return await asyncio.gather(*(process.ask(_plain(scope)) for process in self.present))

    async def opened(self, workspace: Workspace) -> None:
        for process in self.running:
            await run_sync(process.follow, workspace)
        await self._agreed(Until)

    async def limited(self, workspace: str, limits: QueryLimits) -> None:
        for process in self.running:
            process.tell(LimitsAre(workspace, limits))
        await self._agreed(Until)

    async def keys_are(self, keys: list[Key]) -> None:
        """Whoever does not say that it goes by these is ended: a key that was revoked opens nothing."""
        for process in await self._agreed(lambda id: KeysAre(id, keys)):
            log.error("worker %d does not answer, and is ended", process.number)
            process.kill()

    async def _agreed(self, message: Callable[[int], Until | KeysAre]) -> list[Process]:
        """Tell all, and wait until those that answer have heard; those that have not in the time they have."""
        told = [(process, process.tell(message(next(self._ids)))) for process in self.running]
        silent = []
        for process, heard in told:
            if heard is not None and process.begun.is_set() and not await run_sync(heard.wait, PATIENCE_SECONDS):
                silent.append(process)
        return silent


def _plain(scope: Scope) -> Scope:
    """The same request, without a body, to be answered in JSON."""
    kept = [(name, value) for name, value in scope["headers"] if name in (b"host", b"authorization")]
    return {**scope, "headers": [*kept, (b"accept", b"application/json")]}
