"""Events before they are a part: in any order, with nothing to find them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.schema import Field
from engine.bitmaps import Rows
from engine.tables.joining import empty, joined, taken
from engine.tables.loose import Loose


@dataclass(frozen=True, slots=True)
class LooseEvents:
    """Events before they are sorted and indexed."""

    contacts: Rows
    at: NDArray[np.int64]
    order: NDArray[np.int64]
    columns: Mapping[str, Loose]

    def chosen(self, rows: NDArray[np.int64]) -> LooseEvents:
        """The events `rows`, in that order."""
        columns = {name: taken(column, rows) for name, column in self.columns.items()}
        return LooseEvents(self.contacts[rows], self.at[rows], self.order[rows], columns)

    def in_order_of_time(self) -> LooseEvents:
        """The events by moment, then acceptance."""
        events = self
        if not (events.at[1:] >= events.at[:-1]).all():
            events = events.chosen(ascending(events.at))
        if ((events.at[1:] == events.at[:-1]) & (events.order[1:] < events.order[:-1])).any():
            events = events.chosen(np.lexsort((events.order, events.at)))
        return events


def joined_events(parts: Sequence[LooseEvents], fields: Mapping[str, Field]) -> LooseEvents:
    """The events of `parts`, one after the other."""
    names = dict.fromkeys(name for part in parts for name in part.columns if name in fields)
    columns = {
        name: joined(fields[name], [part.columns.get(name) or empty(fields[name], len(part.at)) for part in parts])
        for name in names
    }
    return LooseEvents(
        np.concatenate([part.contacts for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.order for part in parts]),
        columns,
    )


def ascending(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stable order of moments. Sorting moment << bits | row is many times faster than finding a permutation."""
    if not len(at):
        return np.zeros(0, np.int64)
    bits = max(1, (len(at) - 1).bit_length())
    least = int(at.min())
    if int(at.max()) - least >= 1 << (62 - bits):
        return np.argsort(at, kind="stable")
    keys = (at - least) << bits | np.arange(len(at))
    keys.sort()
    rows: NDArray[np.int64] = keys & ((1 << bits) - 1)
    return rows
