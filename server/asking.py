"""Queries on their way to an answer: what is being asked, until when, and the bounded room for those that take long.

A request that asks has a `Deadline`, which every step of the engine looks at. What indexes answer at once is answered
where it arrives; anything longer waits for one of a few threads, so that slow questions delay each other alone.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from dsl.problems import DataError, Problem
from engine.deadline import Deadline, DeadlineExceeded, kept
from server.errors import ApiError, Failure

T = TypeVar("T")
Receive = Callable[[], Awaitable[Any]]

QUERY_ID = "X-Query-Id"
"""The header by which a client names its query, and is told the name it was given otherwise."""

_ID = re.compile(r"[!-~]{1,100}")


@dataclass(slots=True)
class Asking:
    """One request that asks; `expression` is None until it is read."""

    id: str
    route: str
    deadline: Deadline
    expression: str | None = None
    explicit: bool = False
    waiting: anyio.CancelScope | None = None

    def cancel(self) -> None:
        """End it at its next step, or at once while it waits for a thread."""
        self.deadline.cancel()
        if self.waiting is not None:
            self.waiting.cancel()

    def streams(self) -> None:
        """From now on its answer flows, as fast as it is read: a timeout that nobody asked for ends no stream."""
        if not self.explicit:
            self.deadline.timeout_ms = None


class Askings:
    """Those that run, by workspace and id, and the threads of heavy ones.

    `default_ms` is the timeout of a query that names none, `longest_ms` the longest it may name. `threads` heavy
    queries run at a time, of one workspace one fewer where there is more than one thread; `queue` of one workspace may
    run or wait.
    """

    def __init__(self, default_ms: int, longest_ms: int, threads: int, queue: int) -> None:
        self.default_ms = default_ms
        self.longest_ms = longest_ms
        self.queue = queue
        self._running: defaultdict[str, dict[str, Asking]] = defaultdict(dict)
        self._heavy: Counter[str] = Counter()
        self._threads = anyio.CapacityLimiter(threads)
        self._own: defaultdict[str, anyio.CapacityLimiter] = defaultdict(
            lambda: anyio.CapacityLimiter(max(1, threads - 1))
        )

    @contextmanager
    def begun(self, workspace: str, route: str, id: str | None) -> Iterator[Asking]:
        """Lists a request while it runs, and holds all its work to its deadline."""
        chosen = token_hex(16) if id is None else _checked(id)
        running = self._running[workspace]
        if chosen in running:
            raise ApiError(Failure.QUERY_ID_IN_USE, f"a query named '{chosen}' is running in '{workspace}'")
        asking = running[chosen] = Asking(chosen, route, Deadline(self.default_ms))
        try:
            with kept(asking.deadline):
                yield asking
        finally:
            del running[chosen]
            if not running:
                del self._running[workspace]

    def running(self, workspace: str) -> list[Asking]:
        """Those of a workspace, the oldest first."""
        return list(self._running[workspace].values()) if workspace in self._running else []

    def cancel(self, workspace: str, id: str) -> Asking:
        """ApiError 404 for what does not run, or runs no more."""
        found = next((asking for asking in self.running(workspace) if asking.id == id), None)
        if found is None:
            raise ApiError(Failure.UNKNOWN_QUERY, f"no query named '{id}' is running in '{workspace}'")
        found.cancel()
        return found

    def limit(self, asking: Asking, timeout_ms: int | None) -> None:
        """Gives a query the timeout it asks for; DataError for one that is longer than any may be."""
        if timeout_ms is None:
            return
        if timeout_ms > self.longest_ms:
            hint = f"ask for at most {self.longest_ms} ms, or ask a question that needs less"
            raise DataError([Problem("bad-timeout", f"a timeout of {timeout_ms} ms", hint, path="$.timeout_ms")])
        asking.deadline.timeout_ms = timeout_ms
        asking.explicit = True

    async def heavy(self, workspace: str, asking: Asking, receive: Receive, work: Callable[[], T]) -> T:
        """Runs `work` in a thread once one is free. A client that goes away cancels it.

        ApiError 429 when too many are waiting already; DeadlineExceeded and QueryCancelled while waiting too.
        """
        if self._heavy[workspace] >= self.queue:
            message = f"{self.queue} long queries of '{workspace}' are running or waiting; try again shortly"
            raise ApiError(Failure.TOO_BUSY, message)
        self._heavy[workspace] += 1
        leaving = asyncio.ensure_future(_cancelled_when_gone(asking, receive))
        try:
            return await self._in_turn(workspace, asking, work)
        finally:
            leaving.cancel()
            self._heavy[workspace] -= 1
            if not self._heavy[workspace]:
                del self._heavy[workspace]
                self._own.pop(workspace, None)

    async def _in_turn(self, workspace: str, asking: Asking, work: Callable[[], T]) -> T:
        left = asking.deadline.left_seconds
        with anyio.move_on_after(left) as asking.waiting:
            async with self._own[workspace]:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
        asking.deadline.check()
        # The timers of an event loop may be a little early.
        raise DeadlineExceeded(asking.deadline.timeout_ms or 0, asking.deadline.elapsed_ms)


def _checked(id: str) -> str:
    if _ID.fullmatch(id) is None:
        hint = "use 1 to 100 visible ASCII characters"
        raise DataError([Problem("bad-query-id", f"'{id}' cannot name a query", hint)])
    return id


async def _cancelled_when_gone(asking: Asking, receive: Receive) -> None:
    """Cancels the query when its client closes the connection. The request's body was read before."""
    while (await receive())["type"] != "http.disconnect":
        pass
    asking.cancel()
