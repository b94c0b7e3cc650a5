"""A peer in a process of its own: what it breaks ends nobody else, and its times are taken there, without the pipe."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.generate import Files
from bench.machine import processes_of
from bench.peers import Absent, Crashed, Failed, Peer, TooLong
from bench.timing import repeated, timed
from bench.workload import Ask, Query

GRACE = 10.0
"""Seconds beyond what a peer may take, after which its process is ended: it should have ended its work itself."""
CLOSING = 120.0
"""Seconds in which it must close what it has open."""


@dataclass(frozen=True, slots=True)
class Ready:
    version: str
    loading_seconds: float


@dataclass(frozen=True, slots=True)
class Knows:
    query: Query


@dataclass(frozen=True, slots=True)
class Count:
    ask: Ask


@dataclass(frozen=True, slots=True)
class Time:
    """Ask one after the other, for `seconds`; as long as there are any."""

    asks: Sequence[Ask]
    seconds: float
    most_seconds: float


@dataclass(frozen=True, slots=True)
class Counted:
    count: int
    seconds: float


Request = Knows | Count | Time


def answered(peer: Peer, request: Request) -> bool | Counted | list[float]:
    """Raises Failed."""
    match request:
        case Knows(query):
            return peer.knows(query)
        case Count(ask):
            seconds, count = timed(lambda: peer.count(ask))
            return Counted(count, seconds)
        case Time(asks, seconds, most_seconds):
            return repeated(lambda ask: timed(lambda: peer.count(ask))[0], iter(asks), seconds, most_seconds)
        case _:
            raise TypeError(f"no peer answers {type(request).__name__}")


class Apart:
    """Begun again after a crash, when it is next asked. `most_seconds` is what a count may take."""

    def __init__(self, name: str, files: Files, folder: Path, most_seconds: float) -> None:
        """Raises Absent, also when it crashes while it loads."""
        self.name = name
        self._arguments = [name, str(files.folder), str(folder), str(most_seconds)]
        self._most_seconds = most_seconds
        self._process, self._connection, self.ready = self._begun()

    @property
    def pid(self) -> int:
        return self._process.pid

    def knows(self, query: Query) -> bool:
        return bool(self._asked(Knows(query), GRACE))

    def count(self, ask: Ask) -> Counted:
        """Raises Failed, TooLong, Crashed."""
        counted: Counted = self._asked(Count(ask), self._most_seconds + GRACE)
        return counted

    def times(self, asks: Sequence[Ask], seconds: float) -> list[float]:
        """Seconds of each, at least one. Raises Failed, TooLong, Crashed."""
        most = self._most_seconds
        times: list[float] = self._asked(Time(asks, seconds, most), 2 * most + GRACE)
        return times

    def close(self) -> None:
        """It closes what it has open, once nobody is there to ask any more."""
        self._connection.close()
        try:
            self._process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            self._kill()

    def _begun(self) -> tuple[subprocess.Popen[bytes], Connection[Any, Any], Ready]:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "bench.peers", *self._arguments, str(theirs.fileno())]
            process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        connection: Connection[Any, Any] = Connection(ours.detach())
        try:
            told = connection.recv()
        except (EOFError, ConnectionResetError):
            told = Absent(f"it {ended(process)} while it was made ready")
        if isinstance(told, Absent):
            connection.close()
            process.wait()
            raise told
        assert isinstance(told, Ready)
        return process, connection, told

    def _asked(self, request: Request, most_seconds: float) -> Any:
        if self._process.poll() is not None:
            try:
                self._process, self._connection, self.ready = self._begun()
            except Absent as reason:
                raise Crashed(str(reason)) from None
        try:
            self._connection.send(request)
            if not self._connection.poll(most_seconds):
                self._kill()
                raise TooLong("it did not end its work, so its process was ended")
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise Crashed(f"it {ended(self._process)}") from None
        if isinstance(answer, Failed):
            raise answer
        return answer

    def _kill(self) -> None:
        """With what it has started."""
        for pid in processes_of(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def ended(process: subprocess.Popen[bytes]) -> str:
    """How a process came to its end: `crashed (SIGSEGV)`, `ended with exit code 1`."""
    code = process.wait()
    return f"crashed ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"
