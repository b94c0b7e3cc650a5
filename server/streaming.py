"""Exports: every member as a stream in the accepted form, in constant memory and no faster than it is read."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from engine.query import Query
from formats.media import MEDIA, by_accept
from formats.writing import write
from server.errors import ApiError, Failure
from server.operations import Call

EXPORT_FORMS = tuple(media.types[0] for media in MEDIA if media.writes)


async def export(call: Call, query: Query, fields: list[str] | None, name: str) -> Response:
    """The members of `query`, all of one state. Each chunk is made in a worker thread once the last one is sent."""
    accept = call.request.headers.get("accept") or "*/*"
    form = by_accept(accept)
    if form is None:
        raise ApiError(Failure.NOT_ACCEPTABLE, f"'{accept}' is none of {', '.join(EXPORT_FORMS)}")
    schema, batches = await call.ask(query.stream, fields)
    if call.asking is not None:
        call.asking.streams()
    headers = {**call.headers, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}{form.suffixes[0]}"}
    return StreamingResponse(write(form.format, schema, batches), 200, headers, form.types[0])
