"""What work costs, in nanoseconds an item: measured on 600,000 contacts with 12 million events, on one core of 2026.

Costs are for telling milliseconds from minutes before anything runs, so a factor of a few either way does not matter:
`bench/safety.py` shows how far they are from what questions took.
"""

from __future__ import annotations

from dsl.typed import Contains, EndsWith, ExactlyOneOf, IsSet, Like, Matches
from engine.plan.physical.space import SPARSE, Space
from engine.reading import Column, ColumnPredicate

STEP = 10_000.0
"""Any operator at all."""
BITMAP = 0.05
"""A row of the space, for uniting, intersecting or building bitmaps."""
SCAN = 0.7
"""A number that is compared with constants."""
LOOKED_UP = 20.0
"""A value that is fetched for one of few candidates."""
TERM = 0.8
"""A number read or calculated for a row, by kernels and operations of whole arrays."""
TEXT_TERM = 800.0
"""A text read and folded for a row."""
DRAW = 4.0
"""A draw for a contact."""
COUNTED = 1.0
"""A contact whose events are counted."""
RANK = 4.0
"""A contact that is ranked by a number."""
RANK_QUOTIENT = 150.0
"""A contact that is ranked by an exact quotient."""
TALLY = 0.2
"""An event that is counted by a tally kept for that."""
EVENT = 4.0
"""An event that was selected."""
FOLLOWED = 150.0
"""An event found by following one of few contacts."""
SUMMED = 3.0
"""An event whose property is summed or compared."""
EDGE = 8.0
"""An event that may be the first or last."""
KNOWN_TEXT = 1.0
"""An event whose property is one of few texts, each of which is known to occur where."""
DIFFERENT = 600.0
"""An event whose property is told from those of others."""
ORDERED = 20.0
"""An event of a step of a sequence."""
ABSENT = 10.0
"""An event of an absent step, beside that."""
SAME = 60.0
"""An event whose property is compared with that of another step, beside that."""

_SEARCHED: dict[type[object], float] = {Contains: 16.0, EndsWith: 8.0, Like: 100.0, Matches: 150.0, ExactlyOneOf: 5.0}
"""A text that a predicate searches; the others find theirs by an index."""


def is_few(asked: float, space: Space) -> bool:
    """Whether so many candidates are few (`engine.plan.physical.space.few`)."""
    return asked * SPARSE < space.size


def places(asked: float, space: Space) -> float:
    """How many places the domain of so many candidates has (`engine.plan.physical.space.Domain`)."""
    return asked if is_few(asked, space) else space.size


def column_cost(column: Column | None, predicate: ColumnPredicate, space: Space, asked: float) -> float:
    """Of a column's `matching`, in nanoseconds."""
    if column is None or type(predicate) is IsSet:
        return STEP
    searched = _SEARCHED.get(type(predicate), 0.0) * column.searched
    scanned = 0.0 if column.searched else SCAN * space.size
    by_index = STEP + BITMAP * space.size + searched + scanned
    return min(by_index, STEP + LOOKED_UP * asked) if is_few(asked, space) and not searched else by_index
