"""The entries of a dictionary that the most rows have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SEARCHED = 1 << 15
"""Texts that begin otherwise are looked through for what is typed only when they are among so many most held."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Most:
    """The most held texts of a column, the most held first: their places in its dictionary, and their folded forms."""

    places: Places
    folded: pa.StringArray

    @classmethod
    def of(cls, folded: pa.StringArray, counts: NDArray[Any]) -> Most:
        places = best(counts, np.arange(len(counts)), SEARCHED)
        return cls(places, folded.take(pa.array(places)))


def best(counts: NDArray[Any], places: Places, limit: int) -> Places:
    """At most `limit` of `places`, which ascend: those with the highest counts first, of equal ones the first; none
    that is counted 0."""
    held = counts[places]
    if len(places) > limit:
        least = np.partition(held, len(held) - limit)[len(held) - limit]
        above = np.flatnonzero(held > least)
        kept = np.append(above, np.flatnonzero(held == least)[: limit - len(above)])
        places, held = places[kept], held[kept]
    order = np.lexsort((places, -held.astype(np.int64)))
    return places[order][held[order] > 0]
