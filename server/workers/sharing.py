"""One address for many processes: the one that listens hands each new connection to whoever has the fewest.

Clients keep few connections, each for long: a kernel that spreads them by chance, or gives all of a burst to whoever
wakes first, leaves some processes idle. Counting them does not.
"""

from __future__ import annotations

import asyncio
import mmap
import socket
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

import uvicorn

REST_SECONDS = 0.5
"""How long no connection is taken after the system had no room for one."""

BACKLOG = 2048
_SLOT = 8


class Tally:
    """How many connections each worker has closed, in memory that all processes share: each writes its own slot."""

    def __init__(self, path: Path, workers: int) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SLOT * workers))
        with path.open("r+b") as file:
            self._slots = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

    def closed(self, slot: int) -> int:
        return self._slots[slot]

    def close(self, slot: int) -> None:
        """One more."""
        self._slots[slot] += 1


class Taking:
    """Serves connections that were accepted elsewhere, as if this server had accepted them."""

    def __init__(self, server: uvicorn.Server, closed: Callable[[], None] = lambda: None) -> None:
        """`closed` is called when one of them has ended."""
        self._server = server
        self._closed = closed
        self._taking: set[asyncio.Task[object]] = set()

    def take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._connect(connection))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client went away at once
            connection.close()
            self._closed()

    def _protocol(self) -> asyncio.Protocol:
        config, server = self._server.config, self._server
        protocol: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=server.server_state, app_state=server.lifespan.state
        )
        lost = protocol.connection_lost

        def connection_lost(error: Exception | None) -> None:
            lost(error)
            self._closed()

        protocol.connection_lost = connection_lost  # type: ignore[method-assign,assignment]
        return protocol


class Taker(Protocol):
    """A process that takes connections."""

    @property
    def connections(self) -> int:
        """How many it has."""

    def give(self, connection: socket.socket) -> bool:
        """Whether it takes this one too."""


class Here:
    """The process that listens, as one of those that take connections."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._taking = Taking(server)

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def give(self, connection: socket.socket) -> bool:
        self._taking.take(connection.dup())
        return True


class Sharer:
    """Accepts on the address of the server, and gives each connection to the one of `takers` that has the fewest;
    of those that have as few, to the one whose turn is longest ago."""

    def __init__(self, listening: socket.socket, takers: Callable[[], Sequence[Taker]]) -> None:
        self._listening = listening
        self._takers = takers
        self._turns: dict[Taker, int] = {}
        self._turn = count(1)

    def start(self) -> None:
        self._listening.setblocking(False)
        self._listening.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()

    async def wait_closed(self) -> None:
        """It is."""

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no descriptor is free: some end soon
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listening)
            loop.call_later(REST_SECONDS, self._again)
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._give(connection)

    def _again(self) -> None:
        if self._listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _give(self, connection: socket.socket) -> None:
        takers = self._takers()
        self._turns = {taker: self._turns.get(taker, 0) for taker in takers}
        with connection:
            for taker in sorted(takers, key=lambda taker: (taker.connections, self._turns[taker])):
                if taker.give(connection):
                    self._turns[taker] = next(self._turn)
                    return
