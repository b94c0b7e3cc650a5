"""How answers reach the socket: the head of an answer and the first piece of its body go together."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_WAITING = 1 << 16
"""So many bytes wait for nothing more."""


class Joined:
    """A transport that writes together what it is given until it is flushed, at the latest when the event loop turns.

    uvicorn writes the head of an answer and its body one after the other. Written apart they are two system calls and
    two packets, and the client wakes up for the first of them, on the processor that is to write the second.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing  # asked for at every answer

    def __getattr__(self, name: str) -> Any:
        """All else that a transport can do."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()
            self._size = 0

    def close(self) -> None:
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, through a `Joined` transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joined = Joined(transport, self.loop)
        super().connection_made(self._joined)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        self._joined.flush()
        super().on_response_complete()
