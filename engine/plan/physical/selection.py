"""Selected events: which event rows of each part count for the contacts asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import itemgetter

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from engine.bitmaps import Words, from_sorted, set_between, set_rows, set_rows_at, to_array, words_of
from engine.counting import Counts, add_capped, add_each, count_type
from engine.deadline import still_wanted
from engine.parallel import CORES, on_every_core
from engine.plan.physical import costs
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.space import Domain, PartSpace
from engine.reading import EventPart, Kept, Version

STRETCH = 1 << 15
SHARED_TALLIES = 1 << 21
"""The cores share the parts where there are more numbers than this to be added: that takes half a millisecond."""
COUNTED_AT_ONCE = 1 << 18
"""The counts of so many contacts stay in a near cache while what parts have is added to them; a multiple of 64."""

Places = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Picked:
    """The selected rows of one part. `rows` ascend within the part; `places` are their contacts' in the domain."""

    part: EventPart
    rows: NDArray[np.uint32] | slice
    places: Places

    def row_numbers(self) -> NDArray[np.uint32]:
        if isinstance(self.rows, slice):
            return np.arange(self.rows.start, self.rows.stop, dtype=np.uint32)
        return self.rows

    def stretches(self) -> Iterator[Picked]:
        """The same rows, so few at a time that what is made of them stays in the processor's cache."""
        for first in range(0, self.places.size, STRETCH):
            still_wanted()
            last = min(first + STRETCH, self.places.size)
            if isinstance(self.rows, slice):
                rows: NDArray[np.uint32] | slice = slice(self.rows.start + first, self.rows.start + last)
            else:
                rows = self.rows[first:last]
            yield Picked(self.part, rows, self.places[first:last])

    def numbers(self, name: str) -> tuple[Array, NDArray[np.bool_]]:
        """The values of a property, row by row, and where there is one."""
        rows, column = self.row_numbers(), PartSpace(self.part).column(name)
        if column is None:
            return np.zeros(rows.size, np.int64), np.zeros(rows.size, np.bool_)
        return column.numbers(rows)

    def held(self, name: str) -> tuple[Places, Array]:
        """The places and values of the events that have a property."""
        values, present = self.numbers(name)
        return (self.places, values) if present.all() else (self.places[present], values[present])


Held = list[tuple[EventPart, int]]
_EVENTS = itemgetter(1)


def held_parts(version: Version, types: tuple[str, ...]) -> list[EventPart]:
    """Those of some types that have events."""
    known = map(version.events, types)
    return [part for events in known if events is not None for part in events.parts if part.size]


class Selection(Struct, frozen=True):
    """Events of `types` in [start, end) for which `where`, an operator over events, holds."""

    types: tuple[str, ...]
    where: Operator | None = None
    start: int | None = None
    end: int | None = None

    def parts(self, version: Version) -> Iterator[EventPart]:
        for part in held_parts(version, self.types):
            still_wanted()
            yield part

    def parts_of(self, context: Context, domain: Domain) -> Iterator[EventPart]:
        """Those with events of the domain's rows."""
        return (part for part in self.parts(context.version) if domain.part is None or part is domain.part)

    def picked(self, context: Context, domain: Domain) -> Iterator[Picked]:
        """The selected events of the domain's contacts, part by part."""
        for part in self.parts_of(context, domain):
            picked = self.picked_of(context, part, domain)
            if picked.places.size:
                yield picked

    def picked_of(self, context: Context, part: EventPart, domain: Domain) -> Picked:
        """Those of one part."""
        rows = self.rows(context, part, domain)
        places = domain.places(part.contacts[rows]) if domain.part is None else part.places[rows]
        return Picked(part, rows, places)

    def of_everyone(self, domain: Domain) -> bool:
        """Whether all events in the window count for a domain of all rows: what parts have ready may serve."""
        return self.where is None and domain.bitmap is None

    def most(self, version: Version) -> int:
        """No contact has more events of these types."""
        return sum(part.most for part in self.parts(version))

    def counts(self, context: Context, domain: Domain) -> Counts:
        """How many selected events there are at each place of the domain."""
        counts = np.zeros(domain.size, count_type(self.most(context.version)))
        if self.of_everyone(domain):
            for part in self.parts_of(context, domain):
                (part.tally if domain.part is None else part.tally_people)(counts, self.start, self.end)
        elif self.where is None:
            for part in self.parts(context.version):
                part.tally_few(domain.all_rows(), counts, self.start, self.end)
        else:
            for picked in self.picked(context, domain):
                add_each(counts, picked.places)
        return counts

    def numbering(self, context: Context, low: int, high: int) -> Words:
        """Everyone with `low` to `high` events in the window, whatever these are; `low` is below CAP, and so is `high`,
        or it is CAP and stands for any more."""
        size = context.space.size
        parts = sorted(self.parts(context.version), key=lambda part: part.size, reverse=True)
        several = len(parts) > 1 and len(parts) * size > SHARED_TALLIES
        shares = [parts[first::CORES] for first in range(CORES)] if several else [parts]
        counts, *others = chain.from_iterable(on_every_core(partial(self._capped, size), shares, worth=several))
        words = np.zeros(words_of(size), np.uint64)

        def write(begin: int) -> None:
            still_wanted()
            stretch = slice(begin, begin + COUNTED_AT_ONCE)
            for more in others:
                add_capped(counts[stretch], more[stretch])
            set_between(counts[stretch], low, high, words[begin // 64 :])

        on_every_core(write, range(0, size, COUNTED_AT_ONCE), worth=several)
        return words

    def _capped(self, size: int, parts: Sequence[EventPart]) -> list[NDArray[np.uint8]]:
        """How many events in the window everyone has in some of the parts, up to CAP: all of these are to be added to
        the first of them."""
        counts = np.zeros(size, np.uint8)
        found = [counts]
        for part in parts:
            still_wanted()
            more = part.tally_capped(counts, self.start, self.end)
            if more is not None:
                found.append(more)
        return found

    def contacts(self, context: Context) -> Words:
        """Those of all selected events, as a set of rows."""
        words = np.zeros(words_of(context.space.size), np.uint64)
        for part in self.parts(context.version):
            self.put(context, part, words)
        return words

    def put(self, context: Context, part: EventPart, words: Words) -> None:
        """Add the contacts of a part's selected events to a set."""
        rows = self._rows_of_all(context, part)
        if isinstance(rows, slice):
            set_rows(part.contacts[rows], words)
        else:
            set_rows_at(part.contacts, rows, words)

    def rows(self, context: Context, part: EventPart, domain: Domain) -> NDArray[np.uint32] | slice:
        """The selected events of a part that are of the domain's contacts; they ascend."""
        if domain.bitmap is None:
            return self._rows_of_all(context, part)
        return self._rows_of_few(context, part, domain.bitmap)

    def _rows_of_all(self, context: Context, part: EventPart) -> NDArray[np.uint32] | slice:
        between = part.rows_between(self.start, self.end)
        if self.where is None:
            return slice(between.start, between.stop) if isinstance(between, range) else to_array(between)
        whole = len(between) == part.size
        return to_array(self.where.run(context.of_events(part), None if whole else BitMap(between)))

    def _rows_of_few(self, context: Context, part: EventPart, contacts: BitMap) -> NDArray[np.uint32]:
        """Follows the contacts to their events, so that the cost is theirs alone."""
        rows = part.rows_of_between(contacts, self.start, self.end)
        if self.where is None or not rows.size:
            return rows
        return to_array(self.where.run(context.of_events(part), from_sorted(rows)))

    def cost(self, context: Context, asked: float) -> float:
        """About how many nanoseconds it takes to select the events of so many contacts."""
        held, size = self.held(context), context.space.size
        total, followed = costs.STEP * len(held), 0.0
        few = costs.is_few(asked, context.space)
        if few:
            followed = asked / max(1, size)
            total += costs.FOLLOWED * followed * sum(part.size for part, _ in held)
        if self.where is not None:
            for part, events in held:
                looked_at = followed * part.size if few else events
                total += self.where.cost(context.of_events(part), looked_at)
        return total

    def held(self, context: Context) -> Held:
        """The parts, and about how many events each has in the window: found once in a context."""
        found = context.held.get(id(self))
        if found is None:
            start, end = self.start, self.end
            parts = [(part, part.estimate_between(start, end)) for part in held_parts(context.version, self.types)]
            found = context.held[id(self)] = (self, parts)
        return found[1]

    def among(self, context: Context, asked: float) -> float:
        """About how many events of so many contacts are selected."""
        return context.estimate(self) * min(1.0, asked / max(1, context.space.size))

    def counting_cost(self, context: Context, asked: float, kept: Kept = Kept.COUNTS) -> float:
        """Of `counts`, or `numbering`, in nanoseconds: tallies are kept for counting all events of everyone."""
        if self.where is None and not costs.is_few(asked, context.space):
            each = self.kept_cost(context, kept, "", costs.EVENT)
        else:
            each = costs.EVENT * self.among(context, asked)
        return self.cost(context, asked) + each + costs.COUNTED * asked

    def kept_cost(self, context: Context, kept: Kept, name: str, otherwise: float) -> float:
        """Of all events of everyone, by what parts keep for that; events of parts that keep nothing cost `otherwise`
        each."""
        total = 0.0
        for part, events in self.held(context):
            unmade = part.unmade(kept, name)
            total += otherwise * events if unmade is None else costs.TALLY * events + costs.MADE * unmade
        return total

    def estimate(self, context: Context) -> int:
        """About how many events are selected."""
        held, where = self.held(context), self.where
        if where is None:
            return sum(map(_EVENTS, held))
        return sum(
            events * min(part.size, context.of_events(part).estimate(where)) // part.size for part, events in held
        )

    @property
    def label(self) -> str:
        bounds = "" if self.start is None and self.end is None else f" in [{self.start}, {self.end})"
        return " | ".join(self.types) + bounds
