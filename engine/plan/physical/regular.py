"""k of n spans of time: in how many of them each contact has events, counted for 64 contacts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Words, from_words, members, shared, words_of
from engine.deadline import still_wanted
from engine.native import kernel
from engine.plan.physical import costs
from engine.plan.physical.at_least import AtLeast
from engine.plan.physical.happened import FOLLOWED, ActiveIn, Happened
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.shared import Shared


@dataclass(frozen=True, slots=True, eq=False)
class Regular(AtLeast):
    """Contacts with events of at least `needed` of several selections, such as one for each of the last weeks."""

    occasions: tuple[ActiveIn | Happened, ...]

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        if within is not None and len(within) * FOLLOWED < context.space.size:
            return AtLeast.run(self, context, within)
        found = from_words(self._counted(context))
        return found if within is None else found & within

    def dense(self, context: Context) -> Words:
        return self._counted(context)

    def count(self, context: Context, within: BitMap | None) -> int:
        if within is not None and len(within) * FOLLOWED < context.space.size:
            return AtLeast.count(self, context, within)
        found = self._counted(context)
        return members(found) if within is None else shared(within, found)

    def cost(self, context: Context, asked: float) -> float:
        """The events of each occasion are selected, and become words that are added up."""
        size = context.space.size
        each = sum(occasion.events.cost(context, size) for occasion in self.occasions)
        whole = costs.STEP + each + len(self.occasions) * (costs.STEP + 2 * costs.BITMAP * size)
        return min(whole, AtLeast.cost(self, context, asked)) if costs.is_few(asked, context.space) else whole

    def _counted(self, context: Context) -> Words:
        """Bit b of the number of occasions of each contact is its bit in row b of `bits`."""
        size = words_of(context.space.size)
        bits = np.zeros((len(self.occasions).bit_length(), size), np.uint64)
        for occasion in self.occasions:
            still_wanted()
            words = np.zeros(size, np.uint64)
            occasion.put(context, words)
            _count_in(words, bits)
        return _at_least(bits, self.needed)


def occasions_of(items: Sequence[Operator]) -> tuple[ActiveIn | Happened, ...] | None:
    """The items themselves, when each is about events having happened."""
    plain = [item.item if isinstance(item, Shared) else item for item in items]
    found = tuple(item for item in plain if isinstance(item, ActiveIn | Happened))
    return found if len(found) == len(plain) else None


@kernel("out u8[]", "out u8[,]")
def _count_in(words: Words, bits: NDArray[np.uint64]) -> None:
    """Add one to the numbers of the members of `words`, which is left with what is carried: nothing."""
    for bit in range(bits.shape[0]):
        row = bits[bit]
        for place in range(words.size):
            carried = row[place] & words[place]
            row[place] ^= words[place]
            words[place] = carried


@kernel("u8[,]", "i8")
def _at_least(bits: NDArray[np.uint64], least: int) -> Words:
    """Those whose number is `least` or more: the first bit from the top in which the two differ decides."""
    above = np.zeros(bits.shape[1], np.uint64)
    equal = ~above
    for bit in range(bits.shape[0] - 1, -1, -1):
        row = bits[bit]
        for place in range(above.size):
            if (least >> bit) & 1:
                equal[place] &= row[place]
            else:
                above[place] |= equal[place] & row[place]
                equal[place] &= ~row[place]
    return above | equal
