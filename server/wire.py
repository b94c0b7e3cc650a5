"""HTTP as uvicorn speaks it, where small questions cost less: they are answered as they arrive, and in one write."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from functools import lru_cache, partial
from types import coroutine
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.types import ASGIApp, Message
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from server.paths import LONGEST, REMEMBERED

Running = Coroutine[Any, Any, None]


class Exchange(RequestResponseCycle):
    """A request and its answer. An answer that is whole is written at once, any other as uvicorn writes it.

    That is the head first and then its body: two packets, of which the client wakes up for the first, on the
    processor that is to write the second.
    """

    _start: Message | None = None
    """The start of an answer that says how long it is: its body follows at once."""

    async def receive(self) -> Any:
        """A body that has come is handed over without waiting for it."""
        if self.more_body or not self.body or self.disconnected or self.response_complete:
            return await super().receive()
        body, self.body = bytes(self.body), bytearray()
        self.message_event.clear()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _says_length(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await super().send(message)
        elif message.get("more_body", False) or not self._takes_whole:
            await super().send(start)  # type: ignore[arg-type]
            await super().send(message)
        else:
            self._write(start, message["body"])

    @property
    def _takes_whole(self) -> bool:
        """Whether the client is there for the head and the body of an answer, and for more after it."""
        closing = self.disconnected or self.response_started or not self.keep_alive
        return not (closing or self.flow.write_paused or self.scope["method"] == "HEAD")

    def _write(self, start: Message, body: bytes) -> None:
        headers = self.default_headers + start["headers"]
        lines = [STATUS_LINE[start["status"]]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(headers) + 1:
            raise RuntimeError(f"a header would end its line: {headers}")
        self.transport.write(b"".join((head, b"\r\n", body)))
        self.response_started = self.response_complete = True
        self.message_event.set()
        self.on_response()


def _says_length(message: Message) -> bool:
    return any(name == b"content-length" for name, _ in message["headers"])


class Protocol(HttpToolsProtocol):
    """Runs a request where its bytes are read, until it waits for something: only from there on it is a task.

    A small question never waits. A task would have it wait for the next turn of the event loop, and then for another.
    """

    _reading = False
    _begun: Running | None = None
    """What is to be run once the bytes that have come are read."""

    _idle_since: float | None = None
    """When the last answer was sent, by the loop's clock, while no request has come after it."""

    def data_received(self, data: bytes) -> None:
        self._reading = True
        super().data_received(data)
        self._reading = False
        if self._begun is not None:
            begun, self._begun = self._begun, None
            self._run(begun)

    def on_response_complete(self) -> None:
        """uvicorn's, with one timer for as long as requests come instead of one after each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)  # type: ignore[arg-type]
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection that has been idle for long enough, and looks again when it may have been."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def on_headers_complete(self) -> None:
        """uvicorn's, for applications at the root that take any number of requests."""
        parser, scope = self.parser, self.scope
        scope["http_version"] = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if parser.should_upgrade() and self._should_upgrade():
            return
        scope["path"], scope["raw_path"], scope["query_string"] = _parts(self.url)
        before, self.cycle = self.cycle, self._exchange()
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _exchange(self) -> Exchange:
        return Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        if self._reading:
            self._begun = cycle.run_asgi(app)  # type: ignore[arg-type]
        else:
            super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _run(self, running: Running) -> None:
        context = copy_context()
        try:
            awaited = context.run(running.send, None)
        except StopIteration:
            return
        task = self.loop.create_task(_rest(running, awaited), context=context)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


def _parsed(url: bytes) -> tuple[str, bytes, bytes]:
    """The path, decoded and as it came, and the query string of a request's address."""
    parts = httptools.parse_url(url)
    path = parts.path.decode("ascii")
    return unquote(path) if "%" in path else path, parts.path, parts.query or b""


_remembered = lru_cache(REMEMBERED)(_parsed)


def _parts(url: bytes) -> tuple[str, bytes, bytes]:
    return _remembered(url) if len(url) <= LONGEST else _parsed(url)


async def _rest(running: Running, awaited: Any) -> None:
    await _resumed(running, awaited)


@coroutine
def _resumed(running: Running, awaited: Any) -> Generator[Any, Any, None]:
    """Goes on with a coroutine that has come to wait for `awaited`."""
    while True:
        try:
            given = yield awaited
        except BaseException as error:
            go_on = partial(running.throw, error)
        else:
            go_on = partial(running.send, given)
        try:
            awaited = go_on()
        except StopIteration:
            return
