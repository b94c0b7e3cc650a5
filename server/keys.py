"""Keys of a workspace: made, listed, revoked."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from server.auth import KeyView, NewKey, Scope, create_key, list_keys, revoke_key
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
    made = await in_thread(create_key, call.service.tamis.catalog, body.name, [name], body.scopes)
    await call.service.keys_changed()
    return made


async def listing(call: Call) -> KeyList:
    return KeyList(_of_workspace(call))


async def revoke(call: Call) -> Revoked:
    id = call.param("id")
    if all(key.id != id for key in _of_workspace(call)):
        raise ApiError(Failure.UNKNOWN_KEY, f"no key of this workspace has the id '{id}'")
    await in_thread(revoke_key, call.service.tamis.catalog, id)
    await call.service.keys_changed()
    return Revoked(id)


def _of_workspace(call: Call) -> list[KeyView]:
    """The keys made for this workspace alone: those of the whole server are the command line's."""
    name = call.workspace.name
    return [key for key in list_keys(call.service.tamis.catalog) if key.workspaces == (name,)]
