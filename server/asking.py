"""Queries on their way to an answer: what is being asked, until when, and the bounded room for those that take long.

A request that asks has a `Deadline`, which every step of the engine looks at. What indexes answer at once is answered
where it arrives; anything longer waits for one of a few threads, so that slow questions delay each other alone.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from secrets import token_hex
from typing import Any, TypeVar

from dsl.problems import DataError, Problem
from engine.deadline import Deadline, DeadlineExceeded, kept
from server.errors import ApiError, Failure
from server.turns import Turn, Turns

T = TypeVar("T")
Receive = Callable[[], Awaitable[Any]]

QUERY_ID = "X-Query-Id"
"""The header by which a client names its query, and is told the name it was given otherwise."""

WATCHED_AFTER = 0.005
"""Seconds that a query is in a thread before anybody looks whether its client is still there."""

_ID = re.compile(r"[!-~]{1,100}")


class Asking:
    """One request that asks; `expression` is None until it is read.

    While it is entered it is listed, and all work is held to its deadline.
    """

    __slots__ = ("_kept", "_running", "deadline", "explicit", "expression", "id", "route", "turn", "workspace")

    def __init__(self, running: dict[tuple[str, str], Asking], workspace: str, id: str, route: str, ms: int) -> None:
        self._running = running
        self.workspace = workspace
        self.id = id
        self.route = route
        self.deadline = Deadline(ms)
        self.expression: str | None = None
        self.explicit = False
        self.turn: Turn | None = None
        self._kept = kept(self.deadline)

    def __enter__(self) -> Asking:
        self._kept.__enter__()
        self._running[self.workspace, self.id] = self
        return self

    def __exit__(self, *raised: object) -> None:
        del self._running[self.workspace, self.id]
        self._kept.__exit__(*raised)

    def cancel(self) -> None:
        """End it at its next step, or at once while it waits for a thread."""
        self.deadline.cancel()
        self.stop_waiting()

    def stop_waiting(self) -> None:
        """Let it wait for a thread no longer."""
        if self.turn is not None and not self.turn.done():
            self.turn.set_result(False)

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
        self._name = token_hex(12)
        self._numbers = count(1)
        self.turns = Turns(threads)
        self._threads = ThreadPoolExecutor(threads, "query")
        self._running: dict[tuple[str, str], Asking] = {}
        self._heavy: Counter[str] = Counter()

    def begun(self, workspace: str, route: str, id: str | None) -> Asking:
        """A request that is about to run, to be entered. ApiError for one whose id another has that runs."""
        chosen = f"{self._name}{next(self._numbers):08x}" if id is None else _checked(id)
        if (workspace, chosen) in self._running:
            raise ApiError(Failure.QUERY_ID_IN_USE, f"a query named '{chosen}' is running in '{workspace}'")
        return Asking(self._running, workspace, chosen, route, self.default_ms)

    def running(self, workspace: str) -> list[Asking]:
        """Those of a workspace, the oldest first."""
        return [asking for asking in self._running.values() if asking.workspace == workspace]

    def cancel(self, workspace: str, id: str) -> Asking:
        """ApiError 404 for what does not run, or runs no more."""
        found = self._running.get((workspace, id))
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

    async def heavy(self, asking: Asking, receive: Receive, work: Callable[[], T]) -> T:
        """Runs `work` in a thread once one is free. A client that goes away cancels it.

        ApiError 429 when too many are waiting already; DeadlineExceeded and QueryCancelled while waiting too.
        """
        workspace = asking.workspace
        if self._heavy[workspace] >= self.queue:
            message = f"{self.queue} long queries of '{workspace}' are running or waiting; try again shortly"
            raise ApiError(Failure.TOO_BUSY, message)
        self._heavy[workspace] += 1
        watch = _Watch(asking, receive)
        try:
            await self._turn(asking)
            try:
                return await self._in_thread(asking, work)
            finally:
                self.turns.end(workspace)
        finally:
            watch.end()
            self._heavy[workspace] -= 1
            if not self._heavy[workspace]:
                del self._heavy[workspace]

    async def _turn(self, asking: Asking) -> None:
        """Waits until it may have a thread."""
        turn = asking.turn = self.turns.wait(asking.workspace)
        left = asking.deadline.left_seconds
        timer = None if left is None else asyncio.get_running_loop().call_later(left, asking.stop_waiting)
        try:
            came = await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():
                self.turns.end(asking.workspace)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if not came:
            asking.deadline.check()
            # The timers of an event loop may be a little early.
            raise DeadlineExceeded(asking.deadline.timeout_ms or 0, asking.deadline.elapsed_ms)

    async def _in_thread(self, asking: Asking, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work)
        except asyncio.CancelledError:
            asking.cancel()
            raise


def _checked(id: str) -> str:
    if _ID.fullmatch(id) is None:
        hint = "use 1 to 100 visible ASCII characters"
        raise DataError([Problem("bad-query-id", f"'{id}' cannot name a query", hint)])
    return id


class _Watch:
    """Cancels a query when its client closes the connection. The request's body was read before.

    Most are answered before it is worth a task to look.
    """

    def __init__(self, asking: Asking, receive: Receive) -> None:
        self._asking = asking
        self._receive = receive
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER, self._begin)

    def end(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._asking.cancel()
