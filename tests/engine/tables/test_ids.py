"""Ids found by fingerprints, and the contacts that imports of events create."""

import numpy as np
import pyarrow as pa
import pytest
from pyroaring import BitMap
from tables_model import SCHEMA

from dsl.folding import fold
from dsl.schema import Field, Type
from dsl.typed import OneOf
from engine.changes import AddEvents, EraseContacts, EventColumns
from engine.tables import State
from engine.tables.bulk_events import EventImport, apply_bulk_events
from engine.tables.identity import IdColumn, IdTable, SealedIds, no_ids
from formats.batch import Batch, Kind
from storage import Blocks
from storage.disk import Disk


def test_ids_that_share_a_fingerprint_are_told_apart():
    ids = [f"c{n}" for n in range(6)]
    prints = np.array([7, 3, 7, 7, 9, 3], np.uint64)
    held = SealedIds(pa.array(ids), prints)
    assert held.find(pa.array(ids), prints).tolist() == list(range(6))
    asked = np.array([7, 3, 9, 8, 100], np.uint64)
    assert held.find(pa.array(["other"] * 5), asked).tolist() == [-1] * 5


def test_rows_are_allotted_in_order_of_appearance_whenever_ids_are_sealed(monkeypatch):
    monkeypatch.setattr("engine.tables.identity.RECENT_LEAST", 3)
    monkeypatch.setattr("engine.tables.texts.AT_ONCE", 2)
    table = IdTable(no_ids())
    assert table.allot_all(pa.array(["b", "a", "b", "c", "d", "e", "a"])).tolist() == [0, 1, 0, 2, 3, 4, 1]
    assert table.allot(["f", "b", "f"]) == [5, 0, 5]
    assert table.allot_all(pa.array(["g", "f", "a"])).tolist() == [6, 5, 1]
    assert table.arrow(7).to_pylist() == ["b", "a", "c", "d", "e", "f", "g"]
    assert len(table.sealed.texts) >= 4


def test_an_erased_id_is_unknown_before_and_after_sealing():
    table = IdTable(no_ids())
    table.allot(["a", "b", "c"])
    table.seal()
    table.allot(["d"])
    for row in (1, 3):
        table.erase(row)
    for _ in range(2):
        assert table.rows_of(["a", "b", "c", "d"]).tolist() == [0, -1, 2, -1]
        assert table.lookup(pa.array(["d", "c", "b", "a"]), 4).tolist() == [-1, 2, -1, 0]
        table.seal()
    assert table.allot_all(pa.array(["b", "a", "d"])).tolist() == [4, 0, 5]


@pytest.mark.parametrize("others", [[], ["É", "A"]])
def test_ids_are_found_by_what_they_fold_to_wherever_they_lie(others):
    """With `others`, ids fold to other texts than themselves, and several to one."""
    table = IdTable(no_ids())
    ids = ["a", "b", "c", *others, "é", "B", "d"]
    table.allot(ids[:-3])
    table.seal()
    table.allot(ids[-3:])
    living = BitMap([row for row, id in enumerate(ids) if id != "c"])
    column = IdColumn(Field("id", Type.TEXT), table, len(ids) - 1, living)
    for asked in (["a"], ["b"], ["é"], ["c"], ["d"], ["b", "a", "nobody"]):
        expected = {row for row, id in enumerate(ids[:-1]) if fold(id) in asked and row in living}
        assert set(column.matching(OneOf(tuple(asked)))) == expected
        assert set(column.matching(OneOf(tuple(asked)), BitMap([1, 2, 4]))) == expected & {1, 2, 4}


def importing(state, blocks, contacts, ids):
    """An import of events, one for each of `contacts`, that is applied by a call."""
    building = EventImport(state.publish(state.seq), blocks, 9)
    size = len(contacts)
    building.add(Batch(Kind.EVENTS, pa.array(contacts), "open", np.arange(size), pa.array(ids, pa.string())))
    return lambda: apply_bulk_events(state, building.finish(), state.seq + 1, blocks)


def test_an_imported_duplicate_does_not_create_its_contact(tmp_path):
    blocks, state = Blocks(tmp_path, Disk(tmp_path, 0)), State(SCHEMA)
    state.apply(AddEvents(1, [EventColumns("open", ["a"], [5], ["old"], {})]), 1)
    apply = importing(state, blocks, ["x", "y", "z", "v", "a"], ["old", "new", "new", "late", None])
    state.apply(AddEvents(2, [EventColumns("open", ["w"], [5], ["late"], {})]), 2)
    applied = apply()
    version = state.publish(3)
    assert version.contacts.ids(np.arange(version.contacts.size, dtype=np.uint32)) == ["a", "w", "y"]
    assert (applied.accepted, applied.duplicates) == (2, 3)
    assert list(applied.contacts) == [0, 2]
    assert sorted(np.concatenate([part.contacts for part in version.events("open").parts]).tolist()) == [0, 0, 1, 2]


def test_an_import_of_nothing_but_duplicates_changes_nothing(tmp_path):
    blocks, state = Blocks(tmp_path, Disk(tmp_path, 0)), State(SCHEMA)
    importing(state, blocks, ["a", "b"], ["1", "2"])()
    state.apply(EraseContacts([0]), state.seq + 1)
    state.seal(everything=True)
    applied = importing(state, blocks, ["a", "b", "c"], ["1", "2", "1"])()
    assert (applied.accepted, applied.duplicates, state.contacts.ids.size) == (0, 3, 2)
