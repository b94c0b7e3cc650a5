"""Serving a data directory until asked to stop: what was accepted is finished, then everything is closed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread, Timer

from engine import native
from engine.budget import DEFAULT_BUDGET_MS
from engine.caches import DEFAULT_BYTES
from engine.directory import Tamis
from engine.warming import DEFAULT_BYTES as WARM_BYTES
from server.answering import Announcing, configuration, short_pauses, signals_end_the_server, warm
from server.app import application
from server.auth import LOOPBACK, Keys, kept_keys
from server.service import Limits, service
from server.warming import Warming
from server.workers.crew import Crew, WorkerFailed, crew_of
from server.workers.writer import Writer

SPOOL = "spool"
ADDRESS = "address"
"""A file of the data directory: where its server answers, while there is one."""

Say = Callable[[str], None]


SLOW = 4.0
"""Seconds to start in silence."""


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
    warm_bytes: int = WARM_BYTES,
    hosts: Collection[str] = (),
    workers: int = 1,
    say: Say = print,
    ready: Say | None = None,
) -> None:
    """Serves `data` at `host` and `port` (0 takes a free one) until SIGTERM or SIGINT, then closes it.

    `workers` processes answer: this one, which alone writes, and others that follow it.
    On loopback, `hosts` are names to answer for besides localhost. `say` takes lines for people, `ready` the address
    once requests are taken. Raises CannotServe, and what opening a data directory raises (`storage.StorageError`).
    """
    with bound(host, port) as listening, crew_of(workers) as crew:
        Thread(target=native.warm, name="kernels", daemon=True).start()  # beside the opening: `warm` waits for them
        tamis = Tamis.open(data, budget_ms=budget_ms, cache_bytes=cache_bytes)
        try:
            serve_opened(
                tamis,
                data,
                listening,
                limits=limits,
                hosts=hosts,
                cache_bytes=cache_bytes,
                warm_bytes=warm_bytes,
                crew=crew,
                say=say,
                ready=ready,
            )
        finally:
            (data / ADDRESS).unlink(missing_ok=True)
            tamis.close()


def serve_opened(
    tamis: Tamis,
    data: Path,
    listening: socket.socket,
    *,
    limits: Limits | None = None,
    cache_bytes: int = DEFAULT_BYTES,
    warm_bytes: int = 0,
    hosts: Collection[str] = (),
    crew: Crew | None = None,
    say: Say = print,
    ready: Say | None = None,
) -> None:
    """Serves an opened directory on a bound socket until a signal comes; the directory stays open.

    A `crew` that was started answers too. Each process makes beforehand what `warm_bytes` allow.
    """
    address = url(listening)
    loopback = is_loopback(listening)
    open_to_all = Keys(kept_keys(tamis.catalog)).open
    if open_to_all and not loopback:
        raise CannotServe(f"{address} can be reached by others, and there is no key: make one with 'tamis keys create'")
    room, answered = service(tamis, data / SPOOL, limits), {*LOOPBACK, *hosts} if loopback else None
    app = application(room, answered)
    with told_when_slow(say):
        warm(tamis)
    warming = Warming(tamis, warm_bytes, room.meters)

    def announce() -> None:
        (data / ADDRESS).write_text(address)
        if open_to_all:
            say("No key is needed: everyone on this machine may read and write. 'tamis keys create' makes one.")
        say(f"Tamis answers at {address}")
        if ready is not None:
            ready(address)
        warming.start()

    with signals_end_the_server(), short_pauses(), closing(warming):
        if crew is None:
            Announcing(configuration(app, alone=True), announce).run(sockets=[listening])
        else:
            crew.feed(tamis, data, room.limits, cache_bytes, warm_bytes, answered)
            room.crew = crew
            _run(Writer(app, announce, crew, tamis, listening))


@contextmanager
def told_when_slow(say: Say) -> Iterator[None]:
    """Says what is waited for, once that takes long: kernels which no run before has compiled."""
    telling = Timer(SLOW, say, ["Compiling native code, which happens once: half a minute or so."])
    telling.start()
    try:
        yield
    finally:
        telling.cancel()


def _run(server: Writer) -> None:
    try:
        server.run(sockets=[])
    except WorkerFailed as failed:
        raise CannotServe(str(failed)) from failed


def address_of(data: Path) -> str | None:
    """Where the server of a data directory answers; None when none has said so."""
    try:
        return (data / ADDRESS).read_text()
    except OSError:
        return None


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
