"""Measurements through a running `tamis serve`, from a few connections kept open."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from bench.generate import NOW
from bench.machine import memory_of
from bench.questions import Question, questions
from bench.timing import Times, timed

HOST = "127.0.0.1"
W = "/v1/workspaces/default"
PATIENCE = 120.0
"""Seconds in which the server must have become ready."""
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float

    def connect(self) -> HTTPConnection:
        connection = HTTPConnection(HOST, self.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Refused(Exception):
    """The server answered with an error."""


def post(connection: HTTPConnection, path: str, body: bytes) -> Any:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise Refused(f"{path}: {response.status} {content[:300]!r}")
    return json.loads(content)


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """A server over `data` on a free port, ended by SIGTERM."""
    port = free_port()
    started = perf_counter()
    command = [sys.executable, "-m", "server.cli", "serve", "--data", str(data), "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(process, port)
        yield Server(process, port, perf_counter() - started)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        if process.poll() is not None:
            raise Refused(f"the server ended with {process.returncode}")
        try:
            connection = HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            sleep(0.01)
    raise Refused(f"not ready within {PATIENCE:.0f} s")


# --- questions ---------------------------------------------------------------------------------------------


def ask(connection: HTTPConnection, question: Question) -> int:
    body = {"expression": question.expression, "at": NOW.isoformat()}
    return int(post(connection, f"{W}/query/count", json.dumps(body).encode())["count"])


def question_times(server: Server, runs: int) -> dict[str, Any]:
    """One connection, one question after the other, none asked before; and the route that does nothing."""
    connection = server.connect()
    asked = list(questions(runs + 20, seed=2))
    for question in asked[:20]:
        ask(connection, question)
    times = [timed(partial(ask, connection, question))[0] for question in asked[20:]]
    again = [timed(partial(ask, connection, asked[-1]))[0] for _ in range(runs)]
    floor = [timed(partial(health, connection))[0] for _ in range(runs)]
    return {"question": asdict(Times.of(times)), "again": asdict(Times.of(again)), "floor": asdict(Times.of(floor))}


def health(connection: HTTPConnection) -> None:
    connection.request("GET", "/healthz")
    connection.getresponse().read()


# --- writing -----------------------------------------------------------------------------------------------


def ingest(server: Server, connections: int, batch: int, seconds: float) -> dict[str, Any]:
    """Durable posts of `batch` events from each of `connections`, each waiting for its answer, for `seconds`."""
    times: list[list[float]] = [[] for _ in range(connections)]
    stop_at = monotonic() + seconds
    elapsed = together([partial(keep_posting, server, n, batch, stop_at, times[n]) for n in range(connections)])
    flat = [second for each in times for second in each]
    return {
        "connections": connections,
        "batch": batch,
        "events": len(flat) * batch,
        "events_a_second": len(flat) * batch / elapsed,
        "post": asdict(Times.of(flat)),
    }


def keep_posting(server: Server, number: int, batch: int, stop_at: float, times: list[float]) -> None:
    connection = server.connect()
    bodies = cycle(event_body(number, serial, batch) for serial in range(16))
    while monotonic() < stop_at:
        times.append(timed(partial(post, connection, f"{W}/events", next(bodies)))[0])


def event_body(connection: int, serial: int, batch: int) -> bytes:
    events = [
        {
            "contact": f"c{(connection * 7919 + serial * 104_729 + row * 31) % 100_000:08d}",
            "type": "open",
            "at": "2026-11-21T10:00:00Z",
            "campaign": f"Spring {row % 30 + 1}",
        }
        for row in range(batch)
    ]
    return json.dumps({"events": events}).encode()


def together(works: list[Callable[[], None]]) -> float:
    """Run each in a thread of its own; seconds until the last is done. An error in one of them is raised here."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, Refused) as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return perf_counter() - started


def measure(data: Path, runs: int, seconds: float) -> dict[str, Any]:
    with serving(data) as server:
        return {
            "ready_seconds": server.ready_seconds,
            **question_times(server, runs),
            "memory": asdict(memory_of(server.process.pid)),
            "batches": ingest(server, connections=4, batch=BATCH, seconds=seconds),
            "singles": ingest(server, connections=4, batch=1, seconds=seconds),
            "singles_16": ingest(server, connections=16, batch=1, seconds=seconds),
            "memory_after_ingest": asdict(memory_of(server.process.pid)),
        }
