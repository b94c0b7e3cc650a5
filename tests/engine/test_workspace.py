"""The front door: what a workspace promises to the server and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsl.folding import fold
from dsl.problems import DataError, ExpressionError
from engine.directory import Tamis
from engine.errors import Closed, PreconditionFailed, SegmentInUse, StaleRead, UnknownContact, UnknownSegment
from engine.workspace import Workspace
from formats.batch import Batch, Kind

SCHEMA = {
    "timezone": "Europe/Paris",
    "contacts": {
        "country": {"type": "text"},
        "points": {"type": "number"},
        "email": {"type": "text"},
        "interests": {"type": "tags"},
    },
    "companies": {"industry": {"type": "text"}},
    "events": {"open": {"campaign": {"type": "text"}}},
    "identified_by": ["email"],
}


@pytest.fixture
def tamis(tmp_path: Path) -> Iterator[Tamis]:
    opened = Tamis.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def workspace(tamis: Tamis) -> Workspace:
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    return workspace


def ids(workspace: Workspace, expression: str) -> list[str]:
    page = workspace.query(expression).page(fields=["id"], limit=1000, cursor=None, sort="id")
    return [contact["id"] for contact in page.contacts]


def contacts_batch(*keys: str, **columns: pa.Array) -> Batch:
    return Batch(Kind.CONTACTS, pa.array(keys, pa.string()), columns=columns)


def events_batch(*keys: str, at: int = 1_000) -> Batch:
    moments = np.full(len(keys), at, np.int64)
    return Batch(Kind.EVENTS, pa.array(keys, pa.string()), event="open", at=moments)


# --- pages -----------------------------------------------------------------------------------------------------

ROW = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(["FR", "fr", "BE", "Été", "ete"]),
        "points": st.integers(-3, 3),
        "interests": st.lists(st.sampled_from(["ski", "vtt"]), max_size=2),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, max_size=30),
    st.sampled_from([None, "country", "-country", "points", "-points", "id", "-id", "interests", "created"]),
    st.integers(1, 7),
)
def test_pages_show_every_member_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], sort: str | None, limit: int
) -> None:
    tamis = Tamis.open(tmp_path_factory.mktemp("pages"))
    try:
        workspace = tamis.workspace("default")
        workspace.patch_schema(SCHEMA).result()
        workspace.upsert_contacts([{"id": f"c{i:02}", **row} for i, row in enumerate(rows)]).result()
        seen = list(pages(workspace, sort, limit))
    finally:
        tamis.close()
    assert sorted(contact["id"] for contact in seen) == [f"c{i:02}" for i in range(len(rows))]
    if sort not in (None, "created"):
        field = sort.removeprefix("-")
        keys = [key_of(contact[field]) for contact in seen if contact[field] is not None]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
        missing = [contact[field] is None for contact in seen]
        assert missing == sorted(missing)


def pages(workspace: Workspace, sort: str | None, limit: int) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = workspace.query("everyone").page(fields=None, limit=limit, cursor=cursor, sort=sort)
        assert len(page.contacts) <= limit
        yield from page.contacts
        cursor = page.next
        if cursor is None:
            return


def key_of(value: Any) -> Any:
    match value:
        case str():
            return fold(value)
        case list():
            return [fold(tag) for tag in value]
        case _:
            return value


def test_a_page_goes_on_where_it_ended_though_its_last_contact_is_gone(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": f"c{i}", "points": i} for i in range(6)]).result()
    first = workspace.query("everyone").page(fields=["id"], limit=3, cursor=None, sort="points")
    workspace.erase_contact("c2").result()
    second = workspace.query("everyone").page(fields=["id"], limit=3, cursor=first.next, sort="points")
    assert [contact["id"] for contact in second.contacts] == ["c3", "c4", "c5"]


@pytest.mark.parametrize("cursor", ["", "zzz", "k6ctcG9pbnRzzgACSC7NA-U", "é"])
def test_a_cursor_that_no_page_gave_is_a_problem(workspace: Workspace, cursor: str) -> None:
    workspace.upsert_contacts([{"id": "a", "points": 1, "country": "FR"}]).result()
    with pytest.raises(DataError) as refused:
        workspace.query("everyone").page(fields=None, limit=3, cursor=cursor, sort="country")
    assert refused.value.problems[0].code == "bad-cursor"


# --- counts and time ---------------------------------------------------------------------------------------------


def test_counts_give_the_identified_and_the_anonymous(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "a", "email": "a@b.c"}, {"id": "b"}, {"id": "c"}]).result()
    counted = workspace.query('id != "c"').count()
    assert (counted.count, counted.total, counted.identified, counted.anonymous) == (2, 3, 1, 1)


def test_a_query_keeps_its_state_whatever_is_written_after_it(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "a", "country": "FR"}]).result()
    query = workspace.query('country = "FR"')
    workspace.upsert_contacts([{"id": "a", "country": "BE"}, {"id": "b", "country": "FR"}]).result()
    assert query.count().count == 1
    assert [batch["id"].to_pylist() for batch in query.stream(["id"])[1]] == [["a"]]
    assert ids(workspace, 'country = "FR"') == ["b"]


def test_many_expressions_are_asked_of_one_state(workspace: Workspace) -> None:
    queries = workspace.queries(["everyone", "nobody"])
    assert queries[0].snapshot is queries[1].snapshot
    with pytest.raises(ExpressionError) as refused:
        workspace.queries(["everyone", "contry is set"])
    assert refused.value.problems[0].path == "$.expressions[1]"


def test_many_expressions_share_their_parameters(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "a", "country": "FR"}]).result()
    asked = workspace.queries(["country = $c", "everyone", "points > $p"], params={"c": "FR", "p": 3})
    assert [query.count().count for query in asked] == [1, 1, 0]
    with pytest.raises(ExpressionError) as refused:
        workspace.queries(["everyone", "country = $d"], params={"c": "FR"})
    assert refused.value.problems[0].path == "$.expressions[1]"


def test_a_read_of_what_is_not_written_yet_is_refused_in_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.questions.MIN_SEQ_PATIENCE", 0.05)
    assert workspace.query("everyone", min_seq=workspace.seq).count().seq == workspace.seq
    with pytest.raises(StaleRead):
        workspace.query("everyone", min_seq=workspace.seq + 1)


# --- segments ------------------------------------------------------------------------------------------------------


def test_a_segment_is_guarded_by_its_etag(workspace: Workspace) -> None:
    saved = workspace.put_segment("fr", {"name": "French", "expression": 'country = "FR"'}).result()
    with pytest.raises(PreconditionFailed):
        workspace.put_segment("fr", {"name": "Other"}, if_none_match=True).result()
    changed = workspace.put_segment("fr", {"name": "Français"}, if_match=saved.etag).result()
    with pytest.raises(PreconditionFailed):
        workspace.put_segment("fr", {"name": "Late"}, if_match=saved.etag).result()
    assert changed.name == "Français"


def test_a_renamed_segment_is_still_the_one_that_others_name(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data")
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    workspace.upsert_contacts([{"id": "a", "country": "FR"}]).result()
    workspace.put_segment("fr", {"name": "French", "expression": 'country = "FR"'}).result()
    workspace.put_segment("both", {"expression": 'in segment "French"'}).result()
    workspace.put_segment("fr", {"name": "Renamed", "expression": 'country = "FR"'}).result()
    workspace.put_segment("be", {"name": "French", "expression": "nobody"}).result()
    assert workspace.segment("both").count == 1
    tamis.close()
    tamis = Tamis.open(tmp_path / "data")
    assert tamis.workspace("default").segment("both").count == 1
    tamis.close()


def test_a_segment_that_others_need_cannot_go(workspace: Workspace) -> None:
    workspace.put_segment("fr", {"name": "French", "expression": 'country = "FR"'}).result()
    workspace.put_segment("child", {"name": "Child", "parent": "fr", "expression": "everyone"}).result()
    with pytest.raises(SegmentInUse, match="Child"):
        workspace.drop_segment("fr").result()
    workspace.drop_segment("child").result()
    workspace.drop_segment("fr").result()
    with pytest.raises(UnknownSegment):
        workspace.segment("fr")


def test_a_cycle_is_named_with_its_whole_path(workspace: Workspace) -> None:
    workspace.put_segment("a", {"expression": "everyone"}).result()
    workspace.put_segment("b", {"expression": "in segment a"}).result()
    workspace.put_segment("c", {"parent": "b", "expression": "everyone"}).result()
    with pytest.raises(ExpressionError) as refused:
        workspace.put_segment("a", {"expression": "in segment c"}).result()
    assert "a -> c -> b -> a" in refused.value.problems[0].message


def test_overrides_name_every_id_that_is_wrong(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "a"}]).result()
    workspace.put_segment("s", {"name": "S"}).result()
    with pytest.raises(DataError) as refused:
        workspace.change_members("s", ["a", "ghost"], ["a"], []).result()
    assert [(p.code, p.path) for p in refused.value.problems] == [
        ("unknown-contact", "$.add[1]"),
        ("contradiction", "$.remove[0]"),
    ]
    assert workspace.segment("s").count == 0


# --- imports ---------------------------------------------------------------------------------------------------------


def blocks(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.rglob("blocks/*.arrow")}


def test_an_import_that_fails_half_way_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    workspace.upsert_contacts([{"id": "a", "country": "FR"}]).result()
    workspace.checkpoint()
    before, seq = blocks(tmp_path), workspace.seq

    def contacts() -> Iterator[Batch]:
        yield contacts_batch(*(f"x{i}" for i in range(200_000)), country=pa.array(["BE"] * 200_000))
        raise DataError([])

    def events() -> Iterator[Batch]:
        yield events_batch("a", "new")
        raise DataError([])

    with pytest.raises(DataError):
        workspace.bulk_contacts(contacts())
    with pytest.raises(DataError):
        workspace.bulk_events(events())
    assert (blocks(tmp_path), workspace.seq, workspace.query("everyone").count().count) == (before, seq, 1)


def test_the_schema_grows_only_with_the_rows_that_need_it(workspace: Workspace) -> None:
    patch = {"contacts": {"zip": {"type": "text"}}, "events": {"click": {"url": {"type": "text"}}}}

    def broken(kind: Kind) -> Iterator[Batch]:
        yield Batch(kind, pa.array(["a"]), event="click" if kind is Kind.EVENTS else None)
        raise DataError([])

    with pytest.raises(DataError):
        workspace.bulk_contacts(broken(Kind.CONTACTS), patch=patch)
    with pytest.raises(DataError):
        workspace.bulk_events(broken(Kind.EVENTS), patch=patch)
    assert "zip" not in workspace.schema.contacts
    assert "click" not in workspace.schema.events
    clicks = Batch(Kind.EVENTS, pa.array(["a"]), event="click", columns={"url": pa.array(["/pricing"])})
    assert workspace.bulk_events([clicks], patch=patch).accepted == 1
    assert ids(workspace, 'did click(url = "/pricing")') == ["a"]
    zips = contacts_batch("b", zip=pa.array(["01000"]))
    workspace.bulk_contacts([zips], patch=patch)
    assert ids(workspace, 'zip = "01000"') == ["b"]


def test_imported_events_may_have_to_belong_to_known_contacts(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "a"}]).result()
    with pytest.raises(DataError, match="ghost"):
        workspace.bulk_events([events_batch("a", "ghost")], create_contacts=False)
    assert workspace.bulk_events([events_batch("a")], create_contacts=False).accepted == 1
    assert ids(workspace, "did open exactly 1 times") == ["a"]


def test_an_import_of_nothing_but_duplicates_leaves_a_workspace_that_closes(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data")
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()

    def batches() -> Iterator[Batch]:
        yield Batch(Kind.EVENTS, pa.array(["a"]), event="open", ids=pa.array(["e1"]))
        workspace.add_events([{"contact": "a", "type": "open", "id": "e1"}]).result()

    assert workspace.bulk_events(batches()).accepted == 0
    workspace.checkpoint()
    tamis.close()
    tamis = Tamis.open(tmp_path / "data")
    assert ids(tamis.workspace("default"), "did open exactly 1 times") == ["a"]
    tamis.close()


def test_an_import_meets_contacts_that_were_created_while_it_ran(workspace: Workspace) -> None:
    def batches() -> Iterator[Batch]:
        yield events_batch("new", "other")
        workspace.upsert_contacts([{"id": "between"}, {"id": "other"}]).result()
        yield events_batch("new")

    assert workspace.bulk_events(batches()).accepted == 3
    assert ids(workspace, "did open exactly 2 times") == ["new"]
    assert ids(workspace, "did open exactly 1 times") == ["other"]
    assert ids(workspace, "not did open") == ["between"]


# --- erasure, closing, reopening ------------------------------------------------------------------------------


def test_an_export_under_way_leaves_out_whoever_was_erased_meanwhile(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": id, "points": 1} for id in "abcd"]).result()
    query = workspace.query("points = 1")
    _, batches = query.stream(["id", "points"], rows=2)
    assert next(batches).to_pydict() == {"id": ["a", "b"], "points": [1, 1]}
    workspace.erase_contact("c").result()
    workspace.upsert_contacts([{"id": "c", "points": 2}]).result()
    workspace.checkpoint()
    assert next(batches).to_pydict() == {"id": ["d"], "points": [1]}
    assert (query.count().count, ids(workspace, "points = 2")) == (4, ["c"])


def test_an_erased_contact_is_gone_from_every_file(workspace: Workspace, tmp_path: Path) -> None:
    secret = "erase-me-entirely"
    workspace.upsert_contacts([{"id": secret, "country": f"country-{secret}"}, {"id": "stays"}]).result()
    workspace.add_events([{"contact": secret, "type": "open", "campaign": f"campaign-{secret}"}]).result()
    workspace.put_segment("s", {"name": "S"}).result()
    workspace.change_members("s", [secret], [], []).result()
    workspace.checkpoint()
    workspace.erase_contact(secret).result()
    assert (workspace.contact(secret), workspace.segment("s").count) == (None, 0)
    assert workspace.query("did open").count().count == 0
    with pytest.raises(UnknownContact):
        workspace.timeline(secret)
    workspace.checkpoint()
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holding == []


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data")
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    workspace.upsert_contacts([{"id": "a", "country": "FR", "company": "acme"}, {"id": "b"}]).result()
    workspace.upsert_companies([{"id": "acme", "industry": "Software"}]).result()
    workspace.put_segment("s", {"name": "S", "expression": 'country = "FR"'}).result()
    workspace.checkpoint()
    workspace.add_events([{"contact": "b", "type": "open", "at": "2026-11-01T10:00:00Z", "id": "e1"}]).result()
    workspace.change_members("s", ["b"], ["a"], []).result()
    before = (workspace.contact("a"), workspace.timeline("b"), workspace.segments(), workspace.seq)
    tamis.close()
    tamis = Tamis.open(tmp_path / "data")
    workspace = tamis.workspace("default")
    assert (workspace.contact("a"), workspace.timeline("b"), workspace.segments(), workspace.seq) == before
    assert workspace.add_events([{"contact": "b", "type": "open", "id": "e1"}]).result().duplicates == 1
    tamis.close()


def test_a_closed_workspace_takes_no_more_writes(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data")
    workspace = tamis.workspace("default")
    tamis.close()
    with pytest.raises(Closed):
        workspace.upsert_contacts([{"id": "late"}])


def test_workspaces_know_nothing_of_each_other(tamis: Tamis, workspace: Workspace) -> None:
    other = tamis.create("other")
    workspace.upsert_contacts([{"id": "a"}]).result()
    assert (other.query("everyone").count().total, other.schema.contacts) == (0, {})
    assert tamis.workspaces() == ["default", "other"]
    with pytest.raises(DataError) as refused:
        tamis.create("../escape")
    assert refused.value.problems[0].code == "bad-workspace"
