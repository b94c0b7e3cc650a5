"""Contacts in the order of their first or last events: who has one before a moment, or after it, is a stretch of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.deadline import still_wanted
from engine.native import kernel
from engine.reading import EventPart, Recency
from engine.tables.loose import MISSING_INT
from engine.tables.making import Maker
from engine.tables.ordered import Order
from engine.tables.parts import SealedPart

AT_ONCE = 1 << 21
"""An order of more contacts, each counted for every part that it is in, is made while questions are answered without:
some 20 ns each."""

Types = tuple[str, ...]


KEPT = 64
"""So many orders are kept."""


class Recencies:
    """Orders made when first asked for, and again when parts are gone or those sealed since have become many."""

    def __init__(self) -> None:
        self._orders: Maker[tuple[Types, bool], Order] = Maker(KEPT)

    def since(self, start: int | None, end: int | None, types: Types, parts: Sequence[EventPart]) -> Recency | None:
        """Who has an event of these parts in [start, end); None where windows end before the events of sealed parts
        do, and begin after they do, and while the order of many is being made."""
        held = [part for part in parts if isinstance(part, SealedPart)]
        last = _told_by(start, end, held)
        if last is None:
            return None
        made = self._orders.of((types, last), held, partial(_order, held, last), _people(held) <= AT_ONCE)
        if made is None:
            return None
        low, high = (start, None) if last else (None, end)
        low, high = _LEAST if low is None else low, _MOST if high is None else high - 1
        return Recency(made.value, low, high, made.others(parts))

    def rest(self) -> None:
        """Make nothing in the background any more."""
        self._orders.rest()

    def unmade(self, start: int | None, end: int | None, types: Types, parts: Sequence[EventPart]) -> int | None:
        """How many contacts `since` orders before it tells; None where it does not tell."""
        held = [part for part in parts if isinstance(part, SealedPart)]
        last = _told_by(start, end, held)
        if last is None:
            return None
        people = 0 if self._orders.serving((types, last), held) is not None else _people(held)
        return people if people <= AT_ONCE else None


def _told_by(start: int | None, end: int | None, parts: Sequence[SealedPart]) -> bool | None:
    """Whether last events (else first ones) tell who has one in a window; None where neither do."""
    if not parts:
        return None
    last = end is None or end > max(part.latest for part in parts)
    return last if last or start is None or start <= min(part.earliest for part in parts) else None


def _people(parts: Sequence[SealedPart]) -> int:
    return sum(len(part.people) for part in parts)


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
