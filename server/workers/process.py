"""One worker as the process that writes sees it: a process that is started, fed, asked, and replaced when it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec
from starlette.types import Scope

from engine.directory import Tamis
from engine.errors import Closed
from engine.feed import Beginning
from engine.workspace import Workspace
from server.workers.door import Through
from server.workers.messages import (
    EVERYTHING_SO_FAR,
    Heard,
    KeysAre,
    Opened,
    Saved,
    Told,
    Until,
    Welcome,
    Written,
    framed,
    frames,
)
from server.workers.sharing import Tally
from storage.store import Checkpoint

log = logging.getLogger("tamis.workers")

PATIENCE_SECONDS = 5.0
"""How long a worker may take to answer what all are asked."""

BACKLOG_BYTES = 512 << 20
"""What may wait to be read by a worker; one that is further behind is replaced."""

SHORTEST_REST, LONGEST_REST = 0.2, 10.0
"""Seconds before a worker that ended is replaced: they double while it ends before it has begun."""

FAILURES = 3
"""How often in a row one may end before it has begun. Once is nothing: a checkpoint may overtake it."""


class Process:
    """A running worker, and what it is told: a listener of every workspace."""

    def __init__(self, number: int, door: Path, tally: Tally) -> None:
        self.number = number
        self.begun = threading.Event()
        """Set while it answers."""
        self.has_begun = False
        self._through = Through(door)
        self._tally = tally
        self._given = 0
        self._closed_before = tally.closed(number - 1)
        self._heard: dict[int, threading.Event] = {EVERYTHING_SO_FAR: self.begun}
        self._followed: dict[str, Workspace] = {}
        self._following = threading.Lock()
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._backlog = 0
        self._counting = threading.Lock()
        self._feed, feed = socket.socketpair()
        self._connections, connections = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connections.setblocking(False)
        with feed, connections:
            self._process = _spawned(feed, connections)

    # --- connections -----------------------------------------------------------------------------------------

    @property
    def connections(self) -> int:
        return self._given - (self._tally.closed(self.number - 1) - self._closed_before)

    def give(self, connection: socket.socket) -> bool:
        """Whether it takes a connection."""
        try:
            socket.send_fds(self._connections, [b"c"], [connection.fileno()])
        except OSError:  # it has many to take already, or is ending
            return False
        self._given += 1
        return True

    # --- what it is told -------------------------------------------------------------------------------------

    def follow(self, workspace: Workspace) -> None:
        """Feed it a workspace, if it is not fed that already."""
        with self._following:
            if workspace.name in self._followed:
                return
            self._followed[workspace.name] = workspace
        with suppress(Closed):
            workspace.feed(self)

    def began(self, workspace: str, beginning: Beginning) -> None:
        found, limits = beginning.checkpoint, self._followed[workspace].limits
        seq, state = (0, None) if found is None else (found.seq, found.state)
        blocks = [] if found is None else [ref.name for ref in found.blocks]
        self._put(Opened(workspace, limits, seq, state, blocks, list(beginning.records)))

    def written(self, workspace: str, last: int, records: Sequence[bytes]) -> None:
        self._put(Written(workspace, last, list(records)))

    def saved(self, workspace: str, checkpoint: Checkpoint) -> None:
        self._put(Saved(workspace, checkpoint.seq, checkpoint.state, [ref.name for ref in checkpoint.blocks]))

    def tell(self, message: Told) -> threading.Event | None:
        """Tell it something; the event is set once it has answered, where it is to answer."""
        heard = None
        if isinstance(message, Until | KeysAre):
            heard = self._heard.setdefault(message.id, threading.Event())
        self._put(message)
        return heard

    def _put(self, message: Told | Welcome) -> None:
        content = framed(message)
        with self._counting:
            self._backlog += len(content)
            stuck = self._backlog > BACKLOG_BYTES + len(content)
        if stuck:
            self.kill()
        else:
            self._waiting.put(content)

    def _send(self) -> None:
        """The sending thread."""
        while (content := self._waiting.get()) is not None:
            try:
                self._feed.sendall(content)
            except OSError:
                return
            with self._counting:
                self._backlog -= len(content)

    # --- its life --------------------------------------------------------------------------------------------

    def run(self, tamis: Tamis, welcome: Welcome) -> int:
        """Feed it until it ends; how it ended."""
        self._put(welcome)
        sending = threading.Thread(target=self._send, name=f"feed-{self.number}", daemon=True)
        sending.start()
        for name in tamis.workspaces():
            self.follow(tamis.workspace(name))
        self.tell(Until(EVERYTHING_SO_FAR))
        with suppress(OSError):
            for frame in frames(self._feed):
                self._heard.pop(msgspec.msgpack.decode(frame, type=Heard).id).set()
        self.has_begun = self.begun.is_set()
        self.begun.clear()
        status = self._process.wait()
        for workspace in self._followed.values():
            workspace.starve(self)
        self._waiting.put(None)
        self._connections.close()
        sending.join()
        self._feed.close()
        return status

    async def ask(self, scope: Scope) -> tuple[int, bytes]:
        """Status and body of what it answers; the status is 0 when it does not."""
        try:
            return await asyncio.wait_for(self._through.ask(scope), PATIENCE_SECONDS)
        except (OSError, TimeoutError):
            return 0, b""

    def finish(self) -> None:
        """Let it end once it has answered what it is answering."""
        self._process.send_signal(signal.SIGTERM)

    def abandon(self) -> None:
        """End one that was never fed."""
        self._process.kill()
        self._process.wait()
        self._feed.close()
        self._connections.close()

    def kill(self) -> None:
        self.begun.clear()
        self._process.kill()


def _spawned(feed: socket.socket, connections: socket.socket) -> subprocess.Popen[bytes]:
    descriptors = (feed.fileno(), connections.fileno())
    command = [sys.executable, "-m", "server.workers.worker", *map(str, descriptors)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    return subprocess.Popen(command, pass_fds=descriptors, env=environment, stdin=subprocess.DEVNULL)


@dataclass(frozen=True, slots=True)
class Fed:
    """What workers are fed: a data directory, and what to tell the one of a number at first."""

    tamis: Tamis
    welcome: Callable[[int], Welcome]


class Seat:
    """The place of one worker: whoever has it is replaced when it ends, until the server stops.

    The first begins at once, and waits to be fed.
    """

    def __init__(self, number: int, spawn: Callable[[int], Process]) -> None:
        self.number = number
        self.process: Process | None = None
        self.failed: int | None = None
        """How the last of several ended that never began."""
        self._spawn = spawn
        self._fed: Future[Fed] = Future()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"worker-{number}", daemon=True)
        self._thread.start()

    def feed(self, fed: Fed) -> None:
        """To be called once."""
        self._fed.set_result(fed)

    def begun(self) -> bool:
        return self.process is not None and self.process.begun.is_set()

    def stop(self) -> None:
        """Let who is here finish what it is answering."""
        self._stopping.set()
        if not self._fed.cancel() and self.process is not None:
            self.process.finish()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, and end it when it takes longer."""
        self._thread.join(seconds)
        if self._thread.is_alive() and self.process is not None:
            self.process.kill()
            self._thread.join()

    def _keep(self) -> None:
        rest, failures = SHORTEST_REST, 0
        while not self._stopping.is_set():
            status, begun = self._one()
            failures = 0 if begun else failures + 1
            self.failed = status if failures >= FAILURES else None
            rest = SHORTEST_REST if begun else rest
            if not self._stopping.wait(rest):
                log.warning("worker %d ended with status %d; another takes its place", self.number, status)
            rest = min(2 * rest, LONGEST_REST)

    def _one(self) -> tuple[int, bool]:
        """The life of one worker: how it ended, and whether it had begun to answer."""
        try:
            self.process = process = self._spawn(self.number)
        except OSError as error:
            log.error("worker %d cannot be started: %s", self.number, error)
            return error.errno or 1, False
        try:
            fed = self._fed.result()
        except CancelledError:
            process.abandon()
            return 0, False
        if self._stopping.is_set():
            process.finish()
        status = process.run(fed.tamis, fed.welcome(self.number))
        self.process = None
        return status, process.has_begun
