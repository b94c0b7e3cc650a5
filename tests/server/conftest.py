"""A real server over real sockets, one for all tests; every test has a workspace of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
import uvicorn

from engine.directory import Tamis
from server.app import application
from server.auth import LOOPBACK
from server.serve import Announcing, bound, url
from server.service import Limits, Service, service
from server.wire import Protocol
from tests.server.answers import CONTACTS, SCHEMA, ok

WORKSPACES = (f"w{n}" for n in count())


@contextmanager
def served(data: Path, limits: Limits | None = None) -> Iterator[tuple[str, Service]]:
    """A server in a thread; its address and its service."""
    tamis = Tamis.open(data)
    room = service(tamis, data / "spool", limits)
    started = threading.Event()
    with bound("127.0.0.1", 0) as listening:
        app = application(room, LOOPBACK)
        config = uvicorn.Config(app, http=Protocol, log_level="warning", lifespan="on", timeout_graceful_shutdown=5)
        server = Announcing(config, started.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        address = url(listening)
        thread.start()
        try:
            assert started.wait(60)
            yield address, room
        finally:
            server.should_exit = True
            thread.join()
            tamis.close()


@pytest.fixture
def serving():
    """Serves a data directory of the test's own."""
    return served


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Service]]:
    with served(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="session")
def site(running: tuple[str, Service]) -> Iterator[httpx.Client]:
    """A client of the whole server."""
    with httpx.Client(base_url=running[0], timeout=30) as client:
        yield client


@pytest.fixture
def api(site: httpx.Client) -> Iterator[httpx.Client]:
    """A client of a new, empty workspace: paths are below it."""
    address = f"{site.base_url}/v1/workspaces/{next(WORKSPACES)}/".replace("//v1", "/v1")
    with httpx.Client(base_url=address, timeout=30) as client:
        assert client.put(address.rstrip("/")).status_code == 201
        yield client


@pytest.fixture
def filled(api: httpx.Client) -> httpx.Client:
    """A workspace with a schema and three contacts."""
    ok(api.patch("schema", json=SCHEMA))
    ok(api.post("contacts", json={"contacts": CONTACTS}))
    return api
