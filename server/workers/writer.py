"""The process that writes, where there are workers beside it: it listens, shares connections out, and answers too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from anyio.to_thread import run_sync
from starlette.types import ASGIApp

from engine.questions import Directory
from server.answering import GRACE_SECONDS, Announcing, configuration
from server.workers.crew import Crew, door_of
from server.workers.door import Door
from server.workers.forwarding import reached
from server.workers.sharing import Here, Sharer


class Writer(Announcing):
    """The first worker. It answers for all requests that come through its door, and announces itself once the others
    have begun."""

    def __init__(
        self, app: ASGIApp, announce: Callable[[], None], crew: Crew, directory: Directory, listening: socket.socket
    ) -> None:
        super().__init__(configuration(app), announce)
        self._crew = crew
        self._door = Door(app, reached(directory))
        self._door_open: asyncio.Server | None = None
        here = Here(self)
        self._sharer = Sharer(listening, lambda: [here, *crew.present])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(self, [])
        self._door_open = await self._door.open(door_of(self._crew.folder, 1))
        try:
            await self._crew.begun()
        except BaseException:
            await self.shutdown()
            raise
        self._sharer.start()
        self.announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The others end first: what they have passed on is answered here."""
        self._sharer.close()
        await run_sync(self._crew.stop, GRACE_SECONDS)
        if self._door_open is not None:
            self._door_open.close()
        await super().shutdown([])
