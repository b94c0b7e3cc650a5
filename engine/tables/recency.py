"""Contacts in the order of their first or last events: who has one before a moment, or after it, is a stretch of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.deadline import still_wanted
from engine.native import kernel
from engine.reading import EventPart, Recency
from engine.tables.loose import MISSING_INT
from engine.tables.ordered import Order
from engine.tables.parts import SealedPart

AHEAD = 4
"""An order serves while it is of more than so many times the events of the parts that were sealed since."""
AT_ONCE = 1 << 21
"""An order of more contacts, each counted for every part that it is in, is made while questions are answered without:
some 20 ns each."""

Types = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """The order of the contacts of some parts, by the moment of their first or last event."""

    parts: frozenset[SealedPart]
    order: Order

    def serves(self, parts: Sequence[SealedPart]) -> bool:
        """Whether it is of most of their events, and of none but theirs."""
        since = sum(part.size for part in parts if part not in self.parts)
        return self.parts.issubset(parts) and since * AHEAD <= sum(part.size for part in self.parts)


class Recencies:
    """Orders made when first asked for, and again when parts are gone or those sealed since have become many."""

    def __init__(self) -> None:
        self._made: dict[tuple[Types, bool], _Made] = {}
        self._making: set[tuple[Types, bool]] = set()
        self._lock = threading.Lock()

    def since(self, start: int | None, end: int | None, types: Types, parts: Sequence[EventPart]) -> Recency | None:
        """Who has an event of these parts in [start, end); None where windows end before the events of sealed parts
        do, and begin after they do, and while the order of many is being made."""
        held = [part for part in parts if isinstance(part, SealedPart)]
        last = _told_by(start, end, held)
        if last is None:
            return None
        made = self._of(types, held, last)
        if made is None:
            return None
        low, high = (start, None) if last else (None, end)
        others = tuple(part for part in parts if not (isinstance(part, SealedPart) and part in made.parts))
        return Recency(made.order, _LEAST if low is None else low, _MOST if high is None else high - 1, others)

    def unmade(self, start: int | None, end: int | None, types: Types, parts: Sequence[EventPart]) -> int | None:
        """How many contacts `since` orders before it tells; None where it does not tell."""
        held = [part for part in parts if isinstance(part, SealedPart)]
        last = _told_by(start, end, held)
        if last is None:
            return None
        made = self._made.get((types, last))
        people = 0 if made is not None and made.serves(held) else sum(len(part.people) for part in held)
        return people if people <= AT_ONCE else None

    def _of(self, types: Types, parts: Sequence[SealedPart], last: bool) -> _Made | None:
        made = self._made.get((types, last))
        if made is not None and made.serves(parts):
            return made
        if sum(len(part.people) for part in parts) <= AT_ONCE:
            return self._make(types, parts, last)
        with self._lock:
            if (types, last) not in self._making:
                self._making.add((types, last))
                _maker().submit(self._make, types, parts, last)
        return None

    def _make(self, types: Types, parts: Sequence[SealedPart], last: bool) -> _Made:
        try:
            made = self._made[types, last] = _Made(frozenset(parts), _order(parts, last))
        finally:
            self._making.discard((types, last))
        return made


def _told_by(start: int | None, end: int | None, parts: Sequence[SealedPart]) -> bool | None:
    """Whether last events (else first ones) tell who has one in a window; None where neither do."""
    if not parts:
        return None
    last = end is None or end > max(part.latest for part in parts)
    return last if last or start is None or start <= min(part.earliest for part in parts) else None


@cache
def _maker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "recency")


_LEAST, _MOST = MISSING_INT + 1, -MISSING_INT - 1


def _order(parts: Sequence[SealedPart], last: bool) -> Order:
    """The contacts by the moment of their first event in any of the parts, or the last."""
    put = _raise_moments if last else _lower_moments
    data = np.full(max(part.bound for part in parts), MISSING_INT)
    for part in parts:
        still_wanted()
        put(part.people, part.edge_moments(last), data)
    there = np.flatnonzero(data != MISSING_INT).astype(np.uint32)
    return Order.of(data, there)


@kernel("u4[]", "i8[]", "out i8[]")
def _raise_moments(contacts: Rows, moments: NDArray[np.int64], latest: NDArray[np.int64]) -> None:
    """Raise the latest moment of each contact, of which none occurs twice, to its own here."""
    for place in range(contacts.size):
        contact = contacts[place]
        latest[contact] = max(latest[contact], moments[place])


@kernel("u4[]", "i8[]", "out i8[]")
def _lower_moments(contacts: Rows, moments: NDArray[np.int64], earliest: NDArray[np.int64]) -> None:
    """Lower the earliest moment of each contact, of which none occurs twice, to its own here, or set it."""
    for place in range(contacts.size):
        contact, moment = contacts[place], moments[place]
        known = earliest[contact]
        earliest[contact] = moment if known == MISSING_INT else min(known, moment)
