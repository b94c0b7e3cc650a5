"""The engine's limits, drawn small: what a table does at a million rows, it then does at ten.

Each is a module's constant that says from which size on another way is taken. Any value must give the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from random import Random
from unittest.mock import patch

SMALL: dict[str, tuple[int, ...]] = {
    "engine.bitmaps.DENSE": (0, 1, 1 << 20),
    "engine.bitmaps.SORTED_WORTH": (1, 3),
    "engine.bitmaps.WORDS_WORTH": (0, 1),
    "engine.membership.sequences.MOST_PAIRS": (0, 5),
    "engine.plan.physical.column_match.FEW_VALUES": (0, 1),
    "engine.plan.physical.distinct.EVENTS_A_TEXT": (0, 1, 1000),
    "engine.plan.physical.distinct.WORDS_AT_MOST": (0, 100),
    "engine.plan.physical.happened.FOLLOWED": (0, 1, 1000),
    "engine.histories.DENSE": (0,),
    "engine.plan.physical.gathering.SMALL_WINDOW": (1,),
    "engine.plan.physical.gathering.SORTED_MEANWHILE": (0, 1000),
    "engine.plan.physical.linear.AT_ONCE": (64,),
    "engine.plan.physical.linear.WORTH_SHARING": (0,),
    "engine.plan.physical.sequence.CONTACTS_AT_ONCE": (1, 3),
    "engine.plan.physical.sequence.EVENTS_AT_ONCE": (1, 7),
    "engine.plan.physical.one_column.PIECES_WORTH": (0, 1000),
    "engine.plan.physical.selection.STRETCH": (1, 3),
    "engine.plan.physical.space.SPARSE": (0, 1, 4, 1000),
    "engine.tables.buffers.FIRST_CAPACITY": (1, 3),
    "engine.tables.bulk_contacts.STAGED_ROWS": (1, 7),
    "engine.tables.bulk_events.LOOKED_UP_AT_ONCE": (1, 7),
    "engine.tables.bulk_events.OVERLAPPING": (0, 1, 1000),
    "engine.tables.bulk_events.TABLE_WORTH": (0, 1000),
    "engine.tables.bulk_events.PART_ROWS": (1, 7),
    "engine.tables.by_text.MANY_TEXTS": (0, 1),
    "engine.tables.columns.GATHER_WORTH": (0, 1, 1000),
    "engine.tables.entities.PATCH_LIMIT": (0, 3),
    "engine.tables.entities.PATCH_SHARE": (1, 1000),
    "engine.tables.events.FAN": (2, 3),
    "engine.tables.events.LARGEST_MERGED": (8, 64),
    "engine.tables.events.TAIL_LIMIT": (2, 16),
    "engine.tables.first.AT_ONCE": (1, 3),
    "engine.tables.groups.ONE_BY_ONE": (0, 1),
    "engine.tables.groups.READY_LEAST": (1, 3),
    "engine.tables.groups.READY_SHARE": (1, 2, 10),
    "engine.tables.identity.RECENT_LEAST": (0, 3),
    "engine.tables.numeric.ORDER_WORTH": (0, 1, 1000),
    "engine.tables.numeric.QUANTILES": (2, 5),
    "engine.tables.ordered.BUCKETS": (1, 3),
    "engine.tables.ordered.DISTINCT_WORTH": (0, 1000),
    "engine.tables.ordered.FEW_ROWS": (0, 2),
    "engine.tables.ordered.FILL_WORTH": (1, 1 << 20),
    "engine.tables.parts.FEW_ROWS": (0, 1, 5),
    "engine.tables.patches.FEW": (0, 1, 5),
    "engine.tables.sorted.KEPT_TEXTS": (0, 2),
    "engine.tables.state.PATCH_LIMIT": (0, 3),
    "engine.tables.state.TAIL_LIMIT": (2, 16),
    "engine.tables.tallies.BYTES_A_ROW": (0, 1, 1000),
    "engine.tables.tallies.BYTE_MARKS": (1, 2, 5),
    "engine.tables.tallies.CELLS_A_ROW": (0, 1, 1000),
    "engine.tables.tallies.MARKS": (1, 2, 5),
    "engine.tables.text.GATHER_WORTH": (0, 1, 1000),
    "engine.tables.searching.SEARCHED_AT_ONCE": (1, 3),
    "engine.tables.text.MANY_GROUPS": (0, 2),
    "engine.tables.text.SEARCH_WORTH": (0, 1),
    "engine.tables.texts.AT_ONCE": (1, 3),
    "engine.tables.times.CROWDED": (0, 1, 10),
    "engine.writer.GROUP_LIMIT": (1,),
}


@contextmanager
def drawn(random: Random) -> Iterator[dict[str, int]]:
    """Some of the limits small, others as they are, until the block ends. Gives those that were changed."""
    chosen = {name: random.choice(values) for name, values in SMALL.items() if random.random() < 0.4 and exists(name)}
    with ExitStack() as patches:
        for name, value in chosen.items():
            patches.enter_context(patch(name, value))
        yield chosen


def exists(name: str) -> bool:
    """Whether the engine still has that limit: a test names those that it has not."""
    module, _, constant = name.rpartition(".")
    return find_spec(module) is not None and hasattr(import_module(module), constant)
