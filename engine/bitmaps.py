"""Kernels between numpy arrays and Roaring bitmaps.

pyroaring builds a bitmap from a numpy array at 50-90 ns an element. An `array.array` of sorted rows costs 4 ns, and
*words*, 64 rows to one, are written to and read from the portable format
(https://github.com/RoaringBitmap/RoaringFormatSpec) at about a tenth of a nanosecond a row. Everything here goes
through one of the two.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.native import kernel

Rows = NDArray[np.uint32]
Mask = NDArray[np.bool_]
Words = NDArray[np.uint64]
"""A set of rows: row `r` is in it when bit `r % 64` of word `r // 64` is set."""

CONTAINER = 1 << 16
WORDS = CONTAINER // 64
"""Words of a container."""
ARRAY_LIMIT = 4096
"""A container with more members than this is a bitset, else a sorted list: the format's rule, not a choice."""

NO_RUNS_COOKIE = 12346
RUNS_COOKIE = 12347
OFFSETS_WITH_RUNS = 4
"""A bitmap of so many containers says where each begins even where some are runs."""
TILE = 4096
"""So many values are tested at once: what comes of it stays in the nearest cache."""
SORTED_WORTH = 200
"""So many rows are sorted, not set in words."""
WORDS_WORTH = 1 << 12
"""Rows are set in words when there is at least one for so many rows of the space."""
DENSE = 1 << 8
"""A set is dense when it has at least one row for so many of the space: words are then combined sooner than bitmaps."""


def from_sorted(rows: Rows) -> BitMap:
    """The bitmap of `rows`, which ascend without duplicates."""
    return BitMap(array("I", rows.tobytes()))


def union(bitmaps: Sequence[BitMap]) -> BitMap:
    """Their union; a single one is returned as it is."""
    match bitmaps:
        case []:
            return BitMap()
        case [only]:
            return only
        case [left, right]:
            return left | right
        case _:
            return BitMap.union(*bitmaps)


def from_mask(mask: Mask) -> BitMap:
    """The bitmap of the positions where `mask` is true."""
    packed = np.packbits(mask, bitorder="little")
    words = np.zeros(words_of(len(mask)), np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return from_words(words)


def from_words(words: Words) -> BitMap:
    """The bitmap of the rows in `words`, whole containers of them."""
    if not len(words):
        return BitMap()
    written = np.empty(8 + len(words) // WORDS * (8 + CONTAINER // 8), np.uint8)
    return BitMap.deserialize(written[: _write_portable(words, words.view(np.uint8), written)].tobytes())


def from_rows(rows: Rows) -> BitMap:
    """The bitmap of `rows` in any order, with or without duplicates."""
    if len(rows) < 2:
        return BitMap(rows.tolist())
    if len(rows) > SORTED_WORTH:
        top = int(rows.max()) + 1
        if top <= len(rows) * WORDS_WORTH:
            words = np.zeros(words_of(top), np.uint64)
            set_rows(rows, words)
            return from_words(words)
    return from_sorted(distinct(rows))


def set_between(values: NDArray[Any], low: Any, high: Any, words: Words) -> None:
    """Write the positions of `values` from `low` to `high` into the first of `words`."""
    _set_between(values, values.dtype.type(low), values.dtype.type(high), words.view(np.uint8))


def words_of(size: int) -> int:
    """How many words hold rows below `size`, in whole containers."""
    return -(-size // CONTAINER) * WORDS


def is_dense(count: int, size: int) -> bool:
    """Whether so many rows of a space of `size` are dense."""
    return count * DENSE >= size


def fitted(words: Words, size: int) -> Words:
    """`words` for a space of `size` rows, which are no fewer than they were made for."""
    missing = -(-size // CONTAINER) * WORDS - len(words)
    return np.append(words, np.zeros(missing, np.uint64)) if missing else words


def all_of(sets: Sequence[Words]) -> Words:
    """What is in all of one or more sets; a single one is returned as it is."""
    found = sets[0]
    for number, words in enumerate(sets[1:]):
        found = np.bitwise_and(found, words, out=found if number else None)
    return found


def any_of(sets: Sequence[Words]) -> Words:
    """What is in any of one or more sets; a single one is returned as it is."""
    found = sets[0]
    for number, words in enumerate(sets[1:]):
        found = np.bitwise_or(found, words, out=found if number else None)
    return found


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


def to_words(bitmap: BitMap, size: int) -> Words:
    """The members of `bitmap`, all of which are below `size`, as words."""
    return serialized_words(np.frombuffer(bitmap.serialize(), np.uint8), size)


def serialized_words(written: NDArray[np.uint8], size: int) -> Words:
    """The same of a bitmap in the portable format."""
    words = np.zeros(words_of(size), np.uint64)
    _read_portable(written, words, words.view(np.uint8))
    return words


def rows_below(size: int) -> Words:
    """All rows of a space of `size`."""
    words = np.zeros(words_of(size), np.uint64)
    words[: size // 64] = np.uint64(0xFFFFFFFFFFFFFFFF)
    if size % 64:
        words[size // 64] = np.uint64((1 << size % 64) - 1)
    return words


def add(bitmap: BitMap, words: Words) -> None:
    """Add the members of `bitmap` to the set `words`, which has room for them."""
    if is_dense(len(bitmap), 64 * len(words)):
        np.bitwise_or(words, to_words(bitmap, 64 * len(words)), out=words)
    else:
        set_rows(to_array(bitmap), words)


def take(bitmap: BitMap, words: Words) -> None:
    """Take the members of `bitmap` out of the set `words`, which has room for them."""
    if is_dense(len(bitmap), 64 * len(words)):
        np.bitwise_and(words, ~to_words(bitmap, 64 * len(words)), out=words)
    else:
        clear_rows(to_array(bitmap), words)


def shared(bitmap: BitMap, words: Words) -> int:
    """How many members of `bitmap` are in the set `words`, which has room for them."""
    if is_dense(len(bitmap), 64 * len(words)):
        return members_of_both(to_words(bitmap, 64 * len(words)), words)
    return members_among(to_array(bitmap), words)


def to_mask(bitmap: BitMap, size: int) -> Mask:
    """A mask of `size` entries, true at the members of `bitmap`, all of which are below `size`."""
    return np.unpackbits(to_words(bitmap, size).view(np.uint8), count=size, bitorder="little").view(np.bool_)


def below(bitmap: BitMap, size: int) -> BitMap:
    """The members of `bitmap` that are less than `size`: the bitmap itself when all are."""
    return bitmap & BitMap(range(size)) if bitmap and bitmap.max() >= size else bitmap


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("u4[]", "out u8[]")
def set_rows(rows: Rows, words: Words) -> None:
    """Add `rows` to the set `words`."""
    for row in rows:
        words[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel("T[]", "T", "T", "out u1[]", T=("u1", "i1", "i2", "i4", "i8", "f8"))
def _set_between(values: NDArray[Any], low: Any, high: Any, written: NDArray[np.uint8]) -> None:
    """Write the bytes of words of the positions of values from `low` to `high`.

    Both inner loops are vectorised: one makes a byte of each test, the other a bit of each of 8 bytes, by a product.
    """
    tests = np.zeros(TILE, np.uint8)
    eights = tests.view(np.uint64)
    for begin in range(0, values.size, TILE):
        tile = values[begin : begin + TILE]
        for place in range(tile.size):
            tests[place] = (tile[place] >= low) & (tile[place] <= high)
        tests[tile.size :] = 0
        bits = written[begin // 8 : begin // 8 + (tile.size + 7) // 8]
        for place in range(bits.size):
            bits[place] = (eights[place] * np.uint64(0x0102040810204080)) >> np.uint64(56)


@kernel("u4[]", "u4[]", "out u8[]")
def set_rows_at(rows: Rows, places: Rows, words: Words) -> None:
    """Add those of `rows` that lie at `places` to the set `words`."""
    for place in places:
        row = rows[place]
        words[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel("u8")
def ones(word: np.uint64) -> np.uint64:
    """How many bits are set (https://en.wikipedia.org/wiki/Hamming_weight)."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@kernel("u8[]")
def members(words: Words) -> int:
    """How many rows are in the set `words`."""
    total = np.uint64(0)
    for place in range(words.size):  # not `for word in words`, of which LLVM makes a slower loop
        total += ones(words[place])
    return int(total)


@kernel("u8[]", "u8[]")
def members_of_both(left: Words, right: Words) -> int:
    """How many rows are in both of two sets."""
    total = np.uint64(0)
    for place in range(left.size):
        total += ones(left[place] & right[place])
    return int(total)


@kernel("u8[]", "u8[]")
def members_of_either(left: Words, right: Words) -> int:
    """How many rows are in any of two sets."""
    total = np.uint64(0)
    for place in range(left.size):
        total += ones(left[place] | right[place])
    return int(total)


@kernel("u8[]", "u8[]")
def members_but_not(left: Words, right: Words) -> int:
    """How many rows are in the left set and not in the right one."""
    total = np.uint64(0)
    for place in range(left.size):
        total += ones(left[place] & ~right[place])
    return int(total)


@kernel("u4[]", "u8[]")
def members_among(rows: Rows, words: Words) -> int:
    """How many of `rows` are in the set `words`."""
    total = np.uint64(0)
    for row in rows:
        total += words[row >> np.uint32(6)] >> np.uint64(row & np.uint32(63)) & np.uint64(1)
    return int(total)


@kernel("u4[]", "out u8[]")
def clear_rows(rows: Rows, words: Words) -> None:
    """Take `rows` out of the set `words`."""
    for row in rows:
        words[row >> np.uint32(6)] &= ~(np.uint64(1) << np.uint64(row & np.uint32(63)))


@kernel("out u1[]", "i8", "i8", "i8")
def _put(written: NDArray[np.uint8], place: int, value: Any, count: int) -> None:
    """Write the lowest `count` bytes of a number, the least first."""
    for byte in range(count):
        written[place + byte] = (value >> (8 * byte)) & 255


@kernel("u1[]", "i8", "i8")
def _got(written: NDArray[np.uint8], place: int, count: int) -> Any:
    """The number in `count` bytes, the least first."""
    value: Any = 0
    for byte in range(count):
        value |= np.int64(written[place + byte]) << (8 * byte)
    return value


@kernel("u1[]", "i8", "out u1[]", "i8", "i8")
def _copy(source: NDArray[np.uint8], first: int, target: NDArray[np.uint8], place: int, count: int) -> None:
    """Copy `count` bytes. (As a loop over slices that begin at 0 this is vectorised; as an assignment it is not.)"""
    read, written = source[first : first + count], target[place : place + count]
    for byte in range(count):
        written[byte] = read[byte]


@kernel("u8[]", "u1[]", "out u1[]")
def _write_portable(words: Words, plain: NDArray[np.uint8], written: NDArray[np.uint8]) -> int:
    """Write a set, `plain` being the bytes of its words, in the portable format; how many bytes that took."""
    containers = words.size // WORDS
    sizes = np.zeros(containers, np.int64)
    used = 0
    for key in range(containers):
        own, total = words[key * WORDS : (key + 1) * WORDS], np.uint64(0)
        for place in range(WORDS):
            total += ones(own[place])
        sizes[key] = total
        used += 1 if total else 0
    _put(written, 0, NO_RUNS_COOKIE, 4)
    _put(written, 4, used, 4)
    header, offsets, body = 8, 8 + 4 * used, 8 + 8 * used
    for key in range(containers):
        if not sizes[key]:
            continue
        _put(written, header, key, 2)
        _put(written, header + 2, sizes[key] - 1, 2)
        _put(written, offsets, body, 4)
        header += 4
        offsets += 4
        if sizes[key] > ARRAY_LIMIT:
            _copy(plain, key * WORDS * 8, written, body, WORDS * 8)
            body += 8 * WORDS
        else:
            for place in range(WORDS):
                word = words[key * WORDS + place]
                while word:
                    lowest = word & (~word + np.uint64(1))
                    _put(written, body, place * 64 + np.int64(ones(lowest - np.uint64(1))), 2)
                    body += 2
                    word ^= lowest
    return body


@kernel("u1[]", "out u8[]", "out u1[]")
def _read_portable(written: NDArray[np.uint8], words: Words, plain: NDArray[np.uint8]) -> None:
    """Add the members of a set in the portable format to `words`, still empty, whose bytes are `plain`."""
    cookie = _got(written, 0, 4)
    runs = (cookie & 0xFFFF) == RUNS_COOKIE
    if runs:
        containers = (cookie >> 16) + 1
        header = 4 + (containers + 7) // 8
    else:
        containers = _got(written, 4, 4)
        header = 8
    body = header + 4 * containers
    if not runs or containers >= OFFSETS_WITH_RUNS:
        body += 4 * containers
    for number in range(containers):
        key = _got(written, header + 4 * number, 2)
        size = _got(written, header + 4 * number + 2, 2) + 1
        base = key * WORDS
        if runs and written[4 + number // 8] >> (number % 8) & 1:
            count = _got(written, body, 2)
            body += 2
            for _ in range(count):
                first = _got(written, body, 2)
                body += 4
                for member in range(first, first + _got(written, body - 2, 2) + 1):
                    words[base + (member >> 6)] |= np.uint64(1) << np.uint64(member & 63)
        elif size > ARRAY_LIMIT:
            _copy(written, body, plain, base * 8, WORDS * 8)
            body += 8 * WORDS
        else:
            for _ in range(size):
                member = _got(written, body, 2)
                words[base + (member >> 6)] |= np.uint64(1) << np.uint64(member & 63)
                body += 2
