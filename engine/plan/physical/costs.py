"""What work costs, in nanoseconds an item: measured on 600,000 contacts with 12 million events, on one core of 2026.

Costs tell what is answered at once from what is given to a thread, and milliseconds from minutes, before anything runs:
a factor of three either way does not matter. `bench/modes/costs.py` shows how far they are from what questions took.
What a question makes first, for itself and those after it, is counted until it is made.
"""

from __future__ import annotations

from dsl.typed import Contains, EndsWith, ExactlyOneOf, IsSet, Like, Matches
from engine.plan.physical.space import SPARSE, Space
from engine.reading import Column, ColumnPredicate
from engine.tables.literals import Literals, of_like, of_regex

ANYTHING = Literals()

STEP = 5_000.0
"""Any operator at all."""
BITMAP = 0.03
"""A row of the space, for uniting, intersecting or building bitmaps."""
SCAN = 0.3
"""A number that is compared with constants."""
LOOKED_UP = 20.0
"""A value that is fetched for one of few candidates."""
TERM = 0.3
"""A number read or calculated for a row, by kernels and operations of whole arrays."""
TEXT_TERM = 800.0
"""A text read and folded for a row."""
DRAW = 4.0
"""A draw for a contact."""
COUNTED = 0.4
"""A contact whose events are counted."""
LINKED = 0.2
"""A contact that may be of one of some companies."""
RANK = 4.0
"""A contact that is ranked by a number."""
RANK_QUOTIENT = 150.0
"""A contact that is ranked by an exact quotient."""
TALLY = 0.2
"""An event that is counted, or whose property is summed or compared, by what is kept for that."""
MADE = 10.0
"""An event that is read once to make what is kept."""
ORDERED_ONCE = 30.0
"""A contact that is put in order once, by the moment of an event."""
EVENT = 4.0
"""An event that was selected."""
FOLLOWED = 150.0
"""An event found by following one of few contacts."""
SUMMED = 3.0
"""An event whose property is summed or compared."""
EDGE = 8.0
"""An event that may be the first or last."""
AT_HAND = 0.5
"""A contact whose first or last event is at hand."""
KNOWN_TEXT = 0.3
"""An event whose property is one of few texts, each of which is known to occur where."""
DIFFERENT = 600.0
"""An event whose property is told from those of others."""
THROUGH_STEPS = 40.0
"""A contact that is followed through the steps of a sequence."""
ORDERED = 3.0
"""An event of a step of a sequence."""
ABSENT = 3.0
"""An event of an absent step, beside that."""
SAME = 5.0
"""An event whose property is compared with that of another step, beside that."""
CALENDAR = 150.0
"""An event that comes within months or years of another, beside that."""

_SEARCHED: dict[type[object], float] = {Contains: 4.0, EndsWith: 0.8, Like: 100.0, Matches: 150.0, ExactlyOneOf: 5.0}
"""A text that a predicate searches; the others find theirs by an index."""
HAVING = 4.0
"""A text in which a pattern's literals are searched: it is tried on those that hold them."""


def is_few(asked: float, space: Space) -> bool:
    """Whether so many candidates are few (`engine.plan.physical.space.few`)."""
    return asked * SPARSE < space.size


def places(asked: float, space: Space) -> float:
    """How many places the domain of so many candidates has (`engine.plan.physical.space.Domain`)."""
    return asked if is_few(asked, space) else space.size


def _searched(predicate: ColumnPredicate) -> float:
    """A text, in nanoseconds."""
    match predicate:
        case Matches(pattern) if of_regex(pattern) != ANYTHING:
            return HAVING
        case Like(pattern) if of_like(pattern) != ANYTHING:
            return HAVING
        case _:
            return _SEARCHED.get(type(predicate), 0.0)


def column_cost(column: Column | None, predicate: ColumnPredicate, space: Space, asked: float) -> float:
    """Of a column's `matching`, in nanoseconds."""
    if column is None or type(predicate) is IsSet:
        return STEP
    searched = _searched(predicate) * column.searched
    by_index = STEP + BITMAP * space.size + searched + SCAN * column.scanned
    return min(by_index, STEP + LOOKED_UP * asked) if is_few(asked, space) and not searched else by_index
