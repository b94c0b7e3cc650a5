"""Events: added."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from engine.results import Ack
from server.bodies import RowsBody
from server.operations import Call


class EventsBody(RowsBody):
    """Events to add: each has a `contact` and a `type`, and may have `at`, an `id` and properties."""

    events: list[dict[str, Any]]


class EventsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with events of contacts not seen before."""

    unknown_contacts: Literal["create", "reject"] = "create"


async def add(call: Call, body: EventsBody, options: EventsOptions) -> Ack:
    if call.retry_key is not None:
        identify(body.events, call.retry_key)
    create = options.unknown_contacts == "create"
    ack = await call.write(call.written.add_events, body.events, create_contacts=create)
    call.accepted("events", ack)
    return ack


def identify(events: list[dict[str, Any]], key: str) -> None:
    """Gives events without an id one made from the Idempotency-Key, in place.

    The answer to a keyed write is stored after the write; should the server be killed between the two, the retry
    writes again, and these ids let the engine know the duplicates.
    """
    for i, event in enumerate(events):
        if event.get("id") is None:
            event["id"] = f"{key}#{i}"
