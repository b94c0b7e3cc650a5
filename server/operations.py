"""An operation is a method at a path. Its handler's signature says what it takes and gives; all else follows.

A handler is `async def name(call, body: B, options: O) -> A`, body and options where it has them. The body is decoded
by Content-Type, the options come from the query parameters, and the answer is encoded by Accept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ParamSpec, TypeVar, get_type_hints

import anyio.to_thread
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
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
from server.errors import TOLD, ApiError, Failure
from server.front import GIVEN
from server.paths import SLASH
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


@dataclass(frozen=True)
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

    @cached_property
    def shape(self) -> Shape:
        hints = get_type_hints(self.handler)
        return Shape(hints.get("body"), hints.get("options"), hints["return"])

    @cached_property
    def writes(self) -> bool:
        """Whether it changes a workspace, so that an Idempotency-Key makes sense."""
        return self.scope in (KeyScope.WRITE, KeyScope.ADMIN)

    @cached_property
    def asks(self) -> bool:
        """Whether it reads a workspace to answer: then it has a deadline, and can be listed and cancelled."""
        return self.scope is KeyScope.READ and "{workspace}" in self.path and EVENT_STREAM not in self.gives


class Call:
    """One request on its way to an answer; `status` and `headers` are those of the answer."""

    __slots__ = (
        "_given", "asking", "headers", "key", "large", "operation", "params", "receive", "scope", "service", "status",
        "workspace_name",
    )  # fmt: skip

    def __init__(self, service: Service, operation: Operation, scope: Scope, receive: Receive) -> None:
        self.service = service
        self.operation = operation
        self.scope = scope
        self.status = operation.status
        self.headers: dict[str, str] = {}
        self.key: Key | None = None
        self.large = False
        self.asking: Asking | None = None
        self.receive = receive
        self._given: dict[bytes, bytes] = scope[GIVEN]
        self.params: dict[str, str] = scope["path_params"]
        self.workspace_name = self.param("workspace") if "workspace" in self.params else None

    def header(self, name: bytes) -> str | None:
        """A header of the request, by its name in lower case."""
        value = self._given.get(name)
        return None if value is None else value.decode("latin-1")

    def param(self, name: str) -> str:
        """A part of the path, percent-decoded."""
        return self.params[name].replace(SLASH, "/")

    @property
    def workspace(self) -> Questions:
        """What is asked."""
        return self.service.directory.workspace(self._named)

    @property
    def written(self) -> Workspace:
        """What is written."""
        return self.service.tamis.workspace(self._named)

    @property
    def _named(self) -> str:
        assert self.workspace_name is not None, "the path names a workspace"
        return self.workspace_name

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
        return await self.service.askings.heavy(self.asking, self.receive, partial(work, *args, **kwargs))

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
        content, more = await self.piece()
        if more:
            content = await self._rest(content, limit)
        if len(content) > limit:
            raise _too_large(limit)
        self.large = len(content) > self.service.limits.inline
        return content

    async def _rest(self, first: bytes, limit: int) -> bytes:
        """A body that comes in pieces."""
        pieces, size, more = [first], len(first), True
        while more:
            piece, more = await self.piece()
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
        return b"".join(pieces)

    async def piece(self) -> tuple[bytes, bool]:
        """The next piece of the body, and whether another follows; ClientDisconnect."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    async def once(self, content: bytes, run: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `run`, or the one kept from the first time when the request names an Idempotency-Key."""
        key = self.retry_key
        if key is None:
            return await run()
        path, query = self.scope["path"], self.scope["query_string"].decode("latin-1")
        request = f"{self.operation.method} {path}?{query}\n".encode()
        return await self.service.retries.once(self.written, key, request + content, run)

    def answer(self, value: Any) -> Response:
        """`value` in the form that was asked for."""
        media, encoder = encoder_for(self.header(b"accept"))
        return Encoded(encoder.encode(value), self.status, self.headers, media)


class Encoded(Response):
    """A body of bytes, whose head is put together without looking for what cannot be there."""

    def __init__(self, body: bytes, status: int, headers: dict[str, str], media: bytes) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers += ((b"content-length", b"%d" % len(body)), (b"content-type", media))


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
        self.operations = {operation.method: operation for operation in operations}
        if "GET" in self.operations:
            self.operations["HEAD"] = self.operations["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self.operations.get(scope["method"])
        if operation is None:
            raise self._not_allowed(scope["method"])
        scope["operation"] = operation
        call = Call(self.service, operation, scope, receive)
        name = call.workspace_name
        if not operation.public:
            call.key = self.service.keys.authorise(call.header(b"authorization"), operation.scope, name)
        if name is None:
            await self._answer(call, send)
            return
        gate = self.service.gate
        gate.enter(name)
        try:
            if operation.asks:
                await self._ask(call, name, send)
            else:
                await self._answer(call, send)
        finally:
            gate.leave(name)

    async def _ask(self, call: Call, workspace: str, send: Send) -> None:
        """Lists the request among those that ask, and tells its id with the answer."""
        route = f"{call.operation.method} {call.scope['path']}"
        with self.service.askings.begun(workspace, route, call.header(_QUERY_ID)) as call.asking:
            call.headers[QUERY_ID] = call.asking.id
            call.scope[TOLD] = {QUERY_ID: call.asking.id}
            await self._answer(call, send)

    async def _answer(self, call: Call, send: Send) -> None:
        content = b"" if call.operation.streams_in else await call.content()
        if call.operation.writes and not call.operation.streams_in:
            response = await call.once(content, partial(_handled, call, content))
        else:
            response = await _handled(call, content)
        if not isinstance(response, Encoded):
            await asyncio.sleep(0)  # streams share their work among tasks, for which this has to be one by now
        await response(call.scope, call.receive, send)

    def _not_allowed(self, method: str) -> ApiError:
        allowed = ", ".join(sorted(self.operations))
        headers = {"Allow": allowed}
        return ApiError(Failure.METHOD_NOT_ALLOWED, f"{method} is not taken here; {allowed} are", headers=headers)


async def _handled(call: Call, content: bytes) -> Response:
    """Decode, call, encode."""
    shape, arguments = call.operation.shape, dict[str, Any]()
    if shape.options is not None:
        arguments["options"] = convert_options(QueryParams(call.scope["query_string"]), shape.options)
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
