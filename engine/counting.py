"""Adding up by contact, into arrays as narrow as the numbers allow: narrow ones stay in the cache while events hit them
at random.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.native import kernel

Counts = NDArray[np.unsignedinteger[Any]]
Array = NDArray[Any]

_COUNTS = ("u1", "u2", "u4", "u8")
_WHOLE = ("i4", "i8")

CAP = 255
"""Capped counts stay at this once they reach it."""


def count_type(most: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest type that counts up to `most`."""
    return np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32 if most < 1 << 32 else np.uint64


@kernel("out C[]", "u4[]", C=_COUNTS)
def add_each(counts: Counts, places: Rows) -> None:
    """Add one to `counts` at each of `places`, as often as it occurs."""
    for place in places:
        counts[place] += 1


@kernel("out T[]", "u4[]", "T[]", T=(*_COUNTS, *_WHOLE))
def add_at(totals: Array, places: Rows, more: Array) -> None:
    """Add each of `more` to `totals` at its place."""
    for position in range(places.size):
        totals[places[position]] += more[position]


@kernel("out C[]", "u4[]", C=_COUNTS)
def take_each(counts: Counts, places: Rows) -> None:
    """Take one from `counts` at each of `places`, as often as it occurs."""
    for place in places:
        counts[place] -= 1


@kernel("out u1[]", "u4[]")
def add_each_capped(counts: NDArray[np.uint8], places: Rows) -> None:
    """The same as `add_each`, up to CAP."""
    for place in places:
        if counts[place] < CAP:
            counts[place] += 1


@kernel("out u1[]", "C[]", "C[]", C=_COUNTS)
def add_difference_capped(counts: NDArray[np.uint8], later: Counts, earlier: Counts) -> None:
    """Add `later - earlier`, which is nowhere below zero, to the first of `counts`, up to CAP."""
    # Numbers as narrow as this are added many at a time, where they are not widened on the way.
    narrow = later.dtype.type
    for place in range(later.size):
        more = np.uint8(min(narrow(later[place] - earlier[place]), narrow(CAP)))
        counts[place] += min(more, np.uint8(CAP - counts[place]))


@kernel("out u1[]", "C[]", C=_COUNTS)
def add_capped(counts: NDArray[np.uint8], more: Counts) -> None:
    """Add `more` to the first of `counts`, up to CAP."""
    narrow = more.dtype.type
    for place in range(more.size):
        counts[place] += min(np.uint8(min(more[place], narrow(CAP))), np.uint8(CAP - counts[place]))


@kernel("out S[]", "u4[]", "V[]", "i8", S=_WHOLE, V=_WHOLE)
def add_values(sums: Array, places: Rows, values: Array, missing: int) -> None:
    """Add each of `values` but `missing` ones to `sums` at its place; the caller knows that they fit."""
    for row in range(places.size):
        if values[row] != missing:
            sums[places[row]] += values[row]


@kernel("out S[]", "u4[]", "V[]", "i8", S=_WHOLE, V=_WHOLE)
def take_values(sums: Array, places: Rows, values: Array, missing: int) -> None:
    """Take each of `values` but `missing` ones from `sums` at its place."""
    for row in range(places.size):
        if values[row] != missing:
            sums[places[row]] -= values[row]


@kernel("out f8[]", "u4[]", "f8[]")
def add_floats(sums: Array, places: Rows, values: Array) -> None:
    """Add each of `values` to `sums` at its place, one after the other."""
    for row in range(places.size):
        sums[places[row]] += values[row]


@kernel("out V[]", "u4[]", "V[]", V=("i4", "i8", "f8"))
def raise_each(most: Array, places: Rows, values: Array) -> None:
    """Raise `most` at each place to its value where that is larger."""
    for row in range(places.size):
        most[places[row]] = max(most[places[row]], values[row])
