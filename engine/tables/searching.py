"""Searches through many texts at once: kernels over the bytes of an Arrow string array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
Tails = NDArray[np.uint64]
TAIL = 8
"""Bytes of one of them."""


class Texts:
    """The texts of an Arrow array without nulls as bytes: text `i` is `data[ends[i]:ends[i + 1]]`."""

    __slots__ = ("_tails", "data", "ends")

    def __init__(self, texts: pa.StringArray) -> None:
        _, ends, data = texts.buffers()
        found = np.frombuffer(ends, np.int32) if ends else np.zeros(1, np.int32)
        self.ends = found[texts.offset : texts.offset + len(texts) + 1]
        self.data = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
        self._tails: dict[int, Tails] = {}

    def __len__(self) -> int:
        return len(self.ends) - 1

    def containing(self, text: str, begin: int = 0, end: int | None = None) -> Places:
        """The texts that have `text` inside, of those from `begin` until `end`."""
        needle = np.frombuffer(text.encode(), np.uint8)
        rarest = _rarest(needle, self.data)
        return self._searched(lambda *some: _containing(self.ends, self.data, needle, *rarest, *some), begin, end)

    def ending(self, text: str) -> Places:
        """The texts that end with `text`."""
        needle = np.frombuffer(text.encode(), np.uint8)
        compared, checked = self._ends_with(needle, 0), self._ends_with(needle, TAIL)
        if len(needle) > TAIL and compared.often > checked.often:
            compared, checked = checked, compared
        tests = (compared.tails, compared.key, compared.mask, checked.tails, checked.key, checked.mask)
        places = self._searched(lambda *some: _alike(*tests, *some), 0, None)
        if len(needle) <= 2 * TAIL and needle.all():
            return places
        return places[: _confirm(self.ends, self.data, needle, places)]

    def _ends_with(self, needle: Bytes, back: int) -> Ending:
        """What the tails that end `back` bytes before the ends of texts are compared with."""
        own = needle[max(0, len(needle) - back - TAIL) : max(0, len(needle) - back)].tobytes()
        key, mask = (int.from_bytes(bytes.rjust(TAIL, b"\0"), "little") for bytes in (own, b"\xff" * len(own)))
        return Ending(self._tails_before(back if own else 0), np.uint64(key), np.uint64(mask))

    def _tails_before(self, back: int) -> Tails:
        """The last bytes of each text before its `back` last ones, as one number; 0 for those it does not have.

        They are made when first asked for: every text is then compared at once, without looking for where it ends.
        """
        tails = self._tails.get(back)
        if tails is None:
            tails = np.empty(len(self), np.uint64)
            for begin in range(0, len(self), SEARCHED_AT_ONCE):
                still_wanted()
                until = min(begin + SEARCHED_AT_ONCE, len(self))
                _write_tails(self.ends[begin : until + 1], self.data, back, tails[begin:until])
            self._tails[back] = tails
        return tails

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
PIECES = 64
"""So many bytes are looked at to tell which ones are rare, in so many pieces: sorted texts begin alike."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Texts may end as is asked where `tails`, masked, are `key`."""

    tails: Tails
    key: np.uint64
    mask: np.uint64

    @property
    def often(self) -> int:
        """How often that is among the first of them."""
        return int(np.count_nonzero(((self.tails[:SAMPLE] ^ self.key) & self.mask) == 0))


def _rarest(needle: Bytes, data: Bytes) -> tuple[int, int, int]:
    """Where in `needle` its three bytes are that are the rarest in pieces of the texts; one may be told again."""
    if len(needle) < 2:
        return 0, 0, 0
    pieces = data[: len(data) // PIECES * PIECES].reshape(PIECES, -1)[:, : SAMPLE // PIECES].ravel()
    rarest = np.argsort(np.bincount(pieces, minlength=256)[needle], kind="stable")
    first, second, third = rarest[[0, 1, min(2, len(needle) - 1)]].tolist()
    return first, second, third


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("u8")
def _lowest(word: Any) -> Any:
    """The number of the lowest byte of `word` that is not 0, of bytes that are 0 or 1: by a product."""
    lowest = word & (~word + np.uint64(1))
    return np.int64((lowest * np.uint64(0x0001020304050607)) >> np.uint64(56))


@kernel("i4[]", "u1[]", "u1[]", "i8", "i8", "i8", "i8", "i8", "out i8[]")
def _containing(
    ends: Any,
    data: Bytes,
    needle: Bytes,
    first: int,
    second: int,
    third: int,
    begin: int,
    end: int,
    places: Places,
) -> int:
    """Three bytes of the needle are compared with all bytes, vectorised; the others where all are (Muła 2016,
    "SIMD-friendly algorithms for substring searching")."""
    found, text, size = 0, begin, needle.size
    if size == 0:
        for place in range(begin, end):
            places[place - begin] = place
        return end - begin
    one, other, another = needle[first], needle[second], needle[third]
    alike = np.zeros(TILE, np.uint8)
    eights = alike.view(np.uint64)
    last: Any = np.int64(ends[end]) - size + 1  # where it may begin at the latest
    base: Any
    for base in range(ends[begin], last, TILE):
        length: Any = min(TILE, last - base)
        ones, others = data[base + first : base + first + length], data[base + second : base + second + length]
        more = data[base + third : base + third + length]
        any_alike: Any = np.uint8(0)
        for at in range(length):
            alike[at] = (ones[at] == one) & (others[at] == other) & (more[at] == another)
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


@kernel("i4[]", "u1[]", "i8", "out u8[]")
def _write_tails(ends: Any, data: Bytes, back: int, tails: Tails) -> None:
    """The last byte stands highest."""
    for text in range(tails.size):
        after, tail = np.int64(ends[text + 1]) - back, np.uint64(0)
        if after - ends[text] >= TAIL:
            for byte in range(TAIL):
                tail |= np.uint64(data[after - TAIL + byte]) << np.uint64(8 * byte)
        else:
            for place in range(ends[text], after):
                tail = (tail >> np.uint64(8)) | (np.uint64(data[place]) << np.uint64(56))
        tails[text] = tail


@kernel("u8[]", "u8", "u8", "u8[]", "u8", "u8", "i8", "i8", "out i8[]")
def _alike(
    tails: Tails,
    key: Any,
    mask: Any,
    others: Tails,
    other_key: Any,
    other_mask: Any,
    begin: int,
    end: int,
    places: Places,
) -> int:
    """All tails are compared, vectorised; the others, where any of the first are alike."""
    found = 0
    alike = np.zeros(TILE, np.uint8)
    eights = alike.view(np.uint64)
    for base in range(begin, end, TILE):
        some, any_alike = tails[base : min(base + TILE, end)], np.uint64(0)
        for at in range(some.size):
            any_alike |= np.uint64(((some[at] ^ key) & mask) == 0)
        if not any_alike:
            continue
        beside = others[base : min(base + TILE, end)]
        for at in range(some.size):
            alike[at] = (((some[at] ^ key) & mask) | ((beside[at] ^ other_key) & other_mask)) == 0
        alike[some.size :] = 0
        for eight in range((some.size + 7) // 8):
            word = eights[eight]
            while word:
                places[found] = base + 8 * eight + _lowest(word)
                found += 1
                word &= word - np.uint64(1)
    return found


@kernel("i4[]", "u1[]", "u1[]", "out i8[]")
def _confirm(ends: Any, data: Bytes, needle: Bytes, places: Places) -> int:
    """Keep the texts that end with the needle; how many those are."""
    kept = 0
    for text in places:
        first = np.int64(ends[text + 1]) - needle.size
        if first < ends[text]:
            continue
        differ = np.uint8(0)
        for byte in range(needle.size):
            differ |= data[first + byte] ^ needle[byte]
        places[kept] = text
        kept += differ == 0
    return kept
