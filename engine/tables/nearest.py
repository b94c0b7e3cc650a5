"""How far from each event the nearest one of other types is: measured once, that tells of any window and any gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.deadline import still_wanted
from engine.histories import Histories, Ints
from engine.native import kernel
from engine.parallel import on_every_core
from engine.reading import FAR, Distances, EventPart, Nearest, Neighbours
from engine.tables.making import Maker
from engine.tables.parts import SealedPart

AT_ONCE = 1 << 21
"""What takes looking at more events is made while questions are answered without: some 20 ns each."""
KEPT = 8
"""So many measurements are kept: each takes four bytes for each event that is measured."""
CONTACTS_AT_ONCE = 1 << 14
"""The histories of so many contacts stay in the processor's cache while they are compared with those of each part."""

Codes = NDArray[np.int16]
Numbers = NDArray[np.int32]
Parts = Sequence[SealedPart]
P = TypeVar("P", bound=EventPart)


class Measurements:
    """Distances measured when first asked for, and again when parts are gone or those sealed since have become many."""

    def __init__(self) -> None:
        self._maker: Maker[Nearest, dict[EventPart, Distances]] = Maker(KEPT)

    def of(self, asked: Nearest, parts: Sequence[EventPart], others: Sequence[EventPart]) -> Neighbours | None:
        """Those between the events of sealed parts and of sealed others."""
        ours, theirs = _sealed(parts), _sealed(others)
        if not _is_told(asked, ours, theirs):
            return None
        both = _together(ours, theirs)
        at_once = _events(both) <= AT_ONCE
        made = self._maker.of(asked, both, partial(_measured, asked, ours, theirs, at_once), at_once)
        return None if made is None else Neighbours(made.value, made.others(_together(parts, others)))

    def rest(self) -> None:
        """Make nothing in the background any more."""
        self._maker.rest()

    def unmade(self, asked: Nearest, parts: Sequence[EventPart], others: Sequence[EventPart]) -> int | None:
        """How many events `of` looks at before it tells; None where it does not tell."""
        ours, theirs = _sealed(parts), _sealed(others)
        if not _is_told(asked, ours, theirs):
            return None
        both = _together(ours, theirs)
        events = 0 if self._maker.serving(asked, both) is not None else _events(both)
        return events if events <= AT_ONCE else None


def _sealed(parts: Sequence[EventPart]) -> list[SealedPart]:
    return [part for part in parts if isinstance(part, SealedPart)]


def _together(parts: Sequence[P], others: Sequence[P]) -> list[P]:
    """The parts of both, each once."""
    return list(dict.fromkeys([*parts, *others]))


def _events(parts: Parts) -> int:
    return sum(part.size for part in parts)


def _is_told(asked: Nearest, parts: Parts, others: Parts) -> bool:
    """Whether there is something to measure, and all texts that must be equal are told apart by codes."""
    if asked.texts is None or not (parts and others):
        return bool(parts and others)
    own, other = asked.texts
    told = [*(part.told(own, None) for part in parts), *(part.told(other, None) for part in others)]
    return None not in told


@dataclass(frozen=True, slots=True)
class _Side:
    """The histories of a part, and the numbers of its events' texts: those of the codes, and -1 of none in the end."""

    part: SealedPart
    histories: Histories
    codes: Codes
    numbers: Numbers

    @classmethod
    def of(cls, part: SealedPart, name: str | None, known: dict[str, int]) -> _Side:
        """Equal texts have the same number, which `known` gives out."""
        if name is None:
            return cls(part, part.histories, np.empty(0, np.int16), np.empty(0, np.int32))
        told = part.told(name, None)
        assert told is not None, "asked before"
        numbers = [known.setdefault(text, len(known)) for text in told.texts]
        return cls(part, part.histories, told.codes, np.array([*numbers, -1], np.int32))


def _measured(asked: Nearest, parts: Parts, others: Parts, shared: bool) -> dict[EventPart, Distances]:
    """The distances of the events of each part; `shared` among the cores, where that is not done beside questions."""
    known: dict[str, int] = {}
    own, other = (None, None) if asked.texts is None else asked.texts
    ours, theirs = [_Side.of(part, own, known) for part in parts], [_Side.of(part, other, known) for part in others]
    distances: dict[EventPart, Distances] = {side.part: np.full(side.part.size, FAR, np.uint32) for side in ours}

    def measure(stretch: tuple[_Side, int]) -> None:
        side, first = stretch
        near = [each for each in theirs if _may_be_near(side.part, each.part, asked.later)]
        _measure_some(side, first, near, asked.later, max(1, len(known)), distances[side.part])

    on_every_core(measure, _stretches(ours), worth=shared)
    return distances


def _stretches(sides: Sequence[_Side]) -> Iterator[tuple[_Side, int]]:
    for side in sides:
        for first in range(0, side.histories.who.size, CONTACTS_AT_ONCE):
            yield side, first


def _may_be_near(part: SealedPart, other: SealedPart, later: bool) -> bool:
    """Whether an event of the other may be after one of the part, or before it, and no farther than FAR."""
    first, second = (part, other) if later else (other, part)
    return first.earliest < second.latest and second.earliest - first.latest < FAR


def _measure_some(
    side: _Side, first: int, others: Sequence[_Side], later: bool, texts: int, nearest: Distances
) -> None:
    """Lower the distances of the events of contacts, from the one at place `first` on, to those of the others."""
    still_wanted()
    own = side.histories
    who = own.who[first : first + CONTACTS_AT_ONCE]
    starts, moments, owners = (
        own.starts[first : first + who.size + 1],
        np.zeros(texts, np.int64),
        np.zeros(texts, np.int32),
    )
    for other in others:
        owners[:] = 0
        begins, ends = other.histories.stretches(who, None, None)
        ours, theirs = (side.codes, side.numbers), (other.codes, other.numbers)
        _lower(
            starts, own.rows, own.at, *ours, begins, ends, other.histories.at, *theirs, later, moments, owners, nearest
        )


@kernel(
    "u4[]",
    "u4[]",
    "i8[]",
    "i2[]",
    "i4[]",
    "i8[]",
    "i8[]",
    "i8[]",
    "i2[]",
    "i4[]",
    "b1",
    "out i8[]",
    "out i4[]",
    "out u4[]",
)
def _lower(
    starts: Rows,
    rows: Rows,
    at: Ints,
    codes: Codes,
    numbers: Numbers,
    begins: Ints,
    ends: Ints,
    other_at: Ints,
    other_codes: Codes,
    other_numbers: Numbers,
    later: bool,
    moments: Ints,
    owners: Numbers,
    distances: Distances,
) -> None:
    """Through the time of each contact, forward, or back where the others are `later`: `moments` has the last one by
    the number of its text, that is of the contact before `owners`. All have the number 0 where no texts are asked."""
    step, alike = -1 if later else 1, codes.size > 0
    for place in range(begins.size):
        first, end = np.int64(starts[place]), np.int64(starts[place + 1])
        event = end - 1 if later else first
        other = ends[place] - 1 if later else begins[place]
        if begins[place] == ends[place]:
            continue
        for _ in range(first, end):
            while begins[place] <= other < ends[place] and (at[event] - other_at[other]) * step > 0:
                number = other_numbers[other_codes[other]] if alike else np.int32(0)
                if number >= 0:
                    moments[number], owners[number] = other_at[other], place + 1
                other += step
            number = numbers[codes[event]] if alike else np.int32(0)
            if number >= 0 and owners[number] == place + 1:
                distance, row = abs(at[event] - moments[number]), rows[event]
                if distance < distances[row]:
                    distances[row] = distance
            event += step
