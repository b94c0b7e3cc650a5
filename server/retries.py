"""Writes that may be sent twice: the answer of the first is kept under its Idempotency-Key for a day."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable

import anyio.to_thread
import msgspec
from starlette.responses import Response

from engine.workspace import Workspace
from server.errors import ApiError, Failure
from storage import Documents

COLLECTION = "idempotency"
KEPT_SECONDS = 24 * 3600
KEY_LIMIT = 255
SWEEP_EVERY = 1000


class Stored(msgspec.Struct, frozen=True):
    """An answer, and the hash of the request it answered."""

    request: bytes
    at: float
    status: int
    headers: dict[str, str]
    body: bytes


class Retries:
    """Runs each keyed write once."""

    def __init__(self) -> None:
        self._running: set[tuple[str, str]] = set()
        self._since_sweep = 0

    async def once(
        self, workspace: Workspace, key: str, request: bytes, run: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The stored answer to `request` under `key`, or that of `run`, which is stored when it succeeded.

        Raises ApiError when the key was used for another request, or while its first request still runs.
        """
        if not 0 < len(key) <= KEY_LIMIT:
            raise ApiError(Failure.MALFORMED, f"an Idempotency-Key has 1 to {KEY_LIMIT} characters")
        mine = (workspace.name, key)
        if mine in self._running:
            raise ApiError(Failure.RETRY_IN_PROGRESS, "its answer will be kept; send the request again in a moment")
        self._running.add(mine)
        try:
            digest = hashlib.sha256(request).digest()
            stored = await anyio.to_thread.run_sync(_lookup, workspace.documents, key)
            if stored is not None:
                return _replayed(stored, digest)
            response = await run()
            if response.status_code < 300:
                await anyio.to_thread.run_sync(self._keep, workspace.documents, key, digest, response)
            return response
        finally:
            self._running.discard(mine)

    def _keep(self, documents: Documents, key: str, digest: bytes, response: Response) -> None:
        stored = Stored(digest, time.time(), response.status_code, dict(response.headers), bytes(response.body))
        documents.put(COLLECTION, key, msgspec.msgpack.encode(stored))
        self._since_sweep += 1
        if self._since_sweep >= SWEEP_EVERY:
            self._since_sweep = 0
            sweep(documents)


def _lookup(documents: Documents, key: str) -> Stored | None:
    value = documents.get(COLLECTION, key)
    stored = None if value is None else msgspec.msgpack.decode(value, type=Stored)
    return stored if stored is not None and time.time() - stored.at < KEPT_SECONDS else None


def _replayed(stored: Stored, digest: bytes) -> Response:
    if stored.request != digest:
        raise ApiError(Failure.KEY_REUSED, "another request was sent under this Idempotency-Key; choose a new one")
    return Response(stored.body, stored.status, {**stored.headers, "Idempotency-Replayed": "true"})


def sweep(documents: Documents) -> None:
    """Forgets answers older than a day."""
    for key, value in documents.items(COLLECTION):
        if time.time() - msgspec.msgpack.decode(value, type=Stored).at >= KEPT_SECONDS:
            documents.delete(COLLECTION, key)
