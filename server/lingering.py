"""A look around for the next request before the event loop sleeps.

A processor that has gone idle takes tens of microseconds to wake, most of all in a virtual machine: as long as a small
question takes to answer. A client nearby that asks one question after the other has the next one ready by then. So
hypervisors wait a moment before they halt a processor, and no longer do where that was in vain
(https://docs.kernel.org/virt/kvm/halt-polling.html); and so does a server that has a processor of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import ClassVar
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from server.wire import Protocol

LINGER_SECONDS = 0.00015
"""How long, after an answer, the loop looks for the next request: so long does a client nearby take to wake, read the
answer and ask again. In a third of it most did not come."""

RAREST = 64
"""Answers for each look where looks are in vain: some two microseconds each, at most."""


class Lingering:
    """Keeps an event loop from sleeping for a moment after an answer, as long as requests come in that moment."""

    __slots__ = ("_answers", "_clock", "_every", "_looking", "_loop", "_until")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = perf_counter) -> None:
        self._loop = loop
        self._clock = clock
        self._until = 0.0
        self._looking = False
        self._every = 1
        self._answers = 0

    def answered(self) -> None:
        """A request was answered: the next may come at once."""
        self._answers += 1
        if self._answers < self._every:
            return
        self._answers = 0
        self._until = self._clock() + LINGER_SECONDS
        if not self._looking:
            self._looking = True
            self._loop.call_soon(self._look)

    def asked(self) -> None:
        """A request has come: if within the moment after an answer, the look was not in vain."""
        if self._until:
            self._until = 0.0
            self._every = 1

    def _look(self) -> None:
        """Asked for at each turn of the loop, which does not sleep while something waits to be run."""
        if not self._until:
            self._looking = False
        elif self._clock() < self._until:
            self._loop.call_soon(self._look)
        else:
            self._until = 0.0
            self._looking = False
            self._every = min(2 * self._every, RAREST)


class Awake(Protocol):
    """HTTP as a server speaks it that lingers."""

    _of_server: ClassVar[WeakKeyDictionary[ServerState, Lingering]] = WeakKeyDictionary()
    """What the connections of a server share."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._lingering = self._of_server.setdefault(self.server_state, Lingering(self.loop))

    def data_received(self, data: bytes) -> None:
        self._lingering.asked()
        super().data_received(data)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._lingering.answered()
