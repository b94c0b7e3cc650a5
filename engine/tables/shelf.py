"""Ready bitmaps of a sealed object: serialised side by side in a block, brought to life when first asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Words, serialized_words
from storage import Array


class Shelf:
    """Numbered bitmaps. Bitmap `i` is `data[starts[i]:starts[i + 1]]` in the portable format; it is kept once read."""

    __slots__ = ("_data", "_ready", "_starts")

    def __init__(self, starts: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
        self._starts = starts
        self._data = data
        self._ready: list[BitMap | None] = [None] * (len(starts) - 1)

    @classmethod
    def of(cls, bitmaps: Sequence[BitMap]) -> Shelf:
        bodies = [bitmap.serialize() for bitmap in bitmaps]
        starts = np.zeros(len(bodies) + 1, np.int64)
        np.cumsum([len(body) for body in bodies], out=starts[1:])
        return cls(starts, np.frombuffer(b"".join(bodies), np.uint8))

    def __len__(self) -> int:
        return len(self._ready)

    def __getitem__(self, number: int) -> BitMap:
        bitmap = self._ready[number]
        if bitmap is None:
            body = self._data[self._starts[number] : self._starts[number + 1]]
            bitmap = self._ready[number] = BitMap.deserialize(body.tobytes())
        return bitmap

    def words(self, number: int, size: int) -> Words:
        """A bitmap whose members are all below `size`, as words."""
        return serialized_words(self._data[self._starts[number] : self._starts[number + 1]], size)

    def arrays(self) -> dict[str, Array]:
        return {"shelf_starts": self._starts, "shelf": self._data}

    @classmethod
    def opened(cls, arrays: dict[str, Array]) -> Shelf:
        return cls(arrays["shelf_starts"], arrays["shelf"])
