"""A process that answers HTTP: how uvicorn is set up, when it says that it answers, and how it is kept responsive."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from engine import native
from engine.directory import DEFAULT
from engine.parallel import CORES
from engine.questions import Directory
from server.lingering import Awake
from server.wire import Protocol

GRACE_SECONDS = 20
"""How long running requests may take to end once the server was asked to stop."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept, so that clients need not connect again for each request."""

SWITCH_SECONDS = 0.0002
"""How long a thread may keep the interpreter while another one waits for it."""

COLLECTED = (2_000, 20, 50)
"""So many new objects are looked through for garbage, and so many times, before those that were left are."""


def configuration(app: ASGIApp, alone: bool = False) -> uvicorn.Config:
    """How uvicorn is set up. A process that answers `alone` lingers, where clients have another processor."""
    return uvicorn.Config(
        app,
        http=Awake if alone and CORES > 1 else Protocol,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def warm(directory: Directory) -> None:
    """What is made when it is first needed is made now, not on the first caller's time: the parser and the kernels."""
    directory.workspace(DEFAULT).check("everyone")
    native.warm()


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
    """Keeps requests from waiting for the interpreter while writes, an import or a checkpoint run beside them.

    A thread that wants the interpreter gets it after a fifth of a millisecond instead of five: a count asks for it some
    ten times. Collections stop everything, for a millisecond with each thousand objects: few are looked through at a
    time, and what was made up to now, modules above all, never. It is not collected before: little of it is garbage,
    and looking for that takes 0.1 s.
    """
    interval, collected = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECTED)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*collected)
        sys.setswitchinterval(interval)


def _ignored(number: int, frame: FrameType | None) -> None:
    """The server has stopped already."""
