"""A worker: a process that follows the one that writes, answers questions, and passes on everything else."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import msgspec
import uvicorn

from engine import native
from engine.feed import Beginning
from engine.following import Follower, Followers
from server.answering import configuration, short_pauses, signals_end_the_server, warm
from server.app import application
from server.service import Service, asking_service
from server.warming import Warming
from server.workers.crew import TALLY, door_of
from server.workers.door import Door, Through
from server.workers.forwarding import forwarding, settled
from server.workers.messages import (
    EVERYTHING_SO_FAR,
    Heard,
    KeysAre,
    LimitsAre,
    Opened,
    Saved,
    Told,
    Until,
    Welcome,
    Written,
    framed,
    frames,
)
from server.workers.sharing import Taking, Tally
from storage import BlockRef, Checkpoint, mapped_blocks

log = logging.getLogger("tamis.workers")

CONNECTIONS_AT_ONCE = 64


def main(feed: socket.socket, connections: socket.socket) -> None:
    """Answers until told to stop; ends at once when the process that writes has ended."""
    # Ctrl-C reaches every process of a terminal: this one is told by the one that writes what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    native.warm()
    told = frames(feed)
    welcome = msgspec.msgpack.decode(next(told), type=Welcome)
    followers = Followers()
    service = asking_service(followers, welcome.keys, welcome.limits)
    following = Following(welcome, followers, service, feed)
    following.start(told)
    with signals_end_the_server(), short_pauses():
        Worker(welcome, service, following, connections).run(sockets=[])
    # Threads that follow or load are of no use any more, and not waited for.
    os._exit(0)


class Following:
    """Takes in what is told: one thread reads, so that keys hold at once, and one applies the rest in order."""

    def __init__(self, welcome: Welcome, followers: Followers, service: Service, feed: socket.socket) -> None:
        self._welcome = welcome
        self._followers = followers
        self._service = service
        self._feed = feed
        self._warming = Warming(followers, welcome.warm_bytes, service.meters)
        self._waiting: SimpleQueue[Told] = SimpleQueue()
        self._decoder = msgspec.msgpack.Decoder(Told)
        self._saying = threading.Lock()
        self._answering = threading.Event()

    def start(self, told: Iterator[bytes]) -> None:
        threading.Thread(target=self._read, args=(told,), name="reading", daemon=True).start()
        threading.Thread(target=self._take_all, name="following", daemon=True).start()

    def answering(self) -> None:
        """The server answers; once all is known that was told by now, it is ready."""
        self._answering.set()

    def _read(self, told: Iterator[bytes]) -> None:
        try:
            for frame in told:
                message = self._decoder.decode(frame)
                if isinstance(message, KeysAre):
                    self._service.keys.take(message.keys)
                    self._say(Heard(message.id))
                else:
                    self._waiting.put(message)
        finally:
            # The process that writes has ended, or speaks in another way: nothing here is true for long.
            shutil.rmtree(self._welcome.folder, ignore_errors=True)
            os._exit(1)

    def _take_all(self) -> None:
        try:
            while True:
                self._take(self._waiting.get())
        except BaseException:
            log.exception("worker %d cannot follow", self._welcome.number)
            os._exit(1)

    def _take(self, message: Told) -> None:
        match message:
            case Opened():
                self._open(message)
            case Written(workspace, last, records):
                self._followers.workspace(workspace).follow(last, records)
            case Saved(workspace, seq, state, blocks):
                self._followers.workspace(workspace).adopt(_checkpoint(seq, state, blocks))
            case LimitsAre(workspace, limits):
                self._followers.workspace(workspace).limit(limits)
            case Until(id):
                if id == EVERYTHING_SO_FAR:
                    warm(self._followers)
                    self._answering.wait()
                    self._warming.start()
                self._say(Heard(id))
            case _:
                raise TypeError(f"a {type(message).__name__} is not told")

    def _open(self, told: Opened) -> None:
        checkpoint = None if told.state is None else _checkpoint(told.seq, told.state, told.blocks)
        blocks = mapped_blocks(Path(self._welcome.data), told.workspace)
        beginning = Beginning(checkpoint, told.records)
        self._followers.open(Follower(told.workspace, blocks, beginning, told.limits, self._welcome.cache_bytes))

    def _say(self, heard: Heard) -> None:
        with self._saying:
            self._feed.sendall(framed(heard))


def _checkpoint(seq: int, state: bytes, blocks: list[str]) -> Checkpoint:
    return Checkpoint(seq, state, tuple(map(BlockRef.of, blocks)))


class Worker(uvicorn.Server):
    """The server of a worker: the connections it is given, and its own door for what all are asked."""

    def __init__(self, welcome: Welcome, service: Service, following: Following, connections: socket.socket) -> None:
        folder, number = Path(welcome.folder), welcome.number
        self._door = Door(application(service, welcome.hosts))
        self._door_path = door_of(folder, number)
        self._following = following
        self._connections = connections
        tally = Tally(folder / TALLY, number)
        self._taking = Taking(self, lambda: tally.close(number - 1))
        writer = Through(door_of(folder, 1), settled(service))
        super().__init__(configuration(forwarding(service, welcome.hosts, writer)))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._opened = await self._door.open(self._door_path)
        self._connections.setblocking(False)
        asyncio.get_running_loop().add_reader(self._connections, self._take)
        self._following.answering()

    def _take(self) -> None:
        try:
            _, descriptors, _, _ = socket.recv_fds(self._connections, 1, CONNECTIONS_AT_ONCE)
        except BlockingIOError:
            return
        for descriptor in descriptors:
            self._taking.take(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    feed, connections = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:])
    main(feed, connections)
