"""Queries: counts, pages and exports of the contacts that match an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
import msgspec
from msgspec import Meta
from starlette.responses import Response

from dsl.describe import Code
from dsl.problems import DataError, Problem
from engine.explanation import Explanation
from engine.query import Query
from engine.results import Count, Page
from engine.values import BadValue, datetime_value
from engine.why import Why
from server.language import spoken
from server.operations import Call
from server.shapes import Instant, Limit, Params, Seq, TimeoutMs
from server.streaming import export

T = TypeVar("T")

PATIENT = anyio.CapacityLimiter(16)
"""Queries that wait for their `min_seq` have threads of their own, lest they take those of the writes they wait for."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every query has."""

    params: Params = None
    at: Instant = None
    min_seq: Annotated[Seq | None, Meta(description="answer with this write, or a later state")] = None
    timeout_ms: Annotated[
        TimeoutMs | None, Meta(description="how long the answer is wanted; the server's default when absent")
    ] = None


class CountBody(Asked, frozen=True, kw_only=True):
    """One `expression` to count, or many `expressions`, all of one state and one clock."""

    expression: str | None = None
    expressions: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None


class ContactsQuery(Asked, frozen=True, kw_only=True):
    """An expression, and which page of its members to answer."""

    expression: str
    fields: list[str] | None = None
    limit: Limit = 100
    cursor: str | None = None
    sort: str | None = None


class ExplainQuery(Asked, frozen=True, kw_only=True):
    """An expression whose planning and answer are to be shown."""

    expression: str


class WhyQuery(Asked, frozen=True, kw_only=True):
    """An expression and a contact; in the language that Accept-Language likes best when `language` is absent."""

    expression: str
    contact: str
    language: Code | None = None


class ExportQuery(Asked, frozen=True, kw_only=True):
    """An expression, and what of each member to export."""

    expression: str
    fields: list[str] | None = None


class Counts(msgspec.Struct, frozen=True):
    """Counts in the order of the expressions, all of the state `seq`."""

    counts: list[Count]
    seq: int
    elapsed_ms: float


async def count(call: Call, body: CountBody) -> Count | Counts:
    call.service.meters.counted(call.workspace.name, len(body.expressions or ("one",)))
    if (body.expression is None) == (body.expressions is None):
        hint = "'expression' for one, 'expressions' for many"
        raise DataError([Problem("one-or-many", "give either 'expression' or 'expressions'", hint, path="$")])
    if body.expression is not None:
        return await answered(call, await ask(call, body.expression, body))
    return await _count_many(call, body.expressions or [], body)


async def _count_many(call: Call, expressions: list[str], body: CountBody) -> Counts:
    def bind_all() -> list[Query]:
        at = instant(call, body.at)
        return call.workspace.queries(expressions, params=body.params, at=at, min_seq=body.min_seq)

    call.within(body.timeout_ms, "; ".join(expressions))
    queries = await _waiting(call, body, bind_all)
    counts: list[Count] = []
    for query in queries:
        counts.append(await answered(call, query))
        await anyio.sleep(0)  # let others in between
    return Counts(counts, counts[0].seq, sum(c.elapsed_ms for c in counts))


async def answered(call: Call, query: Query) -> Count:
    """The count: here when indexes hold it, else in a thread, so that a slow question delays nobody else's."""
    return query.count() if query.light else await call.ask(query.count)


async def contacts(call: Call, body: ContactsQuery) -> Page:
    query = await ask(call, body.expression, body)
    return await call.ask(query.page, fields=body.fields, limit=body.limit, cursor=body.cursor, sort=body.sort)


async def explain(call: Call, body: ExplainQuery) -> Explanation:
    query = await ask(call, body.expression, body)
    return await call.ask(query.explain)


async def why(call: Call, body: WhyQuery) -> Why:
    at, language = instant(call, body.at), spoken(call, body.language)

    def work() -> Why:
        return call.workspace.why(
            body.contact, body.expression, params=body.params, at=at, language=language, min_seq=body.min_seq
        )

    call.within(body.timeout_ms, body.expression)
    return await call.ask(work)


async def stream(call: Call, body: ExportQuery) -> Response:
    return await export(call, await ask(call, body.expression, body), body.fields, "contacts")


async def ask(call: Call, expression: str, body: Asked) -> Query:
    """The query, bound to a state that has `min_seq`."""
    call.within(body.timeout_ms, expression)
    return await _waiting(call, body, lambda: bind(call, expression, body))


async def _waiting(call: Call, body: Asked, work: Callable[[], T]) -> T:
    """Runs `work` here, or in a thread when it must wait for `min_seq`."""
    if body.min_seq is not None and body.min_seq > call.workspace.seq:
        return await anyio.to_thread.run_sync(work, limiter=PATIENT)
    return work()


def bind(call: Call, expression: str, body: Asked) -> Query:
    at = instant(call, body.at)
    return call.workspace.query(expression, params=body.params, at=at, min_seq=body.min_seq)


def instant(call: Call, at: str | None) -> int | None:
    """Milliseconds UTC of the evaluation clock; without an offset it is in the workspace's zone."""
    if at is None:
        return None
    try:
        return datetime_value(at, call.workspace.schema.zone)
    except BadValue as bad:
        raise DataError([Problem("bad-value", bad.message, bad.hint, path="$.at")]) from None
