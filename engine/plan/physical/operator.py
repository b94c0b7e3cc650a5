"""What every physical operator is: a question that can be asked of some rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import IntEnum
from typing import Protocol

from msgspec import Struct
from pyroaring import BitMap

from engine.bitmaps import Words
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.space import EntitySpace, PartSpace, Space
from engine.reading import EventPart, Version


class Effort(IntEnum):
    """What an operator costs, coarsely: conjunctions ask the light ones first."""

    STORED = 0  # an index holds the answer as it is
    APART = 1  # an index holds the answer in a few bitmaps, which share no row
    INDEXED = 2  # a few bitmap operations
    SCANNED = 3  # values of candidates are read
    GATHERED = 4  # events are read


class Estimated(Protocol):
    """What knows about how many there are of it."""

    def estimate(self, context: Context) -> int: ...


class Context(Struct, eq=False):
    """One execution, or the planning of one: the data, the rows in scope, what it was asked about, and what is known.

    `known` holds the answers of what is shared, `spread` the same as words, `paid` that its cost was counted;
    `expected` holds estimates, `held` what selections of events have in their windows, and `inner` the contexts of the
    spaces that events and companies are, by that. Operators are known by their ids, and kept beside what is known of
    them.
    """

    version: Version
    space: Space
    asked: BitMap | None = None
    known: dict[int, tuple[Operator, BitMap]] = {}
    spread: dict[int, tuple[Operator, Words | None]] = {}
    expected: dict[int, tuple[Estimated, int]] = {}
    held: dict[int, tuple[Estimated, list[tuple[EventPart, int]]]] = {}
    paid: dict[int, Operator] = {}
    inner: dict[int, tuple[object, Context]] = {}

    @classmethod
    def of_contacts(cls, version: Version, asked: BitMap | None = None) -> Context:
        return cls(version, EntitySpace(version.contacts), asked)

    def of_companies(self) -> Context:
        return self._of(self.version.companies) or self._keep(
            self.version.companies, Context(self.version, EntitySpace(self.version.companies))
        )

    def of_events(self, part: EventPart) -> Context:
        return self._of(part) or self._keep(part, Context(self.version, PartSpace(part)))

    def _of(self, rows: object) -> Context | None:
        found = self.inner.get(id(rows))
        return None if found is None else found[1]

    def _keep(self, rows: object, context: Context) -> Context:
        self.inner[id(rows)] = (rows, context)
        return context

    def unpaid(self) -> Context:
        """The same, with nothing paid for yet."""
        return Context(self.version, self.space, self.asked, self.known, self.spread, self.expected, inner=self.inner)

    def estimate(self, asked: Estimated) -> int:
        """What an operator, or a selection of events, estimates: it is asked once."""
        found = self.expected.get(id(asked))
        if found is None:
            found = self.expected[id(asked)] = (asked, asked.estimate(self))
        return found[1]

    def share(self, operator: Operator) -> float:
        """The share of all rows that the operator is estimated to hold for, 0..1."""
        return min(1.0, self.estimate(operator) / max(1, self.space.existing))


class EventCondition(Protocol):
    """Which events count, as far as a plan is shown: the parts they lie in, and a condition on their rows."""

    @property
    def where(self) -> Operator | None: ...

    def parts(self, version: Version) -> Iterator[EventPart]: ...


class Operator(ABC):
    """A node of a physical plan. It answers for the rows of one space, and only with members of `within`.

    `within` None asks about every row, and is used only where no row below the space's size is missing.
    Answers may be shared with an index: nobody changes them in place. Whatever looks at data asks `still_wanted()`
    before it begins, and every few milliseconds of its work.
    """

    __slots__ = ()

    @property
    def effort(self) -> Effort:
        return Effort.INDEXED

    @abstractmethod
    def run(self, context: Context, within: BitMap | None) -> BitMap:
        """The rows of `within` for which this holds."""

    def dense(self, context: Context) -> Words | None:
        """All rows of the space for which this holds, and perhaps rows that do not exist any more, as words that nobody
        changes; None where words are no better than what `run` gives."""
        return None

    @abstractmethod
    def estimate(self, context: Context) -> int:
        """About how many rows of the space hold; cheap. Estimates of inputs are asked of the context."""

    @abstractmethod
    def cost(self, context: Context, asked: float) -> float:
        """About how many nanoseconds `run` takes when asked about so many rows, inputs included; cheap."""

    @property
    @abstractmethod
    def label(self) -> str:
        """One line for people, without what the inputs say themselves."""

    @property
    def inputs(self) -> tuple[Operator, ...]:
        """The operators this one asks, in the order in which it asks them."""
        return ()

    @property
    def selections(self) -> tuple[EventCondition, ...]:
        """The events this one looks at."""
        return ()

    def count(self, context: Context, within: BitMap | None) -> int:
        """len(run(...)), without building the last bitmap where there is a shorter way."""
        return len(self.run(context, within))

    def without(self, context: Context, rows: BitMap) -> BitMap:
        """The rows for which this does not hold."""
        return rows - self.run(context, rows)


class Stored(Operator):
    """An operator whose whole answer is at hand: cheaper to combine whole than to narrow first."""

    __slots__ = ()

    @property
    def effort(self) -> Effort:
        return Effort.STORED

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + costs.BITMAP * asked

    @abstractmethod
    def whole(self, context: Context) -> BitMap:
        """Every row for which this holds, and perhaps rows that do not exist any more."""

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        found = self.whole(context)
        return found if within is None else found & within

    def count(self, context: Context, within: BitMap | None) -> int:
        still_wanted()
        found = self.whole(context)
        return len(found) if within is None else found.intersection_cardinality(within)

    def without(self, context: Context, rows: BitMap) -> BitMap:
        still_wanted()
        return rows - self.whole(context)
