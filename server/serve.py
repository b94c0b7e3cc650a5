"""Serving a data directory until asked to stop: what was accepted is finished, then everything is closed."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from engine.budget import DEFAULT_BUDGET_MS
from engine.caches import DEFAULT_BYTES
from engine.directory import DEFAULT, Tamis
from engine.native import warm
from server.app import application
from server.auth import LOOPBACK, Keys
from server.service import Limits, service

GRACE_SECONDS = 20
"""How long running requests may take to end once the server was asked to stop."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept, so that clients need not connect again for each request."""

SWITCH_SECONDS = 0.001
"""How long a thread may keep the interpreter while another one waits for it."""

SPOOL = "spool"
ADDRESS = "address"
"""A file of the data directory: where its server answers, while there is one."""

Say = Callable[[str], None]


class CannotServe(Exception):
    """Why no server can run: the address is taken or unknown, or a key is missing where others can reach it."""


def serve(
    data: Path,
    host: str = "127.0.0.1",
    port: int = 8420,
    *,
    limits: Limits | None = None,
    budget_ms: float = DEFAULT_BUDGET_MS,
    cache_bytes: int = DEFAULT_BYTES,
    hosts: Collection[str] = (),
    say: Say = print,
    ready: Say | None = None,
) -> None:
    """Serves `data` at `host` and `port` (0 takes a free one) until SIGTERM or SIGINT, then closes it.

    On loopback, `hosts` are names to answer for besides localhost. `say` takes lines for people, `ready` the address
    once requests are taken. Raises CannotServe, and what opening a data directory raises (`storage.StorageError`).
    """
    with bound(host, port) as listening:
        tamis = Tamis.open(data, budget_ms=budget_ms, cache_bytes=cache_bytes)
        try:
            serve_opened(tamis, data, listening, limits=limits, hosts=hosts, say=say, ready=ready)
        finally:
            (data / ADDRESS).unlink(missing_ok=True)
            tamis.close()


def serve_opened(
    tamis: Tamis,
    data: Path,
    listening: socket.socket,
    *,
    limits: Limits | None = None,
    hosts: Collection[str] = (),
    say: Say = print,
    ready: Say | None = None,
) -> None:
    """Serves an opened directory on a bound socket until a signal comes; the directory stays open."""
    address = url(listening)
    loopback = is_loopback(listening)
    open_to_all = Keys(tamis.catalog).open
    if open_to_all and not loopback:
        raise CannotServe(f"{address} can be reached by others, and there is no key: make one with 'tamis keys create'")
    app = application(service(tamis, data / SPOOL, limits), {*LOOPBACK, *hosts} if loopback else None)

    tamis.workspace(DEFAULT).check("everyone")  # the parser and the kernels are made now, not on a caller's time
    warm()

    def announce() -> None:
        (data / ADDRESS).write_text(address)
        if open_to_all:
            say("No key is needed: everyone on this machine may read and write. 'tamis keys create' makes one.")
        say(f"Tamis answers at {address}")
        if ready is not None:
            ready(address)

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with signals_end_the_server(), short_pauses():
        Announcing(config, announce).run(sockets=[listening])


def address_of(data: Path) -> str | None:
    """Where the server of a data directory answers; None when none has said so."""
    try:
        return (data / ADDRESS).read_text()
    except OSError:
        return None


class Announcing(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self.announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.announce()


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to an address, not listening yet; CannotServe when that cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise CannotServe(f"'{host}' is not an address to listen on: {error}") from error
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
        except OSError as error:
            raise CannotServe(f"port {port} of {host} cannot be listened on: {error.strerror}") from error
        yield listening


def url(listening: socket.socket) -> str:
    """The address of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    host: str = listening.getsockname()[0]
    return ipaddress.ip_address(host).is_loopback


@contextmanager
def signals_end_the_server() -> Iterator[None]:
    """Keeps SIGTERM and SIGINT from ending the process: uvicorn raises them again once it has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _ignored) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def short_pauses() -> Iterator[None]:
    """Keeps requests from waiting for the interpreter while an import or a checkpoint runs beside them.

    A thread that wants the interpreter gets it after a millisecond instead of five: a count asks for it some ten times.
    What was made up to now, modules above all, is left out of garbage collections, which would stop everything for
    50 ms each time.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)


def _ignored(number: int, frame: FrameType | None) -> None:
    """The server has stopped already."""
