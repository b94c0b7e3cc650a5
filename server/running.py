"""Queries that run: listed, cancelled."""

from __future__ import annotations

from itertools import chain
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
    """Those of every process that answers."""
    here = [_shown(asking) for asking in call.service.askings.running(call.workspace.name) if asking is not call.asking]
    answers = await call.service.crew.ask(call.scope)
    elsewhere = [msgspec.json.decode(body, type=RunningQueries).queries for status, body in answers if status == 200]
    return RunningQueries(sorted(chain(here, *elsewhere), key=lambda query: -query.age_ms))


async def cancel(call: Call) -> RunningQuery:
    """Ends the query in each process that has one of this id: a name is given once in each of them."""
    found: list[RunningQuery] = []
    for status, body in await call.service.crew.ask(call.scope):
        if status == 200:
            found.append(msgspec.json.decode(body, type=RunningQuery))
    name, id = call.workspace.name, call.param("id")
    if not found or any(asking.id == id for asking in call.service.askings.running(name)):
        return _shown(call.service.askings.cancel(name, id))
    return found[0]


def _shown(asking: Asking) -> RunningQuery:
    deadline = asking.deadline
    return RunningQuery(asking.id, asking.route, asking.expression, deadline.elapsed_ms, deadline.timeout_ms)
