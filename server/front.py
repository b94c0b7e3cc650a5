"""The front of the server: hosts it answers to, the clock of every request, and an answer to every error."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from time import perf_counter
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import ApiError, Failure, answer_error, failure_of
from server.meters import Meters
from server.paths import keep_slashes

PASSED_ON = "passed_on"
"""Says in a scope that another process answers, and meters, the request."""

GIVEN = "given"
"""The headers of a request by name in its scope: of one that comes twice, the first."""


class Front:
    """Pure ASGI middleware around everything else; the only one, as each costs every request some microseconds.

    With `hosts`, a request must name one of them in its Host header, and a browser's page must come from here too:
    otherwise any web page could talk to an open server on the reader's own machine.
    """

    def __init__(self, app: ASGIApp, meters: Meters, hosts: Collection[str] | None = None) -> None:
        self.app = app
        self.meters = meters
        self.hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope[GIVEN] = dict(reversed(scope["headers"]))
        try:
            self._check_hosts(scope[GIVEN])
            keep_slashes(scope)
            await self.app(scope, receive, noting)
        except Exception as error:
            if status:  # the answer has begun: the connection is closed, which no client takes for its end
                raise
            await answer_error(scope, error)(scope, receive, noting)
            if failure_of(error) is Failure.INTERNAL:  # for the log
                raise
        finally:
            if PASSED_ON not in scope:
                self.meters.request(scope.get("operation"), scope["method"], status or 500, perf_counter() - started)

    def _check_hosts(self, given: dict[bytes, bytes]) -> None:
        """ApiError for a request that was made for another host, or by a page of one."""
        if self.hosts is None:
            return
        host, origin = given.get(b"host", b""), given.get(b"origin")
        if _hostname(host) not in self.hosts:
            message = f"this server does not answer for the host '{host.decode('latin-1')}'"
            raise ApiError(Failure.FOREIGN_HOST, message)
        if origin is not None and _place(origin) != host:
            raise ApiError(Failure.FOREIGN_HOST, f"pages of '{origin.decode('latin-1')}' may not use this server")


def _place(origin: bytes) -> bytes:
    """The host and port of an Origin header."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return b""


@lru_cache(maxsize=64)
def _hostname(host: bytes) -> str:
    """The host of a Host header without its port: `[::1]:80` gives `::1`."""
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""
