"""Keys: who may do what in which workspace. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from hmac import compare_digest

import msgspec

from dsl.problems import DataError, Problem
from engine.values import iso_datetime
from server.errors import ApiError, Failure
from storage import Documents

COLLECTION = "keys"
EVERYWHERE = "*"
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class Scope(StrEnum):
    """What a key may do. `admin` makes workspaces and keys; none includes another."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Key(msgspec.Struct, frozen=True):
    """A key as it is kept: `digest` is the SHA-256 of its secret, in hexadecimal."""

    id: str
    name: str
    workspaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    created: str
    digest: str

    def allows(self, scope: Scope, workspace: str | None) -> bool:
        """Whether it may do `scope` things in `workspace`; None stands for the server itself."""
        if scope not in self.scopes:
            return False
        return EVERYWHERE in self.workspaces or (workspace is not None and workspace in self.workspaces)


class KeyView(msgspec.Struct, frozen=True):
    """A key as it is shown: without its secret, which nobody knows."""

    id: str
    name: str
    workspaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    created: str


class NewKey(msgspec.Struct, frozen=True):
    """A key just made, with its secret: the one time it is shown."""

    id: str
    name: str
    workspaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    created: str
    key: str


def create_key(catalog: Documents, name: str, workspaces: Sequence[str], scopes: Sequence[Scope]) -> NewKey:
    """Makes a key for `workspaces` ("*" for all); its secret is in the answer and nowhere else."""
    if not workspaces or not scopes:
        hint = "name at least one workspace and one of read, write, admin"
        raise DataError([Problem("empty-key", "a key that allows nothing is of no use", hint, path="$.scopes")])
    secret = "tamis_" + secrets.token_urlsafe(32)
    created = iso_datetime(time.time_ns() // 1_000_000)
    key = Key(secrets.token_hex(4), name, tuple(workspaces), tuple(dict.fromkeys(scopes)), created, _digest(secret))
    catalog.put(COLLECTION, key.id, msgspec.json.encode(key))
    return NewKey(key.id, key.name, key.workspaces, key.scopes, key.created, secret)


def list_keys(catalog: Documents) -> list[KeyView]:
    """All keys, oldest first."""
    keys = sorted(kept_keys(catalog), key=lambda key: key.created)
    return [KeyView(key.id, key.name, key.workspaces, key.scopes, key.created) for key in keys]


def revoke_key(catalog: Documents, id: str) -> None:
    """Forgets a key; a running server is to be told by `Service.keys_changed`. ApiError when there is none."""
    if catalog.get(COLLECTION, id) is None:
        raise ApiError(Failure.UNKNOWN_KEY, f"no key with the id '{id}'")
    catalog.delete(COLLECTION, id)


def kept_keys(catalog: Documents) -> list[Key]:
    """All keys, as they are kept."""
    return [msgspec.json.decode(value, type=Key) for _, value in catalog.items(COLLECTION)]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Keys:
    """The keys of a running server, in memory. Without any key everything is allowed."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_digest: Mapping[str, Key] = {}
        self.take(keys)

    def take(self, keys: Iterable[Key]) -> None:
        """From now on there are these, and no others."""
        self._by_digest = {key.digest: key for key in keys}

    @property
    def open(self) -> bool:
        """Whether nobody needs a key."""
        return not self._by_digest

    def authorise(self, header: str | None, scope: Scope | None, workspace: str | None) -> Key | None:
        """The key of an Authorization header, when it allows `scope` in `workspace`; None on an open server.

        Without a `scope` any known key will do, without a `workspace` the server itself is meant.

        Raises ApiError 401 without a known key and 403 when the key does not allow it.
        """
        if self.open:
            return None
        key = self._known(header)
        if scope is not None and not key.allows(scope, workspace):
            where = "this server" if workspace is None else f"the workspace '{workspace}'"
            raise ApiError(Failure.NOT_ALLOWED, f"the key '{key.name}' has no {scope} scope in {where}")
        return key

    def _known(self, header: str | None) -> Key:
        kind, _, secret = (header or "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise ApiError(Failure.KEY_NEEDED, "send the header Authorization: Bearer <key>")
        digest = _digest(secret.strip())
        key = self._by_digest.get(digest)
        if key is None or not compare_digest(key.digest, digest):
            raise ApiError(Failure.KEY_UNKNOWN, "no such key; it may have been revoked")
        return key
