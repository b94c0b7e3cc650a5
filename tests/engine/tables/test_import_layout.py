"""How imported events are laid out: in parts that do not overlap in time, whatever the order of the file."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from tables_model import SCHEMA

from engine.tables import State
from engine.tables.bulk_events import EventImport, apply_bulk_events
from formats.batch import Batch, Kind
from storage import Blocks
from storage.disk import Disk

EVENTS = 400


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr("engine.tables.bulk_events.PART_ROWS", 50)
    monkeypatch.setattr("engine.tables.bulk_events.LOOKED_UP_AT_ONCE", 16)
    monkeypatch.setattr("engine.tables.events.LARGEST_MERGED", 8)


def imported(tmp_path, moments, ids=None):
    blocks, state = Blocks(tmp_path, Disk(tmp_path, 0)), State(SCHEMA)
    building = EventImport(state.publish(0), blocks, 9)
    for begin in range(0, EVENTS, 16):
        rows = range(begin, begin + 16)
        keys = pa.array([f"c{row % 7}" for row in rows])
        points = {"points": pa.array([row if row % 3 else None for row in rows], pa.int64())}
        some = None if ids is None else pa.array([ids[row] for row in rows], pa.string())
        building.add(Batch(Kind.EVENTS, keys, "open", moments[begin : begin + 16], some, None, points))
    applied = apply_bulk_events(state, building.finish(), 1, blocks)
    return applied, state.publish(1).events("open").parts, blocks


def rows_of(parts):
    """(contact, moment, acceptance number, points) of every event."""
    rows = []
    for part in parts:
        every = np.arange(part.size, dtype=np.uint32)
        points = part.column("points").values(every)
        rows += zip(part.contacts.tolist(), part.at.tolist(), part.order_of(every).tolist(), points, strict=True)
    return rows


def assert_disjoint(parts):
    spans = sorted((int(part.at[0]), int(part.at[-1])) for part in parts)
    assert all(end < start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("seed", range(4))
def test_an_import_in_any_order_makes_parts_that_do_not_overlap(tmp_path, seed):
    moments = np.random.default_rng(seed).integers(0, 300, EVENTS)
    applied, parts, blocks = imported(tmp_path, moments)
    assert applied.accepted == EVENTS
    assert 4 <= len(parts) <= 12
    assert_disjoint(parts)
    assert all(part.size <= 100 for part in parts)
    expected = [(row % 7, int(at), row, row if row % 3 else None) for row, at in enumerate(moments)]
    assert sorted(rows_of(parts), key=lambda event: event[2]) == expected
    for part in parts:
        order = part.order_of(np.arange(part.size, dtype=np.uint32)).tolist()
        assert sorted(zip(part.at.tolist(), order, strict=True)) == list(zip(part.at.tolist(), order, strict=True))
    assert len(blocks.names()) == len(parts) + 1, "the blocks of the first attempt are gone; one holds new contacts"


def test_acceptance_numbers_are_stored_only_where_they_are_not_those_of_the_rows(tmp_path):
    _, ordered, _ = imported(tmp_path, np.arange(EVENTS))
    assert all("order" not in part.arrays() for part in ordered)
    assert [event[2] for event in rows_of(ordered)] == list(range(EVENTS))


def test_ids_are_known_wherever_their_events_went(tmp_path):
    moments = np.random.default_rng(1).permutation(EVENTS)
    ids = [None if row % 5 == 0 else f"e{row // 2}" for row in range(EVENTS)]
    applied, parts, _ = imported(tmp_path, moments, ids)
    kept = [row for row, id in enumerate(ids) if id is None or id not in ids[:row]]
    assert applied.accepted == len(kept)
    assert sorted(event[2] for event in rows_of(parts)) == kept
    for part in parts:
        held = [id for id in part.column("id").values(np.arange(part.size, dtype=np.uint32)) if id is not None]
        assert len(part.seen) == len(held)
