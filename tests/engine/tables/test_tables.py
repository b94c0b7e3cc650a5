"""Random histories against the model: whatever was written, versions answer as plain dicts would, old ones too."""

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from tables_model import FIELDS, SCHEMA, Model, check_version

from dsl.folding import fold
from dsl.schema import Type
from dsl.typed import (
    Contains,
    EndsWith,
    ExactlyOneOf,
    HasAll,
    HasAny,
    IsSet,
    Like,
    Matches,
    OneOf,
    Range,
    StartsWith,
)
from engine.changes import (
    AddEvents,
    BulkContacts,
    ContactRow,
    EraseContacts,
    EventColumns,
    UpsertCompanies,
    UpsertContacts,
)
from engine.tables import State
from engine.tables.bulk_contacts import apply_bulk_contacts, stage_contacts
from engine.tables.bulk_events import EventImport, apply_bulk_events
from engine.tables.drafts import Draft
from engine.tables.patches import resealed
from engine.tables.saving import load, save
from formats.batch import Batch, Kind
from storage import Blocks
from storage.disk import Disk
from tests.folders import brief_folder

WORDS = ["France", "FRANCE", "Côte d'Ivoire", "cote d'ivoire", "", "a%b", "a_b", "back\\slash", "été", "Ete", "x\ny"]
DAY = 86_400_000
words = st.sampled_from(WORDS)
numbers = st.sampled_from([0, 1, -1, 300, 70_000, 5_000_000_000, -40_000])
moments = st.integers(-40, 40).map(lambda n: n * DAY // 8)
values = {
    "country": words,
    "kind": st.sampled_from(["red", "Green", "blue"]),
    "points": numbers,
    "score": st.sampled_from([0.0, 0.1, -2.5, 1e300]),
    "newsletter": st.booleans(),
    "birth": st.integers(-3, 3),
    "seen": moments,
    "interests": st.lists(words, unique=True, max_size=3),
}
fields = st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in values.items()})
ids = st.integers(0, 30).map(lambda n: f"Contact{n}")
companies = st.sampled_from(["acme", "Globex", "initech"])


@st.composite
def upserts(draw):
    row = draw(fields)
    company = draw(st.none() | companies)
    return ContactRow(draw(ids), row, company, company is None and draw(st.booleans()))


@st.composite
def company_upserts(draw):
    given_fields = st.fixed_dictionaries({}, optional={"country": st.none() | words, "points": st.none() | numbers})
    return ContactRow(draw(companies), draw(given_fields))


@st.composite
def event_columns(draw):
    size = draw(st.integers(1, 12))

    def column(value):
        return draw(st.lists(value, min_size=size, max_size=size))

    event_ids = st.none() | st.integers(0, 12).map(lambda n: f"E{n}")
    names = draw(st.sets(st.sampled_from(sorted(values))))
    return EventColumns(
        draw(st.sampled_from(["open", "buy"])),
        column(ids),
        column(moments),
        column(event_ids) if draw(st.booleans()) else None,
        {name: column(st.none() | values[name]) for name in sorted(names)},
    )


clock = st.integers(1_000, 2_000)
changes = st.one_of(
    st.builds(UpsertContacts, clock, st.lists(upserts(), min_size=1, max_size=5)),
    st.builds(UpsertCompanies, clock, st.lists(company_upserts(), min_size=1, max_size=2)),
    st.builds(AddEvents, clock, st.lists(event_columns(), min_size=1, max_size=2)),
    st.builds(EraseContacts, st.lists(st.integers(0, 40), max_size=2)),
)

folded = words.map(fold)
text_predicates = st.one_of(
    st.just(IsSet()),
    st.lists(folded, max_size=3).map(lambda v: OneOf(tuple(v))),
    st.lists(words, max_size=3).map(lambda v: ExactlyOneOf(tuple(v))),
    st.sampled_from(["", "f", "fr", "co", "e"]).map(StartsWith),
    st.sampled_from(["", "e", "ance", "b"]).map(EndsWith),
    st.sampled_from(["", "an", "e", "t"]).map(Contains),
    st.sampled_from(["%", "fr%", "%e", "a_b", "a%b", "%an%", "_te", "back\\%"]).map(Like),
    st.builds(Matches, st.sampled_from(["^F", "an", "[^a-z]", "é"]), st.booleans()),
)


def ranges(bound):
    return st.builds(Range, st.none() | bound, st.none() | bound)


def numeric(value):
    return st.one_of(st.just(IsSet()), st.lists(value, max_size=3).map(lambda v: OneOf(tuple(v))), ranges(value))


float_ranges = st.builds(
    Range, st.none() | values["score"], st.none() | st.fractions(-3, 3), st.booleans(), st.booleans()
)
predicates = st.fixed_dictionaries(
    {
        Type.TEXT: st.lists(text_predicates, max_size=2),
        Type.CHOICE: st.lists(text_predicates, max_size=1),
        Type.NUMBER: st.lists(numeric(numbers), max_size=2),
        Type.FLOAT: st.lists(numeric(values["score"]) | float_ranges, max_size=2),
        Type.BOOLEAN: st.lists(st.sampled_from([IsSet(), OneOf((True,)), OneOf((False,)), OneOf(())]), max_size=2),
        Type.DATE: st.lists(numeric(values["birth"]), max_size=2),
        Type.DATETIME: st.lists(numeric(moments), max_size=2),
        Type.TAGS: st.lists(
            st.just(IsSet())
            | st.lists(folded, max_size=3).map(lambda v: HasAny(tuple(v)))
            | st.lists(folded, min_size=1, max_size=3).map(lambda v: HasAll(tuple(v))),
            max_size=2,
        ),
    }
)
questions = st.tuples(
    predicates, st.sets(st.integers(0, 40)).map(sorted), st.tuples(st.none() | moments, st.none() | moments)
)
SMALL = {
    "engine.tables.events.TAIL_LIMIT": 4,
    "engine.tables.events.FAN": 2,
    "engine.tables.state.TAIL_LIMIT": 4,
    "engine.tables.entities.PATCH_LIMIT": 3,
    "engine.tables.parts.FEW_ROWS": 1,
    "engine.tables.times.CROWDED": 1,
    "engine.tables.groups.READY_LEAST": 2,
    "engine.tables.text.MANY_GROUPS": 1,
    "engine.tables.patches.FEW": 2,
    "engine.tables.sorted.KEPT_TEXTS": 3,
    "engine.tables.columns.GATHER_WORTH": 1,
    "engine.tables.bulk_events.PART_ROWS": 5,
    "engine.tables.bulk_events.LOOKED_UP_AT_ONCE": 3,
    "engine.tables.bulk_contacts.STAGED_ROWS": 2,
    "engine.tables.state.PATCH_LIMIT": 3,
    "engine.tables.identity.RECENT_LEAST": 2,
    "engine.tables.texts.AT_ONCE": 2,
}
quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def maybe_restarted(state, seq, blocks, data):
    """The state, with some or all of it sealed, perhaps saved and opened again."""
    everything = data.draw(st.booleans())
    state.seal(everything)
    if not everything or data.draw(st.booleans()):
        return state
    version = state.publish(seq)
    saved, refs = save(version, blocks)
    assert {ref.name for ref in refs} <= set(blocks.names())
    assert save(version, blocks) == (saved, refs)
    if data.draw(st.booleans()):
        state.adopt_saved(version)
        return state
    return load(saved, blocks, SCHEMA)


ARROW = {
    Type.NUMBER: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.int32(),
    Type.DATETIME: pa.int64(),
    Type.TAGS: pa.list_(pa.string()),
}


def arrow(name, values):
    given = [None if value == [] else value for value in values]
    return pa.array(given, ARROW.get(FIELDS[name].type, pa.string()))


def event_batch(events):
    ids = None if events.ids is None else pa.array(events.ids, pa.string())
    columns = {name: arrow(name, column) for name, column in events.properties.items()}
    keys = pa.array(events.contacts, pa.string())
    return Batch(Kind.EVENTS, keys, events.type, np.array(events.at, np.int64), ids, None, columns)


def contact_batches(change):
    for row in change.rows:
        columns = {name: arrow(name, [value]) for name, value in row.values.items()}
        company = pa.array([row.company], pa.string())
        yield Batch(Kind.CONTACTS, pa.array([row.id]), company=company, columns=columns)


def import_events(state, model, change, seq, blocks, data):
    """Import in bulk; perhaps something else is written between the building of the parts and their attachment."""
    bulk = EventImport(state.publish(seq - 1), blocks, change.at)
    for events in change.columns:
        bulk.add(event_batch(events))
    assert bulk.rows == sum(len(events.contacts) for events in change.columns)
    record, before = bulk.finish(), dict(model.rows)
    if data.draw(st.booleans()):
        other = data.draw(changes)
        state.apply(other, seq)
        model.apply(other)
    applied = apply_bulk_events(state, record, seq, blocks)
    held = sum(map(len, model.events.values()))
    model.bulk_events(change, before)
    assert applied.accepted == sum(map(len, model.events.values())) - held
    assert applied.accepted + applied.duplicates == sum(len(events.contacts) for events in change.columns)


@pytest.fixture(scope="module")
def directory():
    with brief_folder() as path:
        yield Path(path)


@quick
@given(st.lists(changes, max_size=8), questions, st.data())
def test_every_version_answers_as_the_model_does(directory, history, question, data):
    blocks = Blocks(directory, Disk(directory, 0))
    state, model = State(SCHEMA), Model()
    published = [(state.publish(0), model.copy())]
    chore = None
    for seq, change in enumerate(history, 1):
        if isinstance(change, AddEvents) and data.draw(st.booleans()):
            import_events(state, model, change, seq, blocks, data)
        elif isinstance(change, UpsertContacts) and data.draw(st.booleans()):
            staged = [ref.name for ref in stage_contacts(contact_batches(change), blocks)]
            record = BulkContacts(change.at, False, staged)
            draft = Draft.of(state.publish(seq - 1), record, blocks) if data.draw(st.booleans()) else None
            if draft is not None and data.draw(st.booleans()):  # something else is written meanwhile
                other = data.draw(changes)
                state.apply(other, seq)
                model.apply(other)
            applied = draft and draft.taken(state, seq)
            assert applied or apply_bulk_contacts(state, record, seq, blocks)
            model.bulk_contacts(change)
        else:
            state.apply(change, seq)
            model.apply(change)
        if chore is None and data.draw(st.booleans()) and (chore := state.due()) is not None:
            chore.build()
        elif chore is not None and data.draw(st.booleans()):
            state.adopt(chore)
            chore = None
        if data.draw(st.booleans()):
            before, state = state, maybe_restarted(state, seq, blocks, data)
            if state is not before:  # readers of versions end with the process that published them
                check_all(published, model, question)
                published.clear()
                chore = None
        if data.draw(st.booleans()):
            published.append((state.publish(seq), model.copy()))
    published.append((state.publish(len(history)), model.copy()))
    check_all(published, model, question)


def check_all(published, model, question):
    for version, then in published:
        check_version(version, then, *question, forgotten=set(then.alive()) - set(model.alive()))


def rows_of(*given):
    return [ContactRow(id, values) for id, values in given]


def version_of_two(state):
    state.apply(UpsertContacts(1_000, rows_of(("ann", {"points": 1}), ("bob", {"points": 2}))), 1)
    return state.publish(1)


def asked(version, *rows):
    return version.contacts.ids(np.array(rows, np.uint32))


@pytest.mark.parametrize("sealed", [False, True], ids=["new", "sealed"])
def test_a_version_forgets_who_is_erased_and_never_takes_another_row_for_theirs(sealed):
    state = State(SCHEMA)
    state.seal(sealed)
    before = version_of_two(state)
    state.seal(sealed)
    state.apply(EraseContacts([0]), 2)
    assert before.contacts.row("ann") is None
    state.apply(UpsertContacts(1_000, rows_of(("ann", {"points": 7}))), 3)
    after = state.publish(3)
    assert (before.contacts.row("ann"), after.contacts.row("ann")) == (None, 2)
    assert before.contacts.rows_of(pa.array(["ann", "bob"])).tolist() == [-1, 1]
    state.seal(everything=True)
    assert (before.contacts.row("ann"), after.contacts.row("ann"), before.contacts.row("bob")) == (None, 2, 1)
    assert (asked(before, 0, 1), asked(after, 2, 1)) == (["", "bob"], ["ann", "bob"])
    column = before.contacts.column("id")
    assert [set(column.matching(ExactlyOneOf((id,)))) for id in ("ann", "bob")] == [set(), {1}]
    assert before.contacts.column("points").values(np.array([0, 1], np.uint32)) == [1, 2]


def test_an_erased_id_is_a_new_contact_after_reopening_and_in_bulk(directory):
    blocks = Blocks(directory, Disk(directory, 0))
    state = State(SCHEMA)
    version_of_two(state)
    state.apply(EraseContacts([0]), 2)
    state.seal(everything=True)
    saved, _ = save(state.publish(2), blocks)
    state = load(saved, blocks, SCHEMA)
    assert state.publish(2).contacts.row("ann") is None
    again = UpsertContacts(2_000, rows_of(("ann", {"points": 3}), ("bob", {"points": 4})))
    staged = [ref.name for ref in stage_contacts(contact_batches(again), blocks)]
    apply_bulk_contacts(state, BulkContacts(2_000, False, staged), 3, blocks)
    version = state.publish(3)
    assert (version.contacts.row("ann"), version.contacts.row("bob")) == (2, 1)
    assert version.contacts.column("points").values(np.array([0, 1, 2], np.uint32)) == [None, 4, 3]
    assert version.contacts.column("created").values(np.array([1, 2], np.uint32)) == [1_000, 2_000]


@pytest.mark.parametrize("clear", [UpsertContacts(2, rows_of(("ann", {"points": None}))), EraseContacts([0])])
def test_a_version_keeps_a_column_whose_last_value_goes_after_it(clear):
    state = State(SCHEMA)
    state.apply(UpsertContacts(1_000, rows_of(("ann", {"points": 1, "birth": 3}))), 1)
    state.seal(everything=True)
    before = state.publish(1)
    state.apply(clear, 2)
    column = state.contacts
    column.rebase("points", resealed(column.publish().columns["points"], column.ids.size))
    assert state.publish(2).contacts.column("points") is None
    assert before.contacts.column("points").values(np.array([0], np.uint32)) == [1]
    assert set(before.contacts.column("points").matching(IsSet())) == {0}


@pytest.fixture(autouse=True, scope="module", params=["small", "usual"])
def limits(request):
    """Once as it is, once with limits so small that a handful of rows takes every path."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "small":
            for name, limit in SMALL.items():
                patch.setattr(name, limit)
        yield


def test_applied_tells_what_was_touched():
    state = State(SCHEMA)
    applied = state.apply(UpsertContacts(5, [ContactRow("a", {"points": 3}, "acme"), ContactRow("b", {})]), 1)
    assert (applied.accepted, list(applied.contacts), list(applied.companies)) == (2, [0, 1], [0])
    assert applied.fields == {"id", "created", "updated", "points", ":company"}
    events = EventColumns("open", ["c", "a", "c"], [1, 2, 3], ["x", "y", "x"], {"country": ["FR", None, "BE"]})
    applied = state.apply(AddEvents(9, [events]), 2)
    assert (applied.accepted, applied.duplicates, list(applied.contacts)) == (2, 1, [0, 2])
    assert applied.events == {"open"}
    version = state.publish(2)
    assert version.contacts.column("created").values(np.array([0, 2], np.uint32)) == [5, 9]
    assert version.events("buy") is None
