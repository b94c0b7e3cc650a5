"""One answer on several cores: kernels hold no interpreter lock, so that threads share what they mostly do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_every_core(work: Callable[[T], R], items: Iterable[T], worth: bool = True) -> list[R]:
    """What `work` makes of each item, in their order; `items` are asked for one by one, as there is time for them.

    Threads take some 0.1 ms to begin: where all is sooner done, it is not `worth` that.
    The thread that asks works, too, so that threads which are busy elsewhere are never waited for. The deadline is
    kept in all of them. What any of them raises, is raised, and no item is begun after it.
    """
    if not worth:
        return list(map(work, items))
    shared = _Shared(work, items)
    helpers = [_threads().submit(copy_context().run, shared.go_on) for _ in range(CORES - 1)]
    try:
        shared.go_on()
    finally:
        for helper in helpers:
            if not helper.cancel():
                helper.exception()
    for helper in helpers:
        if not helper.cancelled():
            helper.result()
    return [made for _, made in sorted(shared.made, key=lambda each: each[0])]


class _Shared(Generic[T, R]):
    """Items that several threads take from, and what was made of them, by their numbers."""

    def __init__(self, work: Callable[[T], R], items: Iterable[T]) -> None:
        self._work = work
        self._items: Iterator[tuple[int, T]] = enumerate(items)
        self._lock = threading.Lock()
        self.made: list[tuple[int, R]] = []

    def go_on(self) -> None:
        """Work until nothing is left, or something failed."""
        while True:
            with self._lock:
                taken = next(self._items, None)
            if taken is None:
                return
            try:
                self.made.append((taken[0], self._work(taken[1])))
            except BaseException:
                self._items = iter(())
                raise


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, CORES - 1), "cores")
