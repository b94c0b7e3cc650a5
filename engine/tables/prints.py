"""Fingerprints of event ids: enough to know a duplicate, at sixteen bytes an event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bitmaps import Mask
from engine.tables.hashing import digests
from engine.tables.texts import strings

Halves = NDArray[np.uint64]


class IdPrints:
    """128-bit BLAKE2b fingerprints as two halves, sorted by the high one. Two ids that share one are taken for the
    same, which in a trillion ids happens once in 10**14 times.
    """

    __slots__ = ("high", "low")

    def __init__(self, high: Halves, low: Halves) -> None:
        self.high = high
        self.low = low

    @classmethod
    def of(cls, ids: Iterable[str]) -> IdPrints:
        """The fingerprints of `ids`, sorted."""
        return cls(*halves_of(ids)).ascending()

    @classmethod
    def joined(cls, prints: Sequence[IdPrints]) -> IdPrints:
        high = np.concatenate([each.high for each in prints])
        return cls(high, np.concatenate([each.low for each in prints])).ascending()

    @classmethod
    def from_bytes(cls, high: bytes, low: bytes) -> IdPrints:
        return cls(np.frombuffer(high, np.uint64), np.frombuffer(low, np.uint64))

    def ascending(self) -> IdPrints:
        order = np.argsort(self.high)
        return IdPrints(self.high[order], self.low[order])

    def known(self, high: Halves, low: Halves) -> Mask:
        """Which of these fingerprints are here. Equal high halves may stand for several ids, so look at all.

        Ascending high halves are looked up many times faster than others.
        """
        place = np.searchsorted(self.high, high)
        found = np.zeros(len(high), np.bool_)
        while (open := (place < len(self.high)) & ~found).any():
            there = np.flatnonzero(open)
            same = self.high[place[there]] == high[there]
            found[there] = same & (self.low[place[there]] == low[there])
            place[there] = np.where(same, place[there] + 1, len(self.high))
        return found

    @property
    def halves(self) -> tuple[Halves, Halves]:
        return self.high, self.low

    def __len__(self) -> int:
        return len(self.high)


NO_PRINTS = IdPrints(np.zeros(0, np.uint64), np.zeros(0, np.uint64))


def halves_of(ids: Iterable[str]) -> tuple[Halves, Halves]:
    """High and low halves of the fingerprints of `ids`, in their order."""
    return halves_of_all(strings(list(ids)))


def halves_of_all(ids: pa.StringArray) -> tuple[Halves, Halves]:
    """`halves_of` for ids in an array."""
    return digests(ids, 16)
