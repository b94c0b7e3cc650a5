"""The ASGI application: the routes table made into Starlette routes, around one service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from itertools import groupby

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from server.documents import encode_description
from server.front import Front
from server.openapi import describe
from server.operations import Endpoint, Operation
from server.paths import Paths
from server.routes import ROUTES
from server.service import Service

Endpoints = Callable[[Service, list[Operation]], ASGIApp]


def application(service: Service, hosts: Collection[str] | None = None, endpoint: Endpoints = Endpoint) -> Starlette:
    """The application of a service. With `hosts` it answers only requests made to one of these host names.

    `endpoint` makes the application of the operations at one path.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if service.writing is None:
            yield
            return
        await run_sync(service.importers.start)
        yield
        await run_sync(service.importers.close)

    app = Starlette()
    app.router = Paths(starlette_routes(service, ROUTES, endpoint), lifespan)
    # All of Starlette's own middleware is for errors, to which the front has the answers.
    app.middleware_stack = Front(app.router.app, service.meters, hosts)
    app.state.openapi = encode_description(describe(ROUTES))
    return app


def starlette_routes(service: Service, operations: Iterable[Operation], endpoint: Endpoints = Endpoint) -> list[Route]:
    """One route for each path, in the order of the table; operations of one path stand together there."""
    by_path = groupby(operations, key=lambda operation: operation.path)
    return [Route(path, endpoint(service, list(group))) for path, group in by_path]
