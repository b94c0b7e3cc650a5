"""Making what first questions would have to make, beside the requests that are taken already."""

from __future__ import annotations

import threading
from time import monotonic

from engine.deadline import Deadline, QueryCancelled, kept
from engine.errors import UnknownWorkspace
from engine.questions import Directory

REST = 1.0
"""How long it rests after each step, by what the step took."""
LONGEST_REST = 0.2
"""Seconds."""


class Warming:
    """One thread that warms all workspaces, each by at most `most_bytes` of memory."""

    def __init__(self, directory: Directory, most_bytes: int) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._deadline = Deadline()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)

    def start(self) -> None:
        if self._most_bytes:
            self._thread.start()

    def close(self) -> None:
        """Returns once nothing is read any more."""
        self._stopped.set()
        self._deadline.cancel()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with kept(self._deadline):
                for name in self._directory.workspaces():
                    self._warm(name)
        except QueryCancelled:
            return

    def _warm(self, name: str) -> None:
        try:
            workspace = self._directory.workspace(name)
        except UnknownWorkspace:
            return
        began = monotonic()
        for _ in workspace.warm(self._most_bytes):
            if self._stopped.wait(min(LONGEST_REST, REST * (monotonic() - began))):
                return
            began = monotonic()
