"""The one writer: takes accepted changes in order, makes them durable together, applies and publishes them.

Writers hand in `Write`s from any thread and hold a future. One thread takes all that is waiting (group commit),
appends it to the journal in one transaction, applies it in journal order, publishes a new snapshot, and only then
answers: an acknowledged write is durable, and every later read sees it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from engine.changes import Change, blocks_named, encode
from engine.errors import Closed, WriterBroken

T = TypeVar("T")
GROUP_LIMIT = 512
GROUP_BYTES = 16 << 20
TICK_SECONDS = 1.0


class Journal(Protocol):
    """What the writer needs of storage."""

    def append(self, records: Sequence[bytes], *, blocks: Iterable[str] = ()) -> int: ...


class Target(Protocol):
    """What the writer changes."""

    def apply(self, change: Change, seq: int) -> Any: ...

    def publish(self, seq: int) -> None: ...

    def after_group(self, size: int) -> None:
        """Called when a group of `size` journal bytes is published."""

    def tick(self) -> None:
        """Called after each group, and about once a second while nothing is written: checkpoints begin here."""


Tell = Callable[[int, Sequence[bytes]], None]
"""Takes the number of the last record of a group, and all its records."""


@dataclass(slots=True)
class Write(Generic[T]):
    """A change to make and what to answer for it.

    `prepare`, when given, makes the change from the state that all earlier writes left; it may raise, and then
    nothing is written. It runs on the writer's thread, so that nothing changes between the look and the write.
    """

    answer: Callable[[Any, int], T]
    record: bytes | None = None
    change: Change | None = None
    prepare: Callable[[], Change] | None = None
    future: Future[T] = field(default_factory=Future)


class Writer:
    """Owns the writing thread."""

    def __init__(self, journal: Journal, target: Target, name: str, tell: Tell = lambda last, records: None) -> None:
        """`tell` is told of the records of each group once readers see them."""
        self._tell = tell
        self._journal = journal
        self._target = target
        self._waiting: deque[Write[Any]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._broken: WriterBroken | None = None
        self._tasks: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._thread = threading.Thread(target=self._run, name=f"writer-{name}", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> str | None:
        """Why no write is taken any more; None while all is well."""
        return None if self._broken is None else str(self._broken)

    def submit(self, change: Change, answer: Callable[[Any, int], T]) -> Future[T]:
        """Queue a change that needs no look at the state. It is encoded here, on the caller's thread."""
        return self._queue(Write(answer, encode(change), change))

    def submit_prepared(self, prepare: Callable[[], Change], answer: Callable[[Any, int], T]) -> Future[T]:
        """Queue a change that depends on the state before it."""
        return self._queue(Write(answer, prepare=prepare))

    def run(self, task: Callable[[], T]) -> Future[T]:
        """Run `task` on the writer's thread between two groups."""
        future: Future[T] = Future()
        with self._wake:
            if self._closing:
                raise Closed("the workspace is closing")
            self._tasks.append((task, future))
            self._wake.notify()
        return future

    def close(self) -> None:
        """Finish all that was accepted, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _queue(self, write: Write[T]) -> Future[T]:
        with self._wake:
            if self._closing:
                raise Closed("the workspace is closing")
            self._waiting.append(write)
            self._wake.notify()
        return write.future

    def _run(self) -> None:
        while True:
            with self._wake:
                if not (self._waiting or self._tasks or self._closing):
                    self._wake.wait(TICK_SECONDS)
                group = self._take_group()
                tasks = list(self._tasks)
                self._tasks.clear()
                if self._closing and not (group or tasks or self._waiting):
                    return
            if group:
                self._write(group)
            for task, future in tasks:
                _resolve(future, task)
            if self._broken is None:
                self._target.tick()

    def _take_group(self) -> list[Write[Any]]:
        """The next writes that can share a commit: only the first may need to look at the state."""
        group: list[Write[Any]] = []
        size = 0
        while self._waiting and len(group) < GROUP_LIMIT and size < GROUP_BYTES:
            if group and self._waiting[0].prepare is not None:
                break
            write = self._waiting.popleft()
            if not write.future.set_running_or_notify_cancel():
                continue
            group.append(write)
            size += len(write.record or b"")
        return group

    def _write(self, group: list[Write[Any]]) -> None:
        group = _prepared(group)
        if not group:
            return
        try:
            if self._broken is not None:
                raise self._broken
            records = [write.record for write in group if write.record is not None]
            last = self._journal.append(records, blocks=_blocks(group))
        except Exception as refused:  # whatever it was, nothing was written: every caller of the group must hear it
            _fail(group, refused)
            return
        try:
            applied = self._apply(group, last)
        except Exception as bug:  # the journal is ahead of memory now; only replaying it can mend that
            self._broken = WriterBroken(f"a durable change could not be applied: {bug!r}; restart to recover")
            self._broken.__cause__ = bug
            _fail(group, self._broken)
            return
        self._tell(last, records)
        for write, result, seq in applied:
            _resolve_started(write.future, partial(write.answer, result, seq))
        self._target.after_group(sum(len(write.record or b"") for write in group))

    def _apply(self, group: list[Write[Any]], last: int) -> list[tuple[Write[Any], Any, int]]:
        first = last - len(group) + 1
        applied = []
        for seq, write in enumerate(group, first):
            assert write.change is not None
            applied.append((write, self._target.apply(write.change, seq), seq))
        self._target.publish(last)
        return applied


def _prepared(group: list[Write[Any]]) -> list[Write[Any]]:
    """The group with the change of its first write made; without it, when the look at the state refused it."""
    first = group[0] if group else None
    if first is None or first.prepare is None:
        return group
    try:
        first.change = first.prepare()
        first.record = encode(first.change)
    except Exception as refused:  # handed to whoever waits
        first.future.set_exception(refused)
        return group[1:]
    return group


def _blocks(group: list[Write[Any]]) -> list[str]:
    return [name for write in group if write.change is not None for name in blocks_named(write.change)]


def _fail(group: list[Write[Any]], error: Exception) -> None:
    for write in group:
        write.future.set_exception(error)


def _resolve(future: Future[Any], make: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        _resolve_started(future, make)


def _resolve_started(future: Future[Any], make: Callable[[], Any]) -> None:
    try:
        future.set_result(make())
    except Exception as error:  # handed to whoever waits
        future.set_exception(error)
