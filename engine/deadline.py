"""Until when an answer is wanted: work asks `still_wanted()` between its steps, and ends when it no longer is.

The deadline of a query is ambient, as the steps that ask are far from where it was set: whoever runs a query holds it
with `kept`, on the thread that works. Without one, work is wanted until it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from time import monotonic


class QueryStopped(Exception):
    """A query was stopped before it was answered. Nothing was changed: it may be asked again."""


class DeadlineExceeded(QueryStopped):
    """A query was not answered in the time it had."""

    def __init__(self, timeout_ms: float, elapsed_ms: float) -> None:
        self.timeout_ms = timeout_ms
        self.elapsed_ms = elapsed_ms
        super().__init__(f"not answered within {timeout_ms:,.0f} ms: stopped after {elapsed_ms:,.0f} ms")


class QueryCancelled(QueryStopped):
    """Somebody asked for a query to end, or nobody waits for its answer any more."""

    def __init__(self, elapsed_ms: float) -> None:
        self.elapsed_ms = elapsed_ms
        super().__init__(f"cancelled after {elapsed_ms:,.0f} ms")


class Deadline:
    """So many milliseconds from now (None for no end), or until `cancel`. Safe to share between threads."""

    __slots__ = ("_clock", "_end", "_timeout_ms", "cancelled", "started")

    def __init__(self, timeout_ms: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.started = clock()
        self.cancelled = False
        self.timeout_ms = timeout_ms

    @property
    def timeout_ms(self) -> float | None:
        return self._timeout_ms

    @timeout_ms.setter
    def timeout_ms(self, timeout_ms: float | None) -> None:
        self._timeout_ms = timeout_ms
        self._end = inf if timeout_ms is None else self.started + timeout_ms / 1000

    @property
    def elapsed_ms(self) -> float:
        return (self._clock() - self.started) * 1000

    @property
    def left_seconds(self) -> float | None:
        """Until it ends; None when it does not, never below zero."""
        return None if self.timeout_ms is None else max(0.0, (self.timeout_ms - self.elapsed_ms) / 1000)

    def cancel(self) -> None:
        """Let the next check end the work."""
        self.cancelled = True

    def check(self) -> None:
        """DeadlineExceeded or QueryCancelled when the answer is not wanted any more."""
        if self.cancelled:
            raise QueryCancelled(self.elapsed_ms)
        if self._clock() >= self._end:
            raise DeadlineExceeded(self._timeout_ms or 0, self.elapsed_ms)


_kept: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class kept:
    """Work within is held to `deadline`; None leaves it to the one that is kept around it, if any."""

    __slots__ = ("_before", "_deadline")

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        if self._deadline is not None:
            self._deadline.check()
            self._before = _kept.set(self._deadline)

    def __exit__(self, *raised: object) -> None:
        if self._deadline is not None:
            _kept.reset(self._before)


def still_wanted() -> None:
    """Ends the work when its deadline has passed or it was cancelled: to be asked every few milliseconds of work."""
    deadline = _kept.get()
    if deadline is not None:
        deadline.check()


def seconds_wanted() -> float:
    """Until the deadline of the work that is going on; infinite without one."""
    deadline = _kept.get()
    left = None if deadline is None else deadline.left_seconds
    return inf if left is None else left
