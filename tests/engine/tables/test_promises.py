"""What versions and erasure promise, on histories made for the purpose."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pyroaring import BitMap
from tables_model import SCHEMA, covered

from dsl.typed import Contains, IsSet, OneOf, Range
from engine.changes import AddEvents, ContactRow, EraseContacts, EventColumns, UpsertContacts
from engine.tables import State
from engine.tables.events import mergeable
from engine.tables.saving import load, save
from storage import Blocks
from storage.disk import Disk

DAY = 86_400_000


def events(type, contacts, at, ids=None, **properties):
    return EventColumns(type, contacts, at, ids, properties)


def test_readers_of_older_versions_see_one_moment_while_the_writer_goes_on(monkeypatch):
    """Each write sets the points of every contact, and adds an event of each, so any mixture would show."""
    monkeypatch.setattr("engine.tables.entities.PATCH_LIMIT", 300)
    monkeypatch.setattr("engine.tables.events.TAIL_LIMIT", 400)
    monkeypatch.setattr("engine.tables.state.TAIL_LIMIT", 400)
    ids = [f"c{n}" for n in range(50)]
    state = State(SCHEMA)
    versions = [state.publish(0)]

    def write():
        chore = None
        for seq in range(1, 200):
            if chore is not None and seq % 3 == 0:
                state.adopt(chore)
            if seq % 3 == 0 and (chore := state.due()) is not None:
                chore.build()
            rows = [ContactRow(id, {"points": seq, "country": f"Land {seq}"}) for id in ids]
            state.apply(UpsertContacts(seq, rows), seq)
            state.apply(AddEvents(seq, [events("open", ids, [seq * DAY] * 50, country=[f"At {seq}"] * 50)]), seq)
            versions.append(state.publish(seq))

    def check(version):
        everyone = BitMap(range(50))
        assert version.contacts.column("points").matching(OneOf((version.seq,))) == everyone
        assert version.contacts.column("points").matching(Range(None, version.seq - 1)) == BitMap()
        country = version.contacts.column("country")
        assert country.matching(OneOf((f"land {version.seq}",))) == everyone
        assert country.values(np.arange(50, dtype=np.uint32)) == [f"Land {version.seq}"] * 50
        opens = version.events("open")
        assert opens.size == 50 * version.seq
        [last] = [part for part in opens.parts if part.estimate_between(version.seq * DAY, None)]
        assert covered(last, version.seq * DAY, None) == everyone
        assert len(last.column("country").matching(OneOf((f"at {version.seq}",)))) == 50

    def read():
        while len(versions) < 200:
            check(versions[-1])
            if len(versions) > 20:
                check(versions[-20])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            writing = pool.submit(write)
            reading = [pool.submit(check_first, versions, read) for _ in range(3)]
            writing.result()
            for each in reading:
                each.result()
    finally:
        sys.setswitchinterval(interval)
    for version in versions[1:]:
        check(version)


def check_first(versions, read):
    while len(versions) < 2:
        pass
    read()


def test_erasure_leaves_no_byte_of_a_contact_in_what_is_saved(tmp_path):
    blocks = Blocks(tmp_path, Disk(tmp_path, 0))
    state = State(SCHEMA)
    state.apply(
        UpsertContacts(1, [ContactRow("secretid", {"country": "SecretLand", "interests": ["secrettag"]}, "acme")]), 1
    )
    state.apply(
        AddEvents(2, [events("open", ["secretid", "b"], [5, 6], ["secretevent", "e"], country=["secretx", "FR"])]), 2
    )
    state.seal(everything=True)
    state.apply(EraseContacts([0]), 3)
    state.seal(everything=True)
    version = state.publish(3)
    saved, refs = save(version, blocks)
    state.adopt_saved(version)
    now = state.publish(3)
    assert now.contacts.column("country") is None
    assert [part.contacts.tolist() for part in now.events("open").parts] == [[1]]
    written = b"".join((tmp_path / ref.name).read_bytes() for ref in refs) + saved
    assert b"secret" not in written.lower()
    assert b"FR" in written
    again = load(saved, blocks, SCHEMA)
    assert again.contacts.ids.row_of("secretid") is None
    assert again.publish(3).contacts.alive == BitMap([1])
    applied = again.apply(AddEvents(4, [events("open", ["b"], [7], ["secretevent"])]), 4)
    assert applied.duplicates == 1


def test_an_id_erased_and_used_again_gets_another_row():
    state = State(SCHEMA)
    state.apply(UpsertContacts(1, [ContactRow("a", {"points": 1})]), 1)
    before = state.publish(1)
    state.apply(EraseContacts([0]), 2)
    state.apply(UpsertContacts(3, [ContactRow("a", {"points": 2})]), 3)
    version = state.publish(3)
    assert (version.contacts.row("a"), list(version.contacts.alive)) == (1, [1])
    assert version.contacts.column("points").matching(IsSet()) == BitMap([1])
    assert list(before.contacts.alive) == [0]


def test_estimates_are_exact_where_an_index_knows(monkeypatch):
    monkeypatch.setattr("engine.tables.entities.PATCH_LIMIT", 0)
    state = State(SCHEMA)
    rows = [ContactRow(f"c{n}", {"country": "FR" if n % 3 else "be", "newsletter": n % 2 == 0}) for n in range(300)]
    state.apply(UpsertContacts(1, rows), 1)
    state.tend()
    contacts = state.publish(1).contacts
    assert contacts.column("country").estimate(OneOf(("fr",))) == 200
    assert contacts.column("newsletter").estimate(OneOf((True,))) == 150
    assert contacts.column("created").estimate(IsSet()) == 300
    assert contacts.column("country").estimate(Contains("e")) <= 300


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [([], 0), ([64_000] * 3, 0), ([64_000] * 4, 4), ([300_000, 64_000, 64_000, 64_000], 0), ([5_000_000] * 9, 0)],
)
def test_parts_are_merged_tier_by_tier(sizes, merged):
    assert mergeable(sizes) == merged


def test_windows_of_every_length_and_place():
    """Many events around 1970, crowded so that fractions of days are indexed, against a plain scan."""
    rng = np.random.default_rng(3)
    at = rng.integers(-40 * DAY, 40 * DAY, 30_000)
    contacts = rng.integers(0, 5_000, 30_000)
    state = State(SCHEMA)
    state.apply(AddEvents(1, [events("open", [f"c{n}" for n in contacts.tolist()], at.tolist())]), 1)
    state.seal(everything=True)
    version = state.publish(1)
    [part] = version.events("open").parts
    for length in (1, DAY // 3, DAY, 5 * DAY, 17 * DAY, 90 * DAY):
        for start in rng.integers(-45 * DAY, 40 * DAY, 12).tolist():
            inside = (part.at >= start) & (part.at < start + length)
            assert covered(part, start, start + length) == BitMap(part.contacts[inside])
            tallied = np.zeros(5_000, np.uint8)
            part.tally(tallied, start, start + length)
            assert (tallied == np.bincount(part.contacts[inside], minlength=5_000)).all()
    assert covered(part, None, 0) == BitMap(part.contacts[part.at < 0])


def test_the_writer_takes_merged_columns_under_what_was_written_meanwhile(tmp_path):
    blocks, state = Blocks(tmp_path, Disk(tmp_path, 0)), State(SCHEMA)
    state.apply(UpsertContacts(1, [ContactRow(f"c{n}", {"points": n, "country": "FR"}) for n in range(9)]), 1)
    state.seal(everything=True)
    version = state.publish(1)
    saved, _ = save(version, blocks)
    state.apply(UpsertContacts(2, [ContactRow("c0", {"points": 100}), ContactRow("new", {})]), 2)
    state.adopt_saved(version)
    now = state.publish(2)
    assert (now.contacts.columns["country"].size, now.contacts.columns["points"].size) == (0, 1)
    assert now.contacts.columns["country"].matching(OneOf(("fr",))) == BitMap(range(9))
    assert now.contacts.columns["points"].matching(Range(1, None)) == BitMap(range(9))
    assert version.contacts.columns["points"].matching(Range(1, None)) == BitMap(range(1, 9))
    again = load(saved, blocks, SCHEMA).publish(1)
    assert again.contacts.columns["points"].values(np.arange(9, dtype=np.uint32)) == list(range(9))
