"""Contacts: upserted, read, erased; what they did and which segments they are in."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from engine.errors import UnknownContact
from engine.results import Ack, SegmentRef, TimelinePage
from server.bodies import RowsBody
from server.operations import Call, in_thread
from server.shapes import listed


class ContactsBody(RowsBody):
    """Contacts to insert or update by `id`: absent fields stay, null clears; `company` is the id of their company."""

    contacts: list[dict[str, Any]]


class TimelineOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events to answer."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    before: Annotated[str | None, Meta(description="'next' of the page before")] = None
    types: Annotated[str | None, Meta(description="event types, separated by commas")] = None


class Memberships(msgspec.Struct, frozen=True):
    segments: list[SegmentRef]


async def upsert(call: Call, body: ContactsBody) -> Ack:
    ack = await call.write(call.written.upsert_contacts, body.contacts)
    call.accepted("contacts", ack)
    return ack


async def show(call: Call) -> dict[str, Any]:
    contact = call.workspace.contact(call.param("id"))
    if contact is None:
        raise UnknownContact(call.param("id"))
    return contact


async def erase(call: Call) -> Ack:
    return await call.write(call.written.erase_contact, call.param("id"))


async def timeline(call: Call, options: TimelineOptions) -> TimelinePage:
    read = call.workspace.timeline
    return await in_thread(
        read, call.param("id"), limit=options.limit, before=options.before, types=listed(options.types)
    )


async def memberships(call: Call) -> Memberships:
    return Memberships(await call.ask(call.workspace.memberships, call.param("id")))
