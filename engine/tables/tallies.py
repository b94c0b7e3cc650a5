"""How many events each contact has in a window: running counts at a few rows of a part, and the rows in between."""

from __future__ import annotations

import numpy as np

from engine.bitmaps import Rows
from engine.counting import Counts, add_each, count_type, take_each

MARKS = 8
"""A part is cut into so many stretches at most."""
CELLS_A_ROW = 4
"""Running counts have at most so many entries for each event, so few of contacts that are far apart have none."""


class Tallies:
    """`_running[i]` counts each contact's events among the first `i * _step` rows."""

    __slots__ = ("_contacts", "_running", "_step")

    def __init__(self, contacts: Rows, most: int) -> None:
        """`contacts` of the events in order of time, of which no contact has more than `most`."""
        self._contacts = contacts
        width = int(contacts.max(initial=0)) + 1
        marks = min(MARKS, CELLS_A_ROW * len(contacts) // width)
        self._step = -(-len(contacts) // max(1, marks))
        self._running = np.zeros((marks + 1, width) if marks else (1, 0), count_type(most))
        for mark in range(marks):
            self._running[mark + 1] = self._running[mark]
            add_each(self._running[mark + 1], contacts[mark * self._step : (mark + 1) * self._step])

    def add(self, counts: Counts, low: int, high: int) -> None:
        """Add to `counts` how many of the rows low <= row < high each contact has.

        Counts go around like a clock on the way, and are right in the end.
        """
        first, last = self._nearest(low), self._nearest(high)
        if first >= last:
            add_each(counts, self._contacts[low:high])
            return
        whole = counts[: self._running.shape[1]]
        whole += self._running[last]
        if first:
            whole -= self._running[first]
        self._move(counts, first * self._step, low, -1)
        self._move(counts, last * self._step, high, 1)

    def _nearest(self, row: int) -> int:
        return min((row + self._step // 2) // self._step, len(self._running) - 1)

    def _move(self, counts: Counts, mark: int, row: int, sign: int) -> None:
        """From the counts up to a mark to those up to a row: `sign` says whether these are added or taken away."""
        mark = min(mark, len(self._contacts))
        between = self._contacts[min(mark, row) : max(mark, row)]
        (add_each if (row > mark) == (sign > 0) else take_each)(counts, between)
