"""The keys of a data directory, or of a workspace on a running server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.auth import EVERYWHERE, KeyView, NewKey, Scope, create_key, list_keys, revoke_key
from server.client import Client, path
from storage import Documents


class Keyring(Protocol):
    """Makes, lists and revokes keys."""

    def create(self, name: str, scopes: Sequence[Scope], *, everywhere: bool) -> NewKey: ...

    def list(self) -> Sequence[KeyView]: ...

    def revoke(self, id: str) -> None: ...


class LocalKeyring:
    """All keys of a data directory; new ones are for `workspace`, or for every workspace."""

    def __init__(self, catalog: Documents, workspace: str) -> None:
        self._catalog = catalog
        self._workspace = workspace

    def create(self, name: str, scopes: Sequence[Scope], *, everywhere: bool) -> NewKey:
        return create_key(self._catalog, name, [EVERYWHERE if everywhere else self._workspace], scopes)

    def list(self) -> Sequence[KeyView]:
        return list_keys(self._catalog)

    def revoke(self, id: str) -> None:
        revoke_key(self._catalog, id)


class RemoteKeyring:
    """The keys of one workspace of a running server; keys for every workspace are made on the data directory."""

    def __init__(self, client: Client, workspace: str) -> None:
        self._client = client
        self._path = ("workspaces", workspace, "keys")

    def create(self, name: str, scopes: Sequence[Scope], *, everywhere: bool) -> NewKey:
        if everywhere:
            raise OnDataDirectoryOnly
        return msgspec.convert(self._client.call("POST", path(*self._path), {"name": name, "scopes": scopes}), NewKey)

    def list(self) -> Sequence[KeyView]:
        return msgspec.convert(self._client.call("GET", path(*self._path))["keys"], list[KeyView])

    def revoke(self, id: str) -> None:
        self._client.call("DELETE", path(*self._path, id))


class OnDataDirectoryOnly(Exception):
    """A server makes no keys for other workspaces than the one that is asked."""

    def __init__(self) -> None:
        super().__init__("a key for every workspace is made on the data directory (--data), with the server stopped")
