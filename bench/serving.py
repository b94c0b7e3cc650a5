"""A running `tamis serve`, and a Starlette route that answers a constant: what HTTP itself costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import IO

from bench.connection import HOST, PATIENCE, Connection, Refused, get

READY = get("/readyz")
ADDRESS = re.compile(rb'"url": "http://[^"]+:(\d+)"')


@dataclass(frozen=True, slots=True)
class Server:
    """`ready_seconds` from the start of its process until it took requests."""

    pid: int
    port: int
    ready_seconds: float

    def connect(self) -> Connection:
        return Connection(self.port)


@contextmanager
def serving(data: Path, *options: str) -> Iterator[Server]:
    """`tamis serve` over `data` on a free port, that remembers nothing unless `options` say so; ended by SIGTERM."""
    command = ["server.cli", "serve", "--data", str(data), "--host", HOST, "--port", "0", "--json"]
    remembers = () if "--cache-bytes" in options else ("--cache-bytes", "0")
    with started(*command, *remembers, *options) as server:
        yield server


@contextmanager
def constant() -> Iterator[Server]:
    """The route that answers a constant."""
    with started("bench.constant") as server:
        yield server


@contextmanager
def started(module: str, *arguments: str) -> Iterator[Server]:
    """A module that prints {"url": …} once it takes requests. Raises Refused when it does not."""
    began = perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=with_bytecode()) as process:
        try:
            assert process.stdout is not None
            port = port_told(process.stdout)
            wait_until_ready(port)
            yield Server(process.pid, port, perf_counter() - began)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def with_bytecode() -> dict[str, str]:
    """The environment of a process that finds and keeps bytecode, as one that was installed does."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def port_told(output: IO[bytes]) -> int:
    for line in output:
        if told := ADDRESS.search(line):
            return int(told[1])
    raise Refused("the server ended before it took requests")


def wait_until_ready(port: int) -> None:
    deadline = monotonic() + PATIENCE
    connection = Connection(port)
    while True:
        try:
            connection.ask(READY)
            connection.close()
            return
        except Refused:
            if monotonic() > deadline:
                raise
            sleep(0.005)
