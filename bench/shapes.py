"""How generated values are drawn, and made into Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


# --- drawing -----------------------------------------------------------------------------------------------


def zipf(rng: Generator, choices: int, size: int, exponent: float = 1.1) -> Ints:
    """Indexes 0..choices-1, the first the most frequent."""
    return drawn_by(rng, cumulated(1 / np.arange(1, choices + 1) ** exponent), size)


def cumulated(weights: Floats) -> Floats:
    """The running sum of weights, as parts of the whole."""
    total = np.cumsum(weights)
    total /= total[-1]
    return total


def drawn_by(rng: Generator, cumulated: Floats, size: int) -> Ints:
    """Indexes in proportion to the weights that are `cumulated`."""
    indexes = np.searchsorted(cumulated, rng.random(size), side="right")
    return np.minimum(indexes, len(cumulated) - 1).astype(np.int32)


# --- columns -----------------------------------------------------------------------------------------------


def ids(letter: str, numbers: Ints, digits: int) -> pa.Array:
    """Texts such as c00000042: all of one length, so that they are written straight into the array's buffers."""
    letters = np.empty((len(numbers), digits + 1), np.uint8)
    letters[:, 0] = ord(letter)
    rest = numbers.astype(np.uint32)
    for place in range(digits, 0, -1):
        rest, digit = rest // 10, rest % 10
        letters[:, place] = digit + ord("0")
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * (digits + 1)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(letters))


def where(present: Bools, values: pa.Array) -> pa.Array:
    """The values, those that are not present null."""
    return pc.if_else(pa.array(present), values, None)


def texts(values: Sequence[str], indexes: Ints, missing: Bools | None = None) -> pa.Array:
    codes = pa.array(indexes.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(values)).cast(pa.string())


def days(numbers: Ints, missing: Bools | None = None) -> pa.Array:
    """Dates, of days since 1970."""
    return pa.array(numbers.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())


def decimals(cents: Ints, missing: Bools) -> pa.Array:
    """Cents as decimal(18, 2): the unscaled integers, written straight into a decimal array's buffer."""
    words128 = np.zeros((len(cents), 2), np.int64)
    words128[:, 0] = cents
    valid = np.packbits(~missing, bitorder="little").tobytes()
    buffers = [pa.py_buffer(valid), pa.py_buffer(words128)]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), buffers, int(missing.sum()))


def tags(picked: Ints, lengths: Ints, values: Sequence[str]) -> pa.Array:
    """Of each row of `picked` the first ones, as many as its length says, each of them once."""
    kept = np.arange(picked.shape[1]) < lengths[:, None]
    for place in range(1, picked.shape[1]):
        kept[:, place] &= ~(picked[:, :place] == picked[:, place, None]).any(axis=1)
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), texts(values, picked[kept]))
