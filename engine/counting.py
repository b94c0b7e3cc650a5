"""Counting into arrays as narrow as the counts allow: narrow ones stay in the cache while events hit them at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.unsignedinteger[Any]]


def count_type(most: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest type that counts up to `most`."""
    return np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32 if most < 1 << 32 else np.uint64


def add_each(counts: Counts, places: NDArray[np.integer[Any]]) -> None:
    """Add one to `counts` at each of `places`, as often as it occurs."""
    # numpy adds a one of the very type of the counts five times faster than `bincount` counts.
    np.add.at(counts, places, counts.dtype.type(1))


def take_each(counts: Counts, places: NDArray[np.integer[Any]]) -> None:
    """Take one from `counts` at each of `places`, as often as it occurs."""
    np.subtract.at(counts, places, counts.dtype.type(1))
