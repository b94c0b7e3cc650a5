"""Queries that run: listed, cancelled."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from server.asking import Asking
from server.operations import Call


class RunningQuery(msgspec.Struct, frozen=True):
    """A query that is not answered yet. `expression` is null where the question is a segment or a contact."""

    id: str
    route: str
    expression: str | None
    age_ms: float
    timeout_ms: Annotated[float | None, Meta(description="when it ends by itself; null once its answer streams")]


class RunningQueries(msgspec.Struct, frozen=True):
    queries: list[RunningQuery]


async def listing(call: Call) -> RunningQueries:
    running = call.service.askings.running(call.workspace.name)
    return RunningQueries([_shown(asking) for asking in running if asking is not call.asking])


async def cancel(call: Call) -> RunningQuery:
    return _shown(call.service.askings.cancel(call.workspace.name, call.param("id")))


def _shown(asking: Asking) -> RunningQuery:
    deadline = asking.deadline
    return RunningQuery(asking.id, asking.route, asking.expression, deadline.elapsed_ms, deadline.timeout_ms)
