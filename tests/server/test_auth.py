"""Keys: who may do what, shown once, kept as hashes."""

import httpx
import pytest

from engine.directory import Tamis
from server.auth import Scope, create_key, list_keys, revoke_key
from server.errors import ApiError
from tests.server.answers import ok, problem


@pytest.fixture
def guarded(tmp_path, serving):
    """A server with keys, and a client for each of them."""
    tamis = Tamis.open(tmp_path)
    tamis.create("shop")
    secrets = {
        "root": create_key(tamis.catalog, "root", ["*"], list(Scope)).key,
        "reader": create_key(tamis.catalog, "reader", ["shop"], [Scope.READ]).key,
        "writer": create_key(tamis.catalog, "writer", ["shop"], [Scope.READ, Scope.WRITE]).key,
    }
    tamis.close()
    with serving(tmp_path) as (address, _):
        yield {
            name: httpx.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"})
            for name, secret in {**secrets, "stranger": "tamis_nope"}.items()
        } | {"nobody": httpx.Client(base_url=address)}


CONTACTS = "/v1/workspaces/shop/contacts"
COUNT = "/v1/workspaces/shop/query/count"
EVERYONE = {"expression": "everyone"}


def test_what_keys_allow(guarded):
    problem(guarded["nobody"].post(COUNT, json=EVERYONE), 401, "key-needed")
    problem(guarded["stranger"].post(COUNT, json=EVERYONE), 401, "key-unknown")
    assert guarded["nobody"].post(COUNT, json=EVERYONE).headers["www-authenticate"] == "Bearer"
    ok(guarded["reader"].post(COUNT, json=EVERYONE))
    problem(guarded["reader"].post(CONTACTS, json={"contacts": []}), 403, "not-allowed")
    ok(guarded["writer"].post(CONTACTS, json={"contacts": []}))
    problem(guarded["writer"].post(CONTACTS.replace("shop", "default"), json={"contacts": []}), 403, "not-allowed")
    problem(guarded["writer"].put("/v1/workspaces/new"), 403, "not-allowed")
    ok(guarded["root"].put("/v1/workspaces/new"), 201)


def test_only_ones_own_workspaces_are_listed(guarded):
    names = [each["name"] for each in ok(guarded["reader"].get("/v1/workspaces"))["workspaces"]]
    assert names == ["shop"]
    assert len(ok(guarded["root"].get("/v1/workspaces"))["workspaces"]) == 2


def test_what_is_public(guarded):
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/"):
        assert guarded["nobody"].get(path).status_code == 200
    problem(guarded["nobody"].get("/metrics"), 401, "key-needed")


def test_keys_over_http(guarded):
    root, path = guarded["root"], "/v1/workspaces/shop/keys"
    made = ok(root.post(path, json={"name": "till", "scopes": ["read"]}), 201)
    client = httpx.Client(base_url=root.base_url, headers={"Authorization": f"Bearer {made['key']}"})
    ok(client.post(COUNT, json=EVERYONE))
    listed = ok(root.get(path))["keys"]
    assert {key["name"] for key in listed} == {"reader", "writer", "till"}
    assert not any("key" in key or "digest" in key for key in listed)
    ok(root.delete(f"{path}/{made['id']}"))
    problem(client.post(COUNT, json=EVERYONE), 401, "key-unknown")
    problem(root.delete(f"{path}/{made['id']}"), 404, "unknown-key")
    problem(root.post(path, json={"name": "x", "scopes": ["all"]}), 422, "invalid")
    problem(guarded["writer"].get(path), 403, "not-allowed")


def test_secrets_are_not_kept(tmp_path):
    tamis = Tamis.open(tmp_path)
    made = create_key(tamis.catalog, "one", ["*"], [Scope.READ])
    assert all(made.key.encode() not in value for _, value in tamis.catalog.items("keys"))
    assert [key.id for key in list_keys(tamis.catalog)] == [made.id]
    revoke_key(tamis.catalog, made.id)
    assert list_keys(tamis.catalog) == []
    with pytest.raises(ApiError):
        revoke_key(tamis.catalog, made.id)
    tamis.close()
    assert all(made.key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
