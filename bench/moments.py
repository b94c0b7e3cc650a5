"""Events on their way into the files: who did something when, a slice of the history after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bench.shapes import Ints


@dataclass(frozen=True, slots=True)
class Moments:
    """Who and when, ordered by time; `subject` is what it was about (a campaign's number), if anything."""

    contact: Ints
    at: Ints
    subject: Ints

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, rows: slice) -> Moments:
        return Moments(self.contact[rows], self.at[rows], self.subject[rows])

    def followed(self, rng: Generator, count: int, mean: float, before: int) -> Moments:
        """`count` later events, each caused by a different one of these: an exponential delay after it, of `mean`
        milliseconds, but `before` a moment."""
        cause = np.sort(rng.choice(len(self), count, replace=False, shuffle=False))
        delay = (rng.exponential(mean, count) + 1_000).astype(np.int64)
        return in_order(self.contact[cause], np.minimum(self.at[cause] + delay, before - 1), self.subject[cause])


def in_order(contact: Ints, at: Ints, subject: Ints) -> Moments:
    order = np.argsort(at, kind="stable")
    return Moments(contact[order], at[order], subject[order])


class Waiting:
    """Events that are drawn with a slice of the history, and happen in it or in a later one."""

    def __init__(self) -> None:
        self._later = Moments(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int16))

    def until(self, end: int, more: Moments) -> Moments:
        """Those before `end`, ordered by time."""
        pairs = ((getattr(self._later, name), getattr(more, name)) for name in ("contact", "at", "subject"))
        every = in_order(*map(np.concatenate, pairs))
        due = int(np.searchsorted(every.at, end))
        self._later = every[due:]
        return every[:due]


class Due:
    """Whole numbers that add up to `whole`, each its part of it as `done` of `of` grows."""

    def __init__(self, whole: int, of: int) -> None:
        self._whole, self._of, self._given, self._done = whole, of, 0, 0

    def after(self, more: int) -> int:
        self._done += more
        given = self._whole * self._done // self._of
        self._given, now = given, given - self._given
        return now
