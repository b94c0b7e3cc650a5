"""Keys of a workspace: made, listed, revoked."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from server.auth import KeyView, NewKey, Scope, list_keys
from server.errors import ApiError, Failure
from server.operations import Call, in_thread


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make: what it is for, and what it may do here."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    scopes: Annotated[list[Scope], Meta(min_length=1)]


class KeyList(msgspec.Struct, frozen=True):
    keys: list[KeyView]


class Revoked(msgspec.Struct, frozen=True):
    revoked: str


async def create(call: Call, body: KeyBody) -> NewKey:
    name = call.workspace.name
    call.headers["Cache-Control"] = "no-store"
    return await in_thread(call.service.keys.create, body.name, [name], body.scopes)


async def listing(call: Call) -> KeyList:
    return KeyList(_of_workspace(call))


async def revoke(call: Call) -> Revoked:
    id = call.param("id")
    if all(key.id != id for key in _of_workspace(call)):
        raise ApiError(Failure.UNKNOWN_KEY, f"no key of this workspace has the id '{id}'")
    await in_thread(call.service.keys.revoke, id)
    return Revoked(id)


def _of_workspace(call: Call) -> list[KeyView]:
    """The keys made for this workspace alone: those of the whole server are the command line's."""
    name = call.workspace.name
    return [key for key in list_keys(call.service.tamis.catalog) if key.workspaces == (name,)]
