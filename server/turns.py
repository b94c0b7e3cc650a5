"""Who may use the few threads for what takes long: in turn, and no workspace all of them."""

from __future__ import annotations

import asyncio
from collections import Counter, deque

Turn = asyncio.Future[bool]
"""True once it has come. Whoever does not want it any more sets it to False before that."""


class Turns:
    """`threads` may work at a time, of one workspace one fewer where there is more than one.

    All of it happens on the thread of the event loop.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._most = max(1, threads - 1)
        self._begun: Counter[str] = Counter()
        self._waiting: deque[tuple[str, Turn]] = deque()

    def wait(self, workspace: str) -> Turn:
        """Stands in line; it may have come on return. What has come is to be ended."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.append((workspace, turn))
        self._go_on()
        return turn

    def end(self, workspace: str) -> None:
        """One that has come is over."""
        self._free += 1
        self._begun[workspace] -= 1
        if not self._begun[workspace]:
            del self._begun[workspace]
        self._go_on()

    def _go_on(self) -> None:
        """Those that may begin do, the first in line first; those that are not wanted any more leave it."""
        staying: deque[tuple[str, Turn]] = deque()
        for workspace, turn in self._waiting:
            if turn.done():
                continue
            if self._free and self._begun[workspace] < self._most:
                self._free -= 1
                self._begun[workspace] += 1
                turn.set_result(True)
            else:
                staying.append((workspace, turn))
        self._waiting = staying
