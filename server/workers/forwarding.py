"""The application of a worker: what only asks is answered here, all else by the process that writes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from functools import partial

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import UnknownWorkspace
from engine.questions import MIN_SEQ_PATIENCE, Directory
from server.app import application
from server.errors import Failure, problem_response
from server.front import PASSED_ON
from server.operations import Endpoint, Operation
from server.routes import ANYWHERE
from server.service import Service
from server.workers.door import Reached, Settled, Through

LOOK_SECONDS = 0.0005
"""Between two looks at how far a workspace has been followed."""


def forwarding(service: Service, hosts: Collection[str] | None, writer: Through) -> Starlette:
    """The application of a worker whose requests that do not only ask go through the door of the one that writes."""
    return application(service, hosts, partial(Dispatched, writer=writer))


class Dispatched:
    """The operations at one path, here and there."""

    def __init__(self, service: Service, operations: Iterable[Operation], writer: ASGIApp) -> None:
        self._here = Endpoint(service, operations)
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._here.operations.get(scope["method"])
        if found is None or found.handler in ANYWHERE:
            await self._here(scope, receive, send)
            return
        scope[PASSED_ON] = True
        try:
            await self._writer(scope, receive, send)
        except OSError:
            gone = problem_response(Failure.CLOSING, "the process that writes is ending; try again shortly")
            await gone(scope, receive, send)


def settled(service: Service) -> Settled:
    """What was written through this worker is read by it from then on: an answer waits until it has followed."""

    async def wait(workspace: str, seq: int) -> None:
        end = asyncio.get_running_loop().time() + MIN_SEQ_PATIENCE
        while not _has(service, workspace, seq) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK_SECONDS)

    return wait


def _has(service: Service, workspace: str, seq: int) -> bool:
    try:
        return service.directory.workspace(workspace).seq >= seq
    except UnknownWorkspace:
        return False


def reached(directory: Directory) -> Reached:
    """Tells with each answer how far its workspace is."""

    def state(scope: Scope) -> tuple[str, int] | None:
        name = scope.get("path_params", {}).get("workspace")
        try:
            return None if name is None else (name, directory.workspace(name).seq)
        except UnknownWorkspace:
            return None

    return state
