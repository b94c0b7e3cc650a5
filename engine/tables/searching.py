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
from engine.parallel import on_every_core

SEARCHED_AT_ONCE = 1 << 16
"""So many texts are searched between two looks at the deadline: less than a millisecond."""
TILE = 2048
"""So much is compared before what is alike is looked at."""

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
        order = _rarest_first(needle, self.data)
        return self._searched(lambda *some: _containing(self.ends, self.data, needle, order, *some), begin, end)

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
            made = np.empty(len(self), np.uint64)

            def write(begin: int) -> None:
                still_wanted()
                until = min(begin + SEARCHED_AT_ONCE, len(self))
                _write_tails(self.ends[begin : until + 1], self.data, back, made[begin:until])

            on_every_core(write, range(0, len(self), SEARCHED_AT_ONCE), len(self) > 2 * SEARCHED_AT_ONCE)
            tails = self._tails[back] = made
        return tails

    def _searched(self, search: Callable[[int, int, Places], int], begin: int, end: int | None) -> Places:
        """What a search finds, which writes the places that it finds, and tells how many."""
        last = len(self) if end is None else end

        def found(some: int) -> Places:
            still_wanted()
            until = min(some + SEARCHED_AT_ONCE, last)
            places = np.empty(until - some, np.int64)
            return places[: search(some, until, places)]

        pieces = range(begin, last, SEARCHED_AT_ONCE)
        return np.concatenate([np.zeros(0, np.int64), *on_every_core(found, pieces, len(pieces) > 2)])


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


def _rarest_first(needle: Bytes, data: Bytes) -> Places:
    """Where in `needle` its bytes are, those first that are the rarest in pieces of the texts."""
    pieces = data[: len(data) // PIECES * PIECES].reshape(PIECES, -1)[:, : SAMPLE // PIECES].ravel()
    return np.argsort(np.bincount(pieces, minlength=256)[needle], kind="stable")


# --- kernels -----------------------------------------------------------------------------------------------


@kernel("u8")
def _lowest(word: Any) -> Any:
    """The number of the lowest bit of `word` that is set, of which there is one (see `engine.bitmaps.ones`)."""
    below = (word & (~word + np.uint64(1))) - np.uint64(1)
    below -= (below >> np.uint64(1)) & np.uint64(0x5555555555555555)
    below = (below & np.uint64(0x3333333333333333)) + ((below >> np.uint64(2)) & np.uint64(0x3333333333333333))
    below = (below + (below >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((below * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel("out u1[]", "u8[]", "out u1[]")
def _mark_alike(unlike: Any, eights: Any, bits: Any) -> None:
    """Write a bit for each of the bytes `unlike`, which `eights` are too: whether it is 0. They become that, too."""
    for at in range(unlike.size):
        unlike[at] = unlike[at] == 0
    for eight in range(bits.size):
        bits[eight] = (eights[eight] * np.uint64(0x0102040810204080)) >> np.uint64(56)


@kernel("i4[]", "u1[]", "u1[]", "i8[]", "i8", "i8", "out i8[]")
def _containing(ends: Any, data: Bytes, needle: Bytes, order: Places, begin: int, end: int, places: Places) -> int:
    """Bytes of the needle, taken in an order, are compared with all bytes of the texts, vectorised: three of them, and
    the others where these are found (Muła 2016, "SIMD-friendly algorithms for substring searching").

    What differs is kept, not what is alike, and the least of it is found in a loop of its own: that is what LLVM makes
    the best loops of.
    """
    found, text, size = 0, begin, needle.size
    if size == 0:
        for place in range(begin, end):
            places[place - begin] = place
        return end - begin
    first, second, third = order[0], order[min(1, size - 1)], order[min(2, size - 1)]
    one, other, another = needle[first], needle[second], needle[third]
    unlike, bits = np.zeros(TILE, np.uint8), np.zeros(TILE // 8, np.uint8)
    eights, words = unlike.view(np.uint64), bits.view(np.uint64)
    last: Any = np.int64(ends[end]) - size + 1  # where it may begin at the latest
    base: Any
    for base in range(ends[begin], last, TILE):
        length: Any = min(TILE, last - base)
        ones, others = data[base + first : base + first + length], data[base + second : base + second + length]
        more = data[base + third : base + third + length]
        for at in range(length):
            unlike[at] = (ones[at] ^ one) | (others[at] ^ other) | (more[at] ^ another)
        least = np.uint8(255)
        for at in range(length):
            least = min(least, unlike[at])
        if least:
            continue
        for byte in order[3:]:
            some, wanted = data[base + byte : base + byte + length], needle[byte]
            for at in range(length):
                unlike[at] |= some[at] ^ wanted
        unlike[length:] = 1
        _mark_alike(unlike, eights, bits)
        for number in range(words.size):
            word = words[number]
            while word:
                place = base + 64 * number + _lowest(word)
                word &= word - np.uint64(1)
                if place < ends[text]:
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
    unlike, bits = np.zeros(TILE, np.uint8), np.zeros(TILE // 8, np.uint8)
    eights, words = unlike.view(np.uint64), bits.view(np.uint64)
    for base in range(begin, end, TILE):
        some, any_alike = tails[base : min(base + TILE, end)], np.uint64(0)
        for at in range(some.size):
            any_alike |= np.uint64(((some[at] ^ key) & mask) == 0)
        if not any_alike:
            continue
        beside = others[base : min(base + TILE, end)]
        for at in range(some.size):
            unlike[at] = (((some[at] ^ key) & mask) | ((beside[at] ^ other_key) & other_mask)) != 0
        unlike[some.size :] = 1
        _mark_alike(unlike, eights, bits)
        for number in range(words.size):
            word = words[number]
            while word:
                places[found] = base + 64 * number + _lowest(word)
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
