"""Where paths lead: Starlette's routes, each path looked up among them once, and slashes inside path parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from starlette.routing import Match, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

SLASH = "\ufdd0"
"""Stands for a %2F of the path while it is matched: a noncharacter, which no id that arrives as text may hold."""

REMEMBERED = 4096
"""Paths whose routes are remembered, those used last."""
LONGEST = 1024
"""Characters that a path may have to be remembered."""


class Paths(Router):
    """A router that remembers where paths lead: trying one route after the other takes longer than a small question.

    Its routes take every method, and are looked for by the path alone.
    """

    def __init__(self, routes: Sequence[Route], lifespan: Lifespan[Any] | None = None) -> None:
        super().__init__(routes, lifespan=lifespan)
        self._remembered = lru_cache(REMEMBERED)(self._find)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._found(scope["path"]) if scope["type"] == "http" else None
        if found is None:  # what begins and ends the server, or an address that leads nowhere
            await super().app(scope, receive, send)
            return
        route, known = found
        scope.update(known)
        await route.app(scope, receive, send)

    def _found(self, path: str) -> tuple[Route, Scope] | None:
        return self._remembered(path) if len(path) <= LONGEST else self._find(path)

    def _find(self, path: str) -> tuple[Route, Scope] | None:
        scope = {"type": "http", "path": path}
        for route in self.routes:
            match, known = route.matches(scope)
            if match is Match.FULL and isinstance(route, Route):
                return route, known
        return None


def keep_slashes(scope: Scope) -> None:
    """Decodes the path part by part, so that an id may contain a slash, sent as %2F."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2" in raw and b"%2f" in raw.lower():
        parts = raw.partition(b"?")[0].decode("ascii", "replace").split("/")
        scope["path"] = "/".join(unquote(part).replace("/", SLASH) for part in parts)
