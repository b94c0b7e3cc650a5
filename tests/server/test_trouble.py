"""When the disk is full or fails: writes are refused with the reason, reads go on."""

import httpx
import pytest

from storage import StorageFailed, StorageFull
from tests.server.answers import count, ok, problem


@pytest.fixture
def store(filled, running):
    """The store behind the workspace of the test."""
    workspace = running[1].tamis.workspace(str(filled.base_url).split("/")[-2])
    return workspace._store


def test_a_full_disk_refuses_writes_until_there_is_room(filled, store, monkeypatch):
    def full(*records, **more):
        raise StorageFull("no room on the disk")

    body = {"contacts": [{"id": "late"}]}
    with monkeypatch.context() as patched:
        patched.setattr(store, "append", full)
        problem(filled.post("contacts", json=body), 507, "storage-full")
        assert count(filled, "everyone") == 3
    ok(filled.post("contacts", json=body))
    assert count(filled, "everyone") == 4


def test_a_failed_disk_takes_no_writes(tmp_path, serving, monkeypatch):
    def failed(*records, **more):
        raise StorageFailed("fsync failed")

    with serving(tmp_path) as (address, room), httpx.Client(base_url=address) as site:
        monkeypatch.setattr(room.tamis.workspace("default")._store, "append", failed)
        route = "/v1/workspaces/default/contacts"
        problem(site.post(route, json={"contacts": [{"id": "a"}]}), 503, "storage-failed")
        ok(site.post("/v1/workspaces/default/query/count", json={"expression": "everyone"}))
        monkeypatch.undo()
