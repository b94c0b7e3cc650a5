"""Jobs: listed, watched, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import FileResponse, Response

from server.importers import Line
from server.importing import Job
from server.operations import Call, in_thread

LOOK_EVERY = 0.1
"""Seconds between two looks at a job that is being watched."""


class JobList(msgspec.Struct, frozen=True):
    jobs: list[Job]


async def listing(call: Call) -> JobList:
    return JobList(await in_thread((await _line(call)).jobs))


async def show(call: Call) -> Job:
    return (await _line(call)).job(call.param("id"))


async def cancel(call: Call) -> Job:
    return (await _line(call)).cancel(call.param("id"))


async def rejects(call: Call) -> Response:
    path = (await _line(call)).rejects(call.param("id"))
    return FileResponse(path, media_type="text/csv", filename=path.name)


async def stream(call: Call) -> Response:
    line, id = await _line(call), call.param("id")
    line.job(id)
    stopping = anyio.Event()
    events = watched(line, id, stopping)
    return EventSourceResponse(events, shutdown_event=stopping, shutdown_grace_period=10 * LOOK_EVERY)


async def watched(line: Line, id: str, stopping: anyio.Event) -> AsyncIterator[ServerSentEvent]:
    """The job each time it has changed, until it has ended or the server stops."""
    last = b""
    while not stopping.is_set():
        job = line.job(id)
        now = msgspec.json.encode(job)
        if now != last:
            yield ServerSentEvent(now.decode(), event="job")
            last = now
        if job.state.ended:
            return
        await anyio.sleep(LOOK_EVERY)


async def _line(call: Call) -> Line:
    return await in_thread(call.service.importers.line, call.param("workspace"))
