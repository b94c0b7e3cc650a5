"""Searches through many texts at once: kernels over the bytes of an Arrow string array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.deadline import still_wanted
from engine.native import kernel

SEARCHED_AT_ONCE = 1 << 17
"""So many texts are searched between two looks at the deadline: about a millisecond."""
TILE = 512
"""So many bytes are compared before those that may begin what is searched are looked at."""

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]


class Texts:
    """The texts of an Arrow array without nulls as bytes: text `i` is `data[ends[i]:ends[i + 1]]`."""

    __slots__ = ("data", "ends")

    def __init__(self, texts: pa.StringArray) -> None:
        _, ends, data = texts.buffers()
        found = np.frombuffer(ends, np.int32) if ends else np.zeros(1, np.int32)
        self.ends = found[texts.offset : texts.offset + len(texts) + 1]
        self.data = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def containing(self, text: str, begin: int = 0, end: int | None = None) -> Places:
        """The texts that have `text` inside, of those from `begin` until `end`."""
        needle = np.frombuffer(text.encode(), np.uint8)
        first, second = _rarest(needle, self.data)
        return self._searched(lambda *some: _containing(self.ends, self.data, needle, first, second, *some), begin, end)

    def ending(self, text: str) -> Places:
        """The texts that end with `text`."""
        needle = np.frombuffer(text.encode(), np.uint8)
        return self._searched(lambda *some: _ending(self.ends, self.data, needle, *some), 0, None)

    def _searched(self, search: Callable[[int, int, Places], int], begin: int, end: int | None) -> Places:
        """What a search finds, which writes the places that it finds, and tells how many."""
        last, found = len(self) if end is None else end, []
        for some in range(begin, last, SEARCHED_AT_ONCE):
            still_wanted()
            until = min(some + SEARCHED_AT_ONCE, last)
            places = np.empty(until - some, np.int64)
            found.append(places[: search(some, until, places)])
        return np.concatenate(found) if found else np.zeros(0, np.int64)


SAMPLE = 1 << 14


def _rarest(needle: Bytes, data: Bytes) -> tuple[int, int]:
    """Where in `needle` its two bytes are that are the rarest at the beginning of the texts."""
    if len(needle) < 2:
        return 0, 0
    first, second = np.argsort(np.bincount(data[:SAMPLE], minlength=256)[needle], kind="stable")[:2].tolist()
    return first, second


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("u8")
def _lowest(word: Any) -> Any:
    """The number of the lowest byte of `word` that is not 0, of bytes that are 0 or 1: by a product."""
    lowest = word & (~word + np.uint64(1))
    return np.int64((lowest * np.uint64(0x0001020304050607)) >> np.uint64(56))


@kernel("i4[]", "u1[]", "u1[]", "i8", "i8", "i8", "i8", "out i8[]")
def _containing(
    ends: Any, data: Bytes, needle: Bytes, first: int, second: int, begin: int, end: int, places: Places
) -> int:
    """Two bytes of the needle are compared with all bytes, vectorised; the others where both are (Muła 2016,
    "SIMD-friendly algorithms for substring searching")."""
    found, text, size = 0, begin, needle.size
    if size == 0:
        for place in range(begin, end):
            places[place - begin] = place
        return end - begin
    one, other = needle[first], needle[second]
    alike = np.zeros(TILE, np.uint8)
    eights = alike.view(np.uint64)
    last: Any = np.int64(ends[end]) - size + 1  # where it may begin at the latest
    base: Any
    for base in range(ends[begin], last, TILE):
        length: Any = min(TILE, last - base)
        ones, others = data[base + first : base + first + length], data[base + second : base + second + length]
        any_alike: Any = np.uint8(0)
        for at in range(length):
            alike[at] = (ones[at] == one) & (others[at] == other)
            any_alike |= alike[at]
        if not any_alike:
            continue
        alike[length:] = 0
        for eight in range((length + 7) // 8):
            word = eights[eight]
            while word:
                place = base + 8 * eight + _lowest(word)
                word &= word - np.uint64(1)
                if place < ends[text]:
                    continue
                differ = np.uint8(0)  # without branches, as guesses at what differs would often be wrong
                for byte in range(size):
                    differ |= data[place + byte] ^ needle[byte]
                if differ:
                    continue
                while ends[text + 1] <= place:
                    text += 1
                if place + size <= ends[text + 1]:
                    places[found] = text
                    found += 1
                    text += 1
                    if text == end:
                        return found
    return found


@kernel("i4[]", "u1[]", "u1[]", "i8", "i8", "out i8[]")
def _ending(ends: Any, data: Bytes, needle: Bytes, begin: int, end: int, places: Places) -> int:
    """The first and the last byte of the needle are compared before the others: many texts share their last ones."""
    found, size = 0, needle.size
    for text in range(begin, end):
        first, last = np.int64(ends[text + 1]) - size, np.int64(ends[text + 1]) - 1
        if first < ends[text]:
            continue
        if size and (data[first] ^ needle[0]) | (data[last] ^ needle[size - 1]):
            continue
        differ = np.uint8(0)
        for byte in range(1, size):
            differ |= data[first + byte] ^ needle[byte]
        places[found] = text
        found += differ == 0
    return found
