"""An operation is a method at a path. Its handler's signature says what it takes and gives; all else follows.

A handler is `async def name(call, body: B, options: O) -> A`, body and options where it has them. The body is decoded
by Content-Type, the options come from the query parameters, and the answer is encoded by Accept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar, get_type_hints

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.questions import Questions
from engine.results import Ack
from engine.workspace import Workspace
from formats.batch import Kind
from server.asking import QUERY_ID, Asking
from server.auth import Key
from server.auth import Scope as KeyScope
from server.bodies import CSV, JSON, MSGPACK, RowsBody, convert_options, decode, encoder_for, field_names, media_type
from server.errors import ApiError, Failure
from server.front import SLASH
from server.service import Service
from server.tabular import rows_of_csv

T = TypeVar("T")
P = ParamSpec("P")
EVENT_STREAM = "text/event-stream"
_QUERY_ID = QUERY_ID.lower().encode()
Handler = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a handler takes and gives, read from its annotations."""

    body: type | None
    options: type | None
    answer: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the routes table.

    `scope` is what a key must allow; None means that any key will do, and `public` that none is needed.
    `heeds` names the headers that bear on it, besides those every operation heeds.
    `streams_in` names the forms of a body that the handler reads by itself, `gives` those of an answer that is not
    JSON or MessagePack.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scope: KeyScope | None = None
    public: bool = False
    status: int = 200
    heeds: tuple[str, ...] = ()
    streams_in: tuple[str, ...] = ()
    gives: tuple[str, ...] = (JSON, MSGPACK)

    @property
    def shape(self) -> Shape:
        hints = get_type_hints(self.handler)
        return Shape(hints.get("body"), hints.get("options"), hints["return"])

    @property
    def writes(self) -> bool:
        """Whether it changes a workspace, so that an Idempotency-Key makes sense."""
        return self.scope in (KeyScope.WRITE, KeyScope.ADMIN)

    @property
    def asks(self) -> bool:
        """Whether it reads a workspace to answer: then it has a deadline, and can be listed and cancelled."""
        return self.scope is KeyScope.READ and "{workspace}" in self.path and EVENT_STREAM not in self.gives


class Call:
    """One request on its way to an answer; `status` and `headers` are those of the answer."""

    __slots__ = ("_given", "asking", "headers", "key", "large", "operation", "request", "service", "status")

    def __init__(self, service: Service, operation: Operation, request: Request) -> None:
        self.service = service
        self.operation = operation
        self.request = request
        self.status = operation.status
        self.headers: dict[str, str] = {}
        self.key: Key | None = None
        self.large = False
        self.asking: Asking | None = None
        # The first of a header that comes twice, as `request.headers` has it.
        self._given: dict[bytes, bytes] = dict(reversed(request.scope["headers"]))

    def header(self, name: bytes) -> str | None:
        """A header of the request, by its name in lower case."""
        value = self._given.get(name)
        return None if value is None else value.decode("latin-1")

    def param(self, name: str) -> str:
        """A part of the path, percent-decoded."""
        value: str = self.request.path_params[name]
        return value.replace(SLASH, "/")

    @property
    def workspace_name(self) -> str | None:
        return self.param("workspace") if "workspace" in self.request.path_params else None

    @property
    def workspace(self) -> Questions:
        """What is asked."""
        return self.service.directory.workspace(self.param("workspace"))

    @property
    def written(self) -> Workspace:
        """What is written."""
        return self.service.tamis.workspace(self.param("workspace"))

    @property
    def retry_key(self) -> str | None:
        """The Idempotency-Key of a write."""
        return self.header(b"idempotency-key") if self.operation.writes else None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work` here when the body is small, else in a thread."""
        if self.large:
            return await in_thread(work, *args, **kwargs)
        return work(*args, **kwargs)

    async def ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work`, a query that may take long, in a thread for such, once one is free."""
        assert self.asking is not None, "only what reads a workspace asks"
        askings, receive = self.service.askings, self.request.receive
        return await askings.heavy(self.workspace.name, self.asking, receive, partial(work, *args, **kwargs))

    def within(self, timeout_ms: int | None, expression: str | None = None) -> None:
        """Notes what the query of this request is, and until when its answer is wanted; DataError."""
        assert self.asking is not None, "only what reads a workspace asks"
        self.asking.expression = expression
        self.service.askings.limit(self.asking, timeout_ms)

    async def write(self, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Starts a write and waits until it is durable and applied."""
        return await asyncio.wrap_future(await self.run(work, *args, **kwargs))

    def accepted(self, kind: str, ack: Ack) -> None:
        """Notes rows written."""
        self.service.meters.accepted(self.param("workspace"), kind, ack.accepted)

    async def content(self) -> bytes:
        """The whole body; ApiError 413 above the limit."""
        limit = self.service.limits.body
        length = self.header(b"content-length") or ""
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        content = bytearray()
        async for chunk in self.request.stream():
            content += chunk
            if len(content) > limit:
                raise _too_large(limit)
        self.large = len(content) > self.service.limits.inline
        return bytes(content)

    async def once(self, content: bytes, run: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `run`, or the one kept from the first time when the request names an Idempotency-Key."""
        key = self.retry_key
        if key is None:
            return await run()
        request = f"{self.request.method} {self.request.url.path}?{self.request.url.query}\n".encode()
        return await self.service.retries.once(self.written, key, request + content, run)

    def answer(self, value: Any) -> Response:
        """`value` in the form that was asked for."""
        media, encoder = encoder_for(self.header(b"accept"))
        return Response(encoder.encode(value), self.status, self.headers, media)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `work` in a worker thread."""
    return await anyio.to_thread.run_sync(partial(work, *args, **kwargs))


def _too_large(limit: int) -> ApiError:
    hint = f"bodies have at most {limit} bytes here; send smaller batches, or use an import"
    return ApiError(Failure.TOO_LARGE, hint)


class Endpoint:
    """The operations at one path, as an ASGI application."""

    def __init__(self, service: Service, operations: Iterable[Operation]) -> None:
        self.service = service
        self.operations = {operation.method: (operation, operation.shape) for operation in operations}
        if "GET" in self.operations:
            self.operations["HEAD"] = self.operations["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.operations.get(scope["method"])
        if found is None:
            raise self._not_allowed(scope["method"])
        operation, shape = found
        scope["operation"] = operation
        call = Call(self.service, operation, Request(scope, receive))
        if not operation.public:
            call.key = self._authorise(call)
        with self.service.gate.entered(call.workspace_name), self._asking(call):
            response = await self._respond(call, shape)
            await response(scope, receive, send)

    @contextmanager
    def _asking(self, call: Call) -> Iterator[None]:
        """Lists the request among those that ask, if it does, and tells its id with the answer."""
        if not call.operation.asks or call.workspace_name is None:
            yield
            return
        id, route = call.header(_QUERY_ID), f"{call.operation.method} {call.request.scope['path']}"
        with self.service.askings.begun(call.workspace_name, route, id) as call.asking:
            call.headers[QUERY_ID] = call.asking.id
            call.request.scope["told"] = {QUERY_ID: call.asking.id}
            yield

    def _authorise(self, call: Call) -> Key | None:
        header = call.header(b"authorization")
        return self.service.keys.authorise(header, call.operation.scope, call.workspace_name)

    def _not_allowed(self, method: str) -> ApiError:
        allowed = ", ".join(sorted(self.operations))
        headers = {"Allow": allowed}
        return ApiError(Failure.METHOD_NOT_ALLOWED, f"{method} is not taken here; {allowed} are", headers=headers)

    async def _respond(self, call: Call, shape: Shape) -> Response:
        if call.operation.streams_in:
            return await _handled(call, shape, b"")
        content = await call.content()
        return await call.once(content, lambda: _handled(call, shape, content))


async def _handled(call: Call, shape: Shape, content: bytes) -> Response:
    """Decode, call, encode."""
    arguments: dict[str, Any] = {}
    if shape.options is not None:
        arguments["options"] = convert_options(call.request.query_params, shape.options)
    if shape.body is not None:
        arguments["body"] = await call.run(_body, call, content, shape.body)
    result = await call.operation.handler(call, **arguments)
    return result if isinstance(result, Response) else call.answer(result)


def _body(call: Call, content: bytes, kind: type) -> Any:
    media = media_type(call.header(b"content-type"))
    if media == CSV and issubclass(kind, RowsBody):
        [name] = field_names(kind)
        return kind(rows_of_csv(content, Kind(name), call.workspace.schema))
    return decode(content, media, kind)
