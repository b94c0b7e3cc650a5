"""What is made of sealed parts when it is first asked for: at once, or while questions are answered without.

It serves while it is of most events that there are: those of parts sealed since are looked at beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from engine.deadline import Deadline, kept
from engine.reading import EventPart
from engine.tables.parts import SealedPart

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

AHEAD = 4
"""What was made serves while it is of more than so many times the events of the parts that were sealed since."""


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """What was made of some parts."""

    parts: frozenset[SealedPart]
    value: T

    def serves(self, parts: Sequence[SealedPart]) -> bool:
        """Whether it is of most of their events, and of none but theirs."""
        since = sum(part.size for part in parts if part not in self.parts)
        return self.parts.issubset(parts) and since * AHEAD <= sum(part.size for part in self.parts)

    def others(self, parts: Sequence[EventPart]) -> tuple[EventPart, ...]:
        """Those of the parts that it was not made of."""
        return tuple(part for part in parts if not (isinstance(part, SealedPart) and part in self.parts))


class Maker(Generic[K, T]):
    """Makes things of parts, which are known by keys: again when parts are gone or those sealed since have become many.
    The `kept` that were asked for last are kept."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._made: dict[K, Made[T]] = {}
        self._making: set[K] = set()
        self._wanted = Deadline()
        self._lock = threading.Lock()

    def serving(self, key: K, parts: Sequence[SealedPart]) -> Made[T] | None:
        made = self._made.get(key)
        return made if made is not None and made.serves(parts) else None

    def of(self, key: K, parts: Sequence[SealedPart], make: Callable[[], T], at_once: bool) -> Made[T] | None:
        """Made of the parts now where there is none yet, and that is to be `at_once`; else None while it is made."""
        made = self.serving(key, parts)
        if made is not None:
            with self._lock:
                self._made[key] = self._made.pop(key, made)
            return made
        if at_once:
            return self._add(key, parts, make)
        with self._lock:
            if key not in self._making:
                self._making.add(key)
                background().submit(self._add_unless_resting, key, parts, make)
        return None

    def rest(self) -> None:
        """Make nothing in the background any more."""
        self._wanted.cancel()

    def _add_unless_resting(self, key: K, parts: Sequence[SealedPart], make: Callable[[], T]) -> None:
        with kept(self._wanted):
            self._add(key, parts, make)

    def _add(self, key: K, parts: Sequence[SealedPart], make: Callable[[], T]) -> Made[T]:
        try:
            made = Made(frozenset(parts), make())
            with self._lock:
                self._made.pop(key, None)
                self._made[key] = made
                while len(self._made) > self._kept:
                    del self._made[next(iter(self._made))]
        finally:
            self._making.discard(key)
        return made


@cache
def background() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "making")


def wait() -> None:
    """Until all is made that is being made in the background: one after the other, so that this comes last."""
    background().submit(int).result()
