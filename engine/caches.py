"""What a workspace remembers of questions: how they were understood and planned, and what was answered.

Everything is remembered for one state alone, the newest, and known by what it was made of: an entry is right as long as
its state is the one that is asked, and gone when the next is published. Nothing here is needed for any answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import is_
from typing import Any, Generic, TypeVar

from msgspec import Struct
from pyroaring import BitMap

from dsl.moments import Clock
from dsl.typed import Selection
from engine.binding import Planned, planned
from engine.language import was_read
from engine.snapshot import Snapshot

V = TypeVar("V")

DEFAULT_BYTES = 64 << 20
"""What remembered answers of a workspace may take where nobody said otherwise."""

ENTRIES = 1024
"""How many expressions are remembered as understood, and how many as planned."""

NUMBER_BYTES = 64
"""What a remembered number takes."""


class Cache(StrEnum):
    """What may be remembered, in the order in which it is needed."""

    PARSE = "parse"
    CHECK = "check"
    PLAN = "plan"
    ANSWER = "members"


class Asked(Struct, frozen=True):
    """An expression with the values of its parameters."""

    text: str
    params: Mapping[str, Any]

    @property
    def key(self) -> Hashable | None:
        """The same for the same question alone; None where a value is of a kind that questions cannot have."""
        if not self.params:
            return self.text, ()
        try:
            return self.text, tuple((name, _frozen(self.params[name])) for name in sorted(self.params))
        except TypeError:
            return None


def _frozen(value: object) -> Hashable:
    """A value with its type, for Python takes 1, 1.0 and True to be equal; TypeError for what JSON has not."""
    match value:
        case None | bool() | int() | float() | str():
            return type(value), value
        case list():
            return list, tuple(map(_frozen, value))
        case _:
            raise TypeError(f"{type(value).__name__} does not stand for a value")


@dataclass(frozen=True, slots=True)
class Use:
    """How often a cache had what it was asked for, and how often not; what it holds, in entries and in their size."""

    hits: int
    misses: int
    entries: int
    size: int


class Memo(Generic[V]):
    """Values by key for one state, those used last, of a size of at most `most` in all. Safe for many threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._state: tuple[object, ...] = ()
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = self._hits = self._misses = 0
        self._lock = threading.Lock()

    def begin(self, *state: object) -> None:
        """From now on only this state is remembered; what was, goes, unless it is of the very same objects."""
        with self._lock:
            if not self._of(state):
                self._state = state
                self._held.clear()
                self._size = 0

    def get(self, state: tuple[object, ...], key: Hashable, fits: Callable[[V], bool] | None = None) -> V | None:
        """The value, when it is remembered of this state, and `fits` what is asked."""
        with self._lock:
            found = self._held.get(key)
            if found is None or not self._of(state) or (fits is not None and not fits(found[0])):
                self._misses += 1
                return None
            self._held.move_to_end(key)
            self._hits += 1
            return found[0]

    def put(self, state: tuple[object, ...], key: Hashable, value: V, size: int = 1) -> None:
        """Remember a value, if it is of this state and fits; the values used longest ago make room for it."""
        with self._lock:
            if size > self._most or not self._of(state):
                return
            self._size += size - self._held.pop(key, (None, 0))[1]
            self._held[key] = (value, size)
            while self._size > self._most:
                self._size -= self._held.popitem(last=False)[1][1]

    def _of(self, state: tuple[object, ...]) -> bool:
        """States are the objects they are made of: being held here, these cannot give their identity to others."""
        return len(state) == len(self._state) and all(map(is_, state, self._state))

    @property
    def use(self) -> Use:
        with self._lock:
            return Use(self._hits, self._misses, len(self._held), self._size)


class Answers:
    """What was answered of one plan in one state: its contacts, or how many they are."""

    __slots__ = ("_memo", "_planned", "_state")

    def __init__(self, memo: Memo[BitMap | int], snapshot: Snapshot, planned: Planned) -> None:
        self._memo = memo
        self._state = (snapshot,)
        self._planned = planned

    def count(self) -> int | None:
        found = self._memo.get(self._state, self._planned)
        return len(found) if isinstance(found, BitMap) else found

    def keep_count(self, number: int) -> None:
        """Where the members are not known."""
        self._memo.put(self._state, self._planned, number, NUMBER_BYTES)

    def members(self) -> BitMap | None:
        found = self._memo.get(self._state, self._planned)
        return found if isinstance(found, BitMap) else None

    def keep_members(self, members: BitMap) -> None:
        """They are never changed from now on."""
        self._memo.put(self._state, self._planned, members, bitmap_bytes(members))


class Caches:
    """Those of a workspace. `most_bytes` is what answers may take; with 0 nothing at all is remembered."""

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        entries = ENTRIES if most_bytes else 0
        self.remember = most_bytes > 0
        self._checks: Memo[Selection] = Memo(entries)
        self._plans: Memo[Planned] = Memo(entries)
        self._answers: Memo[BitMap | int] = Memo(most_bytes)

    def begin(self, snapshot: Snapshot) -> None:
        """A new state was published."""
        self._checks.begin(snapshot.schema, snapshot.segments)
        self._plans.begin(snapshot)
        self._answers.begin(snapshot)

    def selection(self, snapshot: Snapshot, asked: Asked, key: Hashable | None) -> tuple[Selection, tuple[Cache, ...]]:
        """What an expression means, by the key of what is asked, and what was remembered of that; ExpressionError."""
        state = (snapshot.schema, snapshot.segments)
        found = None if key is None else self._checks.get(state, key)
        if found is not None:
            return found, (Cache.PARSE, Cache.CHECK)
        parsed = was_read(asked.text)
        made = snapshot.segments.understand(asked.text, snapshot.schema, asked.params)
        if key is not None:
            self._checks.put(state, key, made)
        return made, (Cache.PARSE,) if parsed else ()

    def plan(
        self, snapshot: Snapshot, key: Hashable | None, selection: Selection, clock: Clock
    ) -> tuple[Planned, tuple[Cache, ...]]:
        """The plan of the selection that `key` stands for, and whether it was remembered.

        It serves every clock where it does not move with that. Expressions of one meaning share one plan.
        """
        state = (snapshot,)
        found = None if key is None else self._plans.get(state, key, lambda made: made.serves(clock))
        if found is not None:
            return found, (Cache.PLAN,)
        made = planned(snapshot, selection, clock)
        if key is not None:
            made = self._shared(state, made)
            self._plans.put(state, key, made)
        return made, ()

    def _shared(self, state: tuple[object, ...], made: Planned) -> Planned:
        """The plan that other expressions of this meaning have already, else this one."""
        known = self._plans.get(state, made.meaning, lambda known: known.clock == made.clock)
        if known is None:
            self._plans.put(state, made.meaning, made)
        return known or made

    def answers(self, snapshot: Snapshot, planned: Planned) -> Answers:
        return Answers(self._answers, snapshot, planned)

    @property
    def uses(self) -> Iterator[tuple[Cache, Use]]:
        yield Cache.CHECK, self._checks.use
        yield Cache.PLAN, self._plans.use
        yield Cache.ANSWER, self._answers.use


def bitmap_bytes(bitmap: BitMap) -> int:
    """What the containers of a bitmap take."""
    found = bitmap.get_statistics()
    containers = (
        found["n_bytes_array_containers"] + found["n_bytes_run_containers"] + found["n_bytes_bitset_containers"]
    )
    return NUMBER_BYTES + int(containers)
