"""Kernels between numpy arrays and Roaring bitmaps.

pyroaring builds a bitmap from a numpy array at 50-90 ns an element. An `array.array` of sorted rows costs 4 ns, and a
mask written straight into the portable format (https://github.com/RoaringBitmap/RoaringFormatSpec) a tenth of a
nanosecond a row, so everything here goes through one of the two.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Rows = NDArray[np.uint32]
Mask = NDArray[np.bool_]

CONTAINER = 1 << 16
ARRAY_LIMIT = 4096
"""A container with more members than this is a bitset, else a sorted list: the format's rule, not a choice."""

NO_RUNS_COOKIE = 12346
MASK_WORTH = 16
"""Unsorted rows go through a mask when there is at least one for so many mask entries."""


def from_sorted(rows: Rows) -> BitMap:
    """The bitmap of `rows`, which ascend without duplicates."""
    return BitMap(array("I", rows.tobytes()))


def from_mask(mask: Mask) -> BitMap:
    """The bitmap of the positions where `mask` is true."""
    if not len(mask):
        return BitMap()
    return _from_words(np.packbits(mask, bitorder="little"), mask)


def _from_words(packed: NDArray[np.uint8], mask: Mask) -> BitMap:
    containers = -(-len(mask) // CONTAINER)
    bits = np.zeros(containers * (CONTAINER // 8), np.uint8)
    bits[: len(packed)] = packed
    words = bits.view(np.uint64).reshape(containers, -1)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    keys = np.flatnonzero(sizes)
    bodies = [
        words[key].tobytes()
        if sizes[key] > ARRAY_LIMIT
        else np.flatnonzero(mask[key * CONTAINER : (key + 1) * CONTAINER]).astype("<u2").tobytes()
        for key in keys.tolist()
    ]
    return BitMap.deserialize(_header(keys, sizes[keys], bodies) + b"".join(bodies))


def _header(keys: NDArray[np.int64], sizes: NDArray[np.int64], bodies: list[bytes]) -> bytes:
    """Cookie and count, then key and size of each container, then where each begins."""
    described = np.empty((len(keys), 2), "<u2")
    described[:, 0] = keys
    described[:, 1] = sizes - 1
    lengths = np.array([len(body) for body in bodies], np.int64)
    offsets = 8 + 8 * len(keys) + np.cumsum(lengths) - lengths
    return (
        np.array([NO_RUNS_COOKIE, len(keys)], "<u4").tobytes() + described.tobytes() + offsets.astype("<u4").tobytes()
    )


def from_rows(rows: Rows) -> BitMap:
    """The bitmap of `rows` in any order, with or without duplicates."""
    if len(rows) < 2:
        return BitMap(rows.tolist())
    if len(rows) > 1024:
        top = int(rows.max()) + 1
        if top <= len(rows) * MASK_WORTH:
            mask = np.zeros(top, np.bool_)
            mask[rows] = True
            return from_mask(mask)
    return from_sorted(distinct(rows))


def distinct(rows: Rows) -> Rows:
    """`rows` sorted, without duplicates. (numpy's own `unique` is many times slower than its sort.)"""
    ordered = np.sort(rows)
    keep = np.empty(len(ordered), np.bool_)
    keep[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def to_array(bitmap: BitMap) -> Rows:
    """The members of `bitmap`, ascending."""
    return np.frombuffer(bitmap.to_array(), np.uint32)


def to_mask(bitmap: BitMap, size: int) -> Mask:
    """A mask of `size` entries, true at the members of `bitmap`, all of which are below `size`."""
    mask = np.zeros(size, np.bool_)
    mask[to_array(bitmap)] = True
    return mask


def below(bitmap: BitMap, size: int) -> BitMap:
    """The members of `bitmap` that are less than `size`: the bitmap itself when all are."""
    return bitmap & BitMap(range(size)) if bitmap and bitmap.max() >= size else bitmap
