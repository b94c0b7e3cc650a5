"""Whether the server lives, and whether it is ready to take reads and writes."""

from __future__ import annotations

import msgspec

from server.operations import Call


class Health(msgspec.Struct, frozen=True):
    status: str


class Readiness(msgspec.Struct, frozen=True):
    """`reasons` says, by workspace, why writes are refused; reads go on. A worker that is starting is one too."""

    ready: bool
    reasons: dict[str, str]


async def alive(call: Call) -> Health:
    return Health("alive")


async def ready(call: Call) -> Readiness:
    directory, crew = call.service.directory, call.service.crew
    states = {name: directory.workspace(name).healthy for name in directory.workspaces()}
    reasons = {name: reason for name, reason in states.items() if reason is not None}
    reasons |= dict.fromkeys(crew.absent, "is starting")
    for status, body in await crew.ask(call.scope):
        if status == 503:
            reasons |= msgspec.json.decode(body, type=Readiness).reasons
        elif status != 200:
            reasons["workers"] = "one does not answer"
    if reasons:
        call.status = 503
    return Readiness(not reasons, reasons)
