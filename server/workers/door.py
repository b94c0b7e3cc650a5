"""Doors between the processes of a server: requests and answers as ASGI messages over a Unix socket.

Nothing is parsed twice and nothing is lost on the way: bodies stream in both directions, and a client that goes away
is gone on the other side too.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("tamis.workers")

_SIZE = struct.Struct("<I")
_WAITING = 16
"""Frames of a body that may wait to be read."""


class Head(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A request without its body. The path is as it was sent."""

    method: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    http_version: str
    scheme: str
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None


class Start(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The start of an answer; `reached` is the workspace that was changed for it, and the state it has then."""

    status: int
    headers: list[tuple[bytes, bytes]]
    reached: tuple[str, int] | None


class Body(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A piece of either body."""

    content: bytes
    more: bool


Frame = Head | Start | Body
_decoder = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()

Reached = Callable[[Scope], tuple[str, int] | None]
"""What a request that is being answered has changed, and which state that made."""

Settled = Callable[[str, int], Awaitable[None]]
"""Waits until a workspace has a state."""


async def _read(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame; None at the end."""
    try:
        [size] = _SIZE.unpack(await reader.readexactly(_SIZE.size))
        frame: Frame = _decoder.decode(await reader.readexactly(size))
        return frame
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _write(writer: asyncio.StreamWriter, frame: Frame) -> None:
    content = _encoder.encode(frame)
    writer.write(_SIZE.pack(len(content)) + content)


class Door:
    """Answers, by an application, the requests that come through a Unix socket."""

    def __init__(self, app: ASGIApp, reached: Reached = lambda scope: None) -> None:
        self._app = app
        self._reached = reached

    async def open(self, path: Path) -> asyncio.Server:
        return await asyncio.start_unix_server(self._serve, path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after the other, until the other end closes."""
        frames: asyncio.Queue[Frame | None] = asyncio.Queue(_WAITING)
        gone = asyncio.Event()
        reading = asyncio.ensure_future(_queued(reader, frames, gone))
        try:
            while isinstance(head := await frames.get(), Head):
                exchange = _Exchange(frames, gone, writer, self._reached)
                if not await exchange.run(self._app, head):
                    break
        except asyncio.CancelledError:
            """The loop is ending; nobody awaits this task, so that raising it would only be logged."""
        finally:
            reading.cancel()
            writer.close()


async def _queued(reader: asyncio.StreamReader, frames: asyncio.Queue[Frame | None], gone: asyncio.Event) -> None:
    """Reads frames as there is room for them; tells when the other end has gone."""
    while (frame := await _read(reader)) is not None:
        await frames.put(frame)
    gone.set()
    await frames.put(None)


class _Exchange:
    """One request and its answer, on the side that answers."""

    def __init__(
        self,
        frames: asyncio.Queue[Frame | None],
        gone: asyncio.Event,
        writer: asyncio.StreamWriter,
        reached: Reached,
    ) -> None:
        self._frames = frames
        self._gone = gone
        self._writer = writer
        self._reached = reached
        self._received = self._answered = False
        self._scope: Scope = {}

    async def run(self, app: ASGIApp, head: Head) -> bool:
        """Whether another request may follow: the answer is whole, and nothing is left of the request."""
        self._scope = _scope(head)
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:  # the application has answered for it; the next request is no worse for it
            log.exception("%s %s failed", head.method, head.raw_path.decode("ascii", "replace"))
        return self._answered and await self._drained()

    async def _drained(self) -> bool:
        """Reads what the application left of the body: the other side goes on only if it has sent all of it."""
        while not self._received and isinstance(frame := await self._frames.get(), Body):
            self._received = not frame.more
        return self._received

    async def _receive(self) -> Message:
        if not self._received:
            frame = await self._frames.get()
            if isinstance(frame, Body):
                self._received = not frame.more
                return {"type": "http.request", "body": frame.content, "more_body": frame.more}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set():
            return
        if message["type"] == "http.response.start":
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            _write(self._writer, Start(message["status"], headers, self._reached(self._scope)))
            return
        more = message.get("more_body", False)
        _write(self._writer, Body(bytes(message.get("body", b"")), more))
        self._answered = not more
        try:
            await self._writer.drain()
        except ConnectionError:
            self._gone.set()


def _scope(head: Head) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.http_version,
        "server": head.server,
        "client": head.client,
        "scheme": head.scheme,
        "method": head.method,
        "root_path": "",
        "path": unquote(head.raw_path.decode("ascii", "replace")),
        "raw_path": head.raw_path,
        "query_string": head.query,
        "headers": head.headers,
    }


class Through:
    """An application that is behind a door: ASGI on this side as well."""

    def __init__(self, path: Path, settled: Settled | None = None) -> None:
        """`settled` is waited for before an answer is passed on that says what it has changed."""
        self._path = path
        self._settled = settled
        self._idle: list[_Link] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """OSError when the other side is gone before it has answered."""
        link = self._idle.pop() if self._idle else _Link(*await asyncio.open_unix_connection(self._path))
        whole = False
        try:
            whole = await link.passed(scope, receive, send, self._settled)
        finally:
            if whole:
                self._idle.append(link)
            else:
                link.close()

    async def ask(self, scope: Scope) -> tuple[int, bytes]:
        """Status and body of the answer to a request like `scope`, without its body. OSError."""
        status, content = 0, bytearray()
        bodies: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if not bodies:
                await asyncio.Event().wait()  # for good: nobody here goes away
            return bodies.pop()

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            content.extend(message.get("body", b""))

        await self(scope, receive, send)
        return status, bytes(content)


class _Link:
    """One connection to a door; it takes one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = self._answered = False
        self._gone = False

    def close(self) -> None:
        self._writer.close()

    async def passed(self, scope: Scope, receive: Receive, send: Send, settled: Settled | None) -> bool:
        """Pass a request on and its answer back; whether the connection can take another."""
        self._sent = self._answered = False
        _write(self._writer, _head(scope))
        sending = asyncio.ensure_future(self._send_body(receive))
        try:
            await self._answer(send, settled)
            return self._answered and self._sent
        finally:
            sending.cancel()

    async def _send_body(self, receive: Receive) -> None:
        """The body as it comes; when the client goes away, so do we."""
        while (message := await receive())["type"] == "http.request":
            more = message.get("more_body", False)
            _write(self._writer, Body(message.get("body", b""), more))
            self._sent = not more
            try:
                await self._writer.drain()
            except ConnectionError:
                return  # the answer, or its absence, says why
        if not self._answered:
            self._gone = True
            self.close()

    async def _answer(self, send: Send, settled: Settled | None) -> None:
        started = False
        while True:
            match await _read(self._reader):
                case Start(status, headers, reached):
                    if reached is not None and settled is not None:
                        await settled(*reached)
                    started = True
                    await send({"type": "http.response.start", "status": status, "headers": headers})
                case Body(content, more):
                    self._answered = not more
                    await send({"type": "http.response.body", "body": content, "more_body": more})
                    if not more:
                        return
                case _ if self._gone or started:
                    return
                case _:
                    raise ConnectionResetError("the process that writes has gone")


def _head(scope: Scope) -> Head:
    return Head(
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        [(bytes(name), bytes(value)) for name, value in scope["headers"]],
        scope["http_version"],
        scope["scheme"],
        scope.get("client"),
        scope.get("server"),
    )
