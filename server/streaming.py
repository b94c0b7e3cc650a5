"""Exports: every member as a stream in the accepted form, in constant memory and no faster than it is read."""

from __future__ import annotations

import logging
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from engine.deadline import QueryStopped
from engine.query import Query
from formats.media import MEDIA, by_accept
from formats.writing import write
from server.errors import ApiError, Failure
from server.operations import Call

log = logging.getLogger("tamis.exports")

EXPORT_FORMS = tuple(media.types[0] for media in MEDIA if media.writes)


async def export(call: Call, query: Query, fields: list[str] | None, name: str) -> Response:
    """The members of `query`, all of one state. Each chunk is made in a worker thread once the last one is sent."""
    accept = call.header(b"accept") or "*/*"
    form = by_accept(accept)
    if form is None:
        raise ApiError(Failure.NOT_ACCEPTABLE, f"'{accept}' is none of {', '.join(EXPORT_FORMS)}")
    schema, batches = await call.ask(query.stream, fields)
    if call.asking is not None:
        call.asking.streams()
    headers = {**call.headers, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}{form.suffixes[0]}"}
    return Flow(write(form.format, schema, batches), 200, headers, form.types[0])


class Flow(StreamingResponse):
    """A stream that may stop before its end: its status is sent by then, so the connection is closed instead, which
    no client takes for the end. That is one line in the log, and nobody's mistake."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except QueryStopped as stopped:
            log.warning("%s stopped on the way: %s", scope["path"], stopped)
        except ClientDisconnect:
            log.info("%s: the client went away", scope["path"])
