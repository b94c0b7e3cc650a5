"""Hashes of many texts, and tables of rows found by them: how ids are looked up, one or a million at once."""

from __future__ import annotations

from secrets import randbits

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bitmaps import Mask
from engine.native import kernel

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

SECRET = np.uint64(randbits(64) | 1)
"""Unknown to who makes up ids, so that nobody can choose many that meet in one slot."""

FREE = np.uint32((1 << 32) - 1)

BLOCK = 128
"""Bytes that BLAKE2b takes at once."""
IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.uint8,
)
ROUNDS = 12


@kernel("out u8[]", "i8", "i8", "i8", "i8", "u8", "u8")
def _stirred(v: Hashes, a: int, b: int, c: int, d: int, x: np.uint64, y: np.uint64) -> None:
    """The function G of BLAKE2b (RFC 7693, 3.1)."""
    v[a] += v[b] + x
    v[d] ^= v[a]
    v[d] = v[d] >> np.uint64(32) | v[d] << np.uint64(32)
    v[c] += v[d]
    v[b] ^= v[c]
    v[b] = v[b] >> np.uint64(24) | v[b] << np.uint64(40)
    v[a] += v[b] + y
    v[d] ^= v[a]
    v[d] = v[d] >> np.uint64(16) | v[d] << np.uint64(48)
    v[c] += v[d]
    v[b] ^= v[c]
    v[b] = v[b] >> np.uint64(63) | v[b] << np.uint64(1)


@kernel("out u8[]", "out u8[]", "out u8[]", "i8", "b1")
def _compressed(h: Hashes, v: Hashes, m: Hashes, counted: int, last: bool) -> None:
    """Take the 16 words `m` into the state `h`, `counted` bytes having been taken with them."""
    for i in range(8):
        v[i], v[i + 8] = h[i], IV[i]
    v[12] ^= np.uint64(counted)
    if last:
        v[14] = ~v[14]
    for turn in range(ROUNDS):
        s = SIGMA[turn % 10]
        _stirred(v, 0, 4, 8, 12, m[s[0]], m[s[1]])
        _stirred(v, 1, 5, 9, 13, m[s[2]], m[s[3]])
        _stirred(v, 2, 6, 10, 14, m[s[4]], m[s[5]])
        _stirred(v, 3, 7, 11, 15, m[s[6]], m[s[7]])
        _stirred(v, 0, 5, 10, 15, m[s[8]], m[s[9]])
        _stirred(v, 1, 6, 11, 12, m[s[10]], m[s[11]])
        _stirred(v, 2, 7, 8, 13, m[s[12]], m[s[13]])
        _stirred(v, 3, 4, 9, 14, m[s[14]], m[s[15]])
    for i in range(8):
        h[i] ^= v[i] ^ v[i + 8]


@kernel("u1[]", "i4[]", "i8", "out u8[]", "out u8[]")
def _blake2b(data: NDArray[np.uint8], offsets: NDArray[np.int32], size: int, first: Hashes, second: Hashes) -> None:
    """The first two words of BLAKE2b with digests of `size` bytes (RFC 7693, without a key) of each text."""
    h, v, m = np.empty(8, np.uint64), np.empty(16, np.uint64), np.empty(16, np.uint64)
    for row in range(len(first)):
        for i in range(8):
            h[i] = IV[i]
        h[0] ^= np.uint64(0x01010000) ^ np.uint64(size)
        begin, end = offsets[row], offsets[row + 1]
        at = begin
        while True:  # ends: each turn takes a block, and the last one what is left, be it nothing
            taken = min(end - at, BLOCK)
            for i in range(16):
                m[i] = 0
            for i in range(taken):
                m[i >> 3] |= np.uint64(data[at + i]) << np.uint64((i & 7) * 8)
            at += taken
            _compressed(h, v, m, at - begin, at == end)
            if at == end:
                break
        first[row], second[row] = h[0], h[1]


@kernel("u1[]", "i4[]", "u8", "out u8[]")
def _quick(data: NDArray[np.uint8], offsets: NDArray[np.int32], secret: np.uint64, hashes: Hashes) -> None:
    """FNV-1a of each text, begun with a secret, its bits stirred once more."""
    for row in range(len(hashes)):
        found = secret
        for at in range(offsets[row], offsets[row + 1]):
            found = (found ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
        hashes[row] = found ^ found >> np.uint64(32)


@kernel("u8", "u8", "i8")
def _slot(hashed: np.uint64, secret: np.uint64, slots: int) -> int:
    """Where to look first among a power of two of slots: the upper bits of a product are stirred best."""
    return int((hashed * secret) >> np.uint64(32)) & (slots - 1)


@kernel("u8[]", "b1[]", "i8", "u8", "out u4[]")
def _fill(hashes: Hashes, kept: Mask, first: int, secret: np.uint64, slots: NDArray[np.uint32]) -> None:
    """Give a slot to each of the rows from `first` on that is kept."""
    for row in range(first, len(hashes)):
        if kept[row]:
            at = _slot(hashes[row], secret, len(slots))
            while slots[at] != FREE:
                at = (at + 1) & (len(slots) - 1)
            slots[at] = row


@kernel("u8[]", "u8[]", "u4[]", "u8", "out i8[]")
def _look_up(asked: Hashes, hashes: Hashes, slots: NDArray[np.uint32], secret: np.uint64, rows: Places) -> None:
    """The first row of each hash, -1 where no row has it: a free slot ends the search. Apart from comparing texts, so
    that the processor waits for many lines of memory at once."""
    for number in range(len(asked)):
        at = _slot(asked[number], secret, len(slots))
        while slots[at] != FREE and hashes[slots[at]] != asked[number]:
            at = (at + 1) & (len(slots) - 1)
        rows[number] = -1 if slots[at] == FREE else slots[at]


@kernel("u1[]", "i4[]", "u1[]", "i4[]", "i8[]", "out b1[]")
def _compare(
    asked_data: NDArray[np.uint8],
    asked_offsets: NDArray[np.int32],
    data: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    rows: Places,
    other: Mask,
) -> int:
    """Which texts are others than those of the rows found for them, and how many.

    All bytes are compared, without an early way out: texts of one hash are nearly always the same.
    """
    count = 0
    for number in range(len(rows)):
        if rows[number] >= 0:
            begin, start = asked_offsets[number], offsets[rows[number]]
            size = asked_offsets[number + 1] - begin
            different = np.uint8(offsets[rows[number] + 1] - start != size)
            if different == 0:
                for i in range(size):
                    different |= asked_data[begin + i] ^ data[start + i]
            other[number] = different != 0
            count += different != 0
    return count


@kernel("u8[]", "i8[]", "u8[]", "u4[]", "u8", "out i8[]")
def _look_on(
    asked: Hashes, numbers: Places, hashes: Hashes, slots: NDArray[np.uint32], secret: np.uint64, rows: Places
) -> None:
    """For some of the hashes, the next row that has it."""
    for number in numbers:
        at = _slot(asked[number], secret, len(slots))
        while slots[at] != rows[number]:
            at = (at + 1) & (len(slots) - 1)
        at = (at + 1) & (len(slots) - 1)
        while slots[at] != FREE and hashes[slots[at]] != asked[number]:
            at = (at + 1) & (len(slots) - 1)
        rows[number] = -1 if slots[at] == FREE else slots[at]


@kernel("u8[]", "u1[]", "i4[]", "out u4[]", "u8", "out i8[]", "out i8[]")
def _number(
    hashes: Hashes,
    data: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    slots: NDArray[np.uint32],
    secret: np.uint64,
    firsts: Places,
    numbers: Places,
) -> int:
    """Number different texts as they appear: how many there are, the first row of each, and each row's number."""
    count = 0
    for row in range(len(hashes)):
        at, begin = _slot(hashes[row], secret, len(slots)), offsets[row]
        size = offsets[row + 1] - begin
        while slots[at] != FREE:
            other = slots[at]
            start = offsets[other]
            if hashes[other] == hashes[row] and offsets[other + 1] - start == size:
                different = np.uint8(0)
                for i in range(size):
                    different |= data[begin + i] ^ data[start + i]
                if different == 0:
                    break
            at = (at + 1) & (len(slots) - 1)
        if slots[at] == FREE:
            slots[at] = row
            firsts[count], numbers[row] = row, count
            count += 1
        else:
            numbers[row] = numbers[slots[at]]
    return count


class TextTable:
    """Finds the rows of texts by their hashes: open addressing, linear probing (Knuth, vol. 3, 6.4, algorithm L).

    `hashes` holds one of each row; where `kept` is given, only these rows are found. No text is there twice.
    """

    __slots__ = ("_slots", "hashes", "texts")

    def __init__(self, texts: pa.StringArray, hashes: Hashes, kept: Mask | None = None) -> None:
        self.texts = texts
        self.hashes = hashes
        self._slots = _free_slots(len(texts))
        self._fill(0, kept)

    def followed(self, texts: pa.StringArray, hashes: Hashes, kept: Mask) -> TextTable:
        """A table of all these texts, of which the first are the ones that are found here, but for those whose hash is
        another one now: they are found no more."""
        if len(texts) * 3 // 2 > len(self._slots):
            return TextTable(texts, hashes, kept)
        more = TextTable.__new__(TextTable)
        more.texts, more.hashes, more._slots = texts, hashes, self._slots.copy()
        more._fill(len(self.texts), kept)
        return more

    def _fill(self, first: int, kept: Mask | None) -> None:
        _fill(self.hashes, np.ones(len(self.hashes), np.bool_) if kept is None else kept, first, SECRET, self._slots)

    def find(self, texts: pa.StringArray, hashes: Hashes) -> Places:
        """The row of each text, given its hash; -1 for unknown ones."""
        rows, other = np.empty(len(texts), np.int64), np.zeros(len(texts), np.bool_)
        _look_up(hashes, self.hashes, self._slots, SECRET, rows)
        while _compare(*_bytes_of(texts), *_bytes_of(self.texts), rows, other):
            # Several rows share a hash: each turn goes one row further.
            _look_on(hashes, np.flatnonzero(other), self.hashes, self._slots, SECRET, rows)
            other[:] = False
        return rows


def quick_hashes(texts: pa.StringArray) -> Hashes:
    """Hashes that hold for this process alone."""
    hashes = np.empty(len(texts), np.uint64)
    _quick(*_bytes_of(texts), SECRET, hashes)
    return hashes


def digests(texts: pa.StringArray, size: int) -> tuple[Hashes, Hashes]:
    """The first two words, little end first, of BLAKE2b with digests of `size` bytes of each text in UTF-8."""
    first, second = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    _blake2b(*_bytes_of(texts), size, first, second)
    return first, second


def distinct(texts: pa.StringArray) -> tuple[Places, Places]:
    """The places of different texts, each where it comes first; and for each text, which of these it is like."""
    firsts, numbers = np.empty(len(texts), np.int64), np.empty(len(texts), np.int64)
    slots = _free_slots(len(texts))
    count = _number(quick_hashes(texts), *_bytes_of(texts), slots, SECRET, firsts, numbers)
    return firsts[:count], numbers


def _free_slots(entries: int) -> NDArray[np.uint32]:
    """Slots of which at least a third stay free."""
    return np.full(1 << (entries + entries // 2 + 1).bit_length(), FREE, np.uint32)


def _bytes_of(texts: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The bytes of all texts, none of which is null, and where each begins and ends."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int32)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8), ends
