"""Making what first questions would have to make, beside the requests that are taken already."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from time import monotonic

from engine.deadline import Deadline, QueryCancelled, kept
from engine.errors import UnknownWorkspace
from engine.questions import Directory
from engine.warming import Ground, resident
from server.meters import Meters

REST = 1.0
"""How long it rests after each step, by what the step took."""
LONGEST_REST = 0.2
"""Seconds."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether much of the data is new."""


class Warming:
    """One thread that warms all workspaces, each by at most `most_bytes` of memory, and again once much is new."""

    def __init__(self, directory: Directory, most_bytes: int, meters: Meters) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._meters = meters
        self._grounds: defaultdict[str, Ground] = defaultdict(Ground)
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
                while not self._stopped.is_set():
                    for name in self._directory.workspaces():
                        self._look(name)
                    self._stopped.wait(LOOK_EVERY)
        except QueryCancelled:
            return

    def _look(self, name: str) -> None:
        try:
            workspace = self._directory.workspace(name)
        except UnknownWorkspace:
            return
        if self._grounds[name].renewed(workspace.snapshot):
            self._meters.warming(name, done=False)
            self._warm(name, workspace.warm(self._most_bytes))

    def _warm(self, name: str, steps: Iterator[str]) -> None:
        before, began = resident(), monotonic()
        for _ in steps:
            seconds = monotonic() - began
            self._meters.warmed(name, max(resident() - before, 0), seconds)
            if self._stopped.wait(min(LONGEST_REST, REST * seconds)):
                return
            began = monotonic()
        self._meters.warmed(name, max(resident() - before, 0), monotonic() - began)
        self._meters.warming(name, done=True)
