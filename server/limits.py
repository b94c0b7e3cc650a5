"""What questions of a workspace may cost."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.budget import QueryLimits
from server.operations import Call, in_thread


class LimitsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget of the workspace in estimated milliseconds; null for the server's default."""

    budget_ms: Annotated[float, Meta(ge=1)] | None


async def show(call: Call) -> QueryLimits:
    return call.workspace.limits


async def patch(call: Call, body: LimitsBody) -> QueryLimits:
    limits = await in_thread(call.written.limit, body.budget_ms)
    await call.service.crew.limited(call.written.name, limits)
    return limits
