"""Segments: saved expressions and hand-picked contacts, their members, and the tree they form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from dsl.describe import Code
from dsl.problems import DataError, Problem
from engine.deadline import Deadline, kept
from engine.results import Ack, Page, SegmentView
from engine.why import Why
from server.language import spoken
from server.operations import Call, in_thread
from server.queries import instant
from server.shapes import ExportOptions, Instant, PageOptions, listed
from server.streaming import export

Ids = Annotated[list[str], Meta(max_length=1_000_000, description="ids of contacts")]


class SegmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A segment. Without an expression it is static: its members are those added to it. A child narrows its parent."""

    name: str | None = None
    description: str | None = None
    parent: str | None = None
    expression: str | None = None


class MembersBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contacts to add and remove, which holds against the rules until they are reset."""

    add: Ids = []
    remove: Ids = []
    reset: Ids = []


class TreeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether children are listed under their parents."""

    tree: bool = False


class WhyOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to look, and in which language to answer; as Accept-Language likes it when that is absent."""

    at: Instant = None
    language: Code | None = None


@dataclass(frozen=True, slots=True)
class SegmentNode(SegmentView):
    """A segment and, when the tree was asked for, its children."""

    children: list[SegmentNode] | msgspec.UnsetType = msgspec.UNSET


class SegmentList(msgspec.Struct, frozen=True):
    segments: list[SegmentNode]


class Membership(msgspec.Struct, frozen=True):
    """Whether one contact is a member."""

    member: bool


async def listing(call: Call, options: TreeOptions) -> SegmentList:
    views = await call.ask(call.workspace.segments)
    nodes = [msgspec.convert(view, SegmentNode, from_attributes=True) for view in views]
    return SegmentList(tree(nodes) if options.tree else nodes)


def tree(nodes: Iterable[SegmentNode]) -> list[SegmentNode]:
    """The roots, each with its children under it, in the order given."""
    planted = {node.key: replace(node, children=[]) for node in nodes}
    roots: list[SegmentNode] = []
    for node in planted.values():
        above = None if node.parent is None else planted[node.parent].children
        (above if isinstance(above, list) else roots).append(node)
    return roots


async def put(call: Call, body: SegmentBody) -> SegmentView:
    if_none_match = call.header(b"if-none-match")
    if if_none_match not in (None, "*"):
        hint = "If-None-Match: * saves only a new segment; If-Match: <etag> saves over the one you saw"
        raise DataError([Problem("bad-precondition", "If-None-Match takes only * here", hint)])
    saved = await call.write(
        call.written.put_segment,
        call.param("key"),
        msgspec.to_builtins(body),
        if_match=call.header(b"if-match"),
        if_none_match=if_none_match == "*",
    )
    with kept(Deadline(call.service.askings.default_ms)):
        view = await in_thread(call.workspace.view, saved)
    call.headers["ETag"] = view.etag
    if view.created == view.updated:
        call.status = 201
    return view


async def show(call: Call) -> SegmentView | Response:
    view = await call.ask(call.workspace.segment, call.param("key"))
    call.headers["ETag"] = view.etag
    seen = call.header(b"if-none-match") or ""
    if view.etag in [tag.strip().removeprefix("W/") for tag in seen.split(",")]:
        return Response(status_code=304, headers=call.headers)
    return view


async def drop(call: Call) -> Ack:
    drop_segment = call.written.drop_segment
    return await call.write(drop_segment, call.param("key"), if_match=call.header(b"if-match"))


async def change_members(call: Call, body: MembersBody) -> Ack:
    return await call.write(call.written.change_members, call.param("key"), body.add, body.remove, body.reset)


async def contacts(call: Call, options: PageOptions) -> Page:
    query = call.workspace.segment_query(call.param("key"))
    fields = listed(options.fields)
    return await call.ask(query.page, fields=fields, limit=options.limit, cursor=options.cursor, sort=options.sort)


async def stream(call: Call, options: ExportOptions) -> Response:
    key = call.param("key")
    return await export(call, call.workspace.segment_query(key), listed(options.fields), key)


async def membership(call: Call) -> Membership:
    return Membership(await call.ask(call.workspace.is_member, call.param("key"), call.param("id")))


async def why(call: Call, options: WhyOptions) -> Why:
    at, language = instant(call, options.at), spoken(call, options.language)
    return await call.ask(call.workspace.why_member, call.param("key"), call.param("id"), at=at, language=language)
