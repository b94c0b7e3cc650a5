"""What is made before it is asked for: every suggestion can be asked, answers stay, and it ends where it is told to."""

import pytest

from engine.deadline import Deadline, QueryCancelled, kept
from engine.warming import suggested
from tests.opening import opened

SCHEMA = {
    "contacts": {
        "mail": {"type": "text"},
        "or": {"type": "number"},
        "a share": {"type": "float"},
        "born": {"type": "date"},
        "seen": {"type": "datetime"},
        "plan": {"type": "choice", "options": ["free", "paid"]},
        "active": {"type": "boolean"},
        "likes": {"type": "tags"},
    },
    "companies": {"sector": {"type": "text"}, "not": {"type": "number"}},
    "events": {
        "then": {"amount": {"type": "number"}, "in last": {"type": "text"}},
        "buy": {"channel": {"type": "choice", "options": ["web"]}, "gift": {"type": "boolean"}},
    },
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("warming") / "data", SCHEMA) as workspace:
        workspace.upsert_contacts([{"id": f"c{i}", "mail": f"m{i}", "or": i} for i in range(20)]).result()
        workspace.add_events(
            [
                {"contact": f"c{i}", "type": "then", "at": f"2026-01-{i + 1:02}T00:00:00Z", "amount": i}
                for i in range(20)
            ]
        ).result()
        workspace.put_segment("much", {"name": "Much", "expression": "`or` > 4"}).result()
        yield workspace


def test_every_suggestion_can_be_asked(workspace):
    for text in suggested(workspace.snapshot):
        workspace.query(text).count()


def test_segments_come_first_and_every_event_is_there(workspace):
    texts = list(workspace.warm())
    assert texts[0] == 'in segment "much"'
    assert {"did `then` in last 30 days", "did buy in last 30 days"} <= set(texts)
    assert any("sum(amount of `then`" in text for text in texts)


def test_answers_are_those_of_one_who_was_not_warmed(workspace):
    list(workspace.warm())
    assert workspace.query("`or` > 4").count().count == 15
    assert workspace.query("sum(amount of `then`) > 10").count().count == 9
    assert workspace.query("did `then`").count().count == 20


def test_nothing_is_remembered_of_what_was_counted(workspace):
    before = [use.entries for _, use in workspace.caches.uses]
    list(workspace.warm())
    assert [use.entries for _, use in workspace.caches.uses] == before


def test_it_ends_where_memory_does(workspace):
    assert list(workspace.warm(0)) == []


def test_a_segment_that_went_meanwhile_is_passed_over(workspace):
    workspace.put_segment("brief", {"name": "Brief", "expression": "`or` > 5"}).result()
    steps = workspace.warm()
    for text in steps:
        if text == 'in segment "brief"':
            workspace.drop_segment("brief").result()
    assert workspace.query("`or` > 4").count().count == 15


def test_it_stops_when_it_is_no_longer_wanted(workspace):
    deadline = Deadline()
    steps = workspace.warm()
    with kept(deadline):
        next(steps)
        deadline.cancel()
        with pytest.raises(QueryCancelled):
            next(steps)
