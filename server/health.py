"""Whether the server lives, and whether it is ready to take reads and writes."""

from __future__ import annotations

import msgspec

from server.operations import Call


class Health(msgspec.Struct, frozen=True):
    status: str


class Readiness(msgspec.Struct, frozen=True):
    """`reasons` says, by workspace, why writes are refused; reads go on."""

    ready: bool
    reasons: dict[str, str]


async def alive(call: Call) -> Health:
    return Health("alive")


async def ready(call: Call) -> Readiness:
    tamis = call.service.tamis
    states = {name: tamis.workspace(name).healthy for name in tamis.workspaces()}
    reasons = {name: reason for name, reason in states.items() if reason is not None}
    if reasons:
        call.status = 503
    return Readiness(not reasons, reasons)
