"""The front of the server: hosts it answers to, slashes inside path parts, and the clock of every request."""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import Failure, problem_response
from server.meters import Meters

SLASH = "\ufdd0"
"""Stands for a %2F of the path while it is matched: a noncharacter, which no id that arrives as text may hold."""

PASSED_ON = "passed_on"
"""Says in a scope that another process answers, and meters, the request."""


class Front:
    """Pure ASGI middleware around everything else.

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
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            refusal = self._refusal(Headers(scope=scope))
            if refusal is not None:
                await refusal(scope, receive, noting)
                return
            keep_slashes(scope)
            await self.app(scope, receive, noting)
        finally:
            if PASSED_ON not in scope:
                self.meters.request(scope.get("operation"), scope["method"], status, time.perf_counter() - started)

    def _refusal(self, headers: Headers) -> Response | None:
        if self.hosts is None:
            return None
        host = headers.get("host", "")
        if _hostname(host) not in self.hosts:
            return problem_response(Failure.FOREIGN_HOST, f"this server does not answer for the host '{host}'")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return problem_response(Failure.FOREIGN_HOST, f"pages of '{origin}' may not use this server")
        return None


@lru_cache(maxsize=64)
def _hostname(host: str) -> str:
    """The host of a Host header without its port: `[::1]:80` gives `::1`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def keep_slashes(scope: Scope) -> None:
    """Decodes the path part by part, so that an id may contain a slash, sent as %2F."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" in raw.lower():
        parts = raw.partition(b"?")[0].decode("ascii", "replace").split("/")
        scope["path"] = "/".join(unquote(part).replace("/", SLASH) for part in parts)
