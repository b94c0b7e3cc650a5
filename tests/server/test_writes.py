"""Contacts, companies and events: written, read back, erased; both wire forms; safe retries."""

import msgspec
import pytest

from engine.results import Ack
from tests.server.answers import count, ok, problem


def test_a_write_is_seen_by_the_next_read(filled):
    ack = ok(filled.post("contacts", json={"contacts": [{"id": "c9", "country": "NL"}]}))
    assert ack["accepted"] == 1
    assert count(filled, 'country = "NL"', min_seq=ack["seq"]) == 1
    assert ok(filled.get("contacts/c9"))["country"] == "NL"


def test_absent_fields_stay_and_null_clears(filled):
    ok(filled.post("contacts", json={"contacts": [{"id": "c1", "points": None}]}))
    profile = ok(filled.get("contacts/c1"))
    assert profile["country"] == "FR"
    assert profile["points"] is None


def test_messagepack_both_ways(filled):
    body = msgspec.msgpack.encode({"contacts": [{"id": "m", "country": "FR"}]})
    headers = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
    answer = filled.post("contacts", content=body, headers=headers)
    assert answer.headers["content-type"] == "application/msgpack"
    assert msgspec.msgpack.decode(answer.content, type=Ack).accepted == 1


def test_ndjson_rows(filled):
    lines = '{"id": "n1", "country": "FR"}\n{"id": "n2", "country": "FR"}\n'
    answer = filled.post("contacts", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert ok(answer)["accepted"] == 2
    assert count(filled, 'country = "FR"') == 4


def test_csv_rows(filled):
    rows = "id,country,points\nv1,ES,5\nv2,ES,\n"
    answer = filled.post("contacts", content=rows, headers={"Content-Type": "text/csv"})
    assert ok(answer)["accepted"] == 2
    assert ok(filled.get("contacts/v1"))["points"] == 5


def test_csv_events(filled):
    rows = "contact,type,at,campaign\nc1,open,2026-01-02T03:04:05Z,Spring\n"
    answer = filled.post("events", content=rows, headers={"Content-Type": "text/csv"})
    assert ok(answer)["accepted"] == 1
    [event] = ok(filled.get("contacts/c1/events"))["events"]
    assert event["campaign"] == "Spring"


def test_events_and_the_timeline(filled):
    events = [
        {"contact": "c1", "type": "open", "at": "2026-01-01T00:00:00Z", "campaign": "Spring"},
        {"contact": "c1", "type": "purchase", "at": "2026-01-02T00:00:00Z", "amount": 12.5},
    ]
    assert ok(filled.post("events", json={"events": events}))["accepted"] == 2
    timeline = ok(filled.get("contacts/c1/events"))["events"]
    assert [e["type"] for e in timeline] == ["purchase", "open"]
    assert timeline[0]["amount"] == 12.5
    assert len(ok(filled.get("contacts/c1/events?types=open"))["events"]) == 1
    page = ok(filled.get("contacts/c1/events?limit=1"))
    rest = ok(filled.get("contacts/c1/events", params={"before": page["next"]}))
    assert [e["type"] for e in rest["events"]] == ["open"]


def test_events_of_unknown_contacts(filled):
    event = {"events": [{"contact": "new", "type": "open"}]}
    refused = problem(filled.post("events?unknown_contacts=reject", json=event), 422, "invalid")
    assert refused["problems"][0]["path"] == "$.events[0].contact"
    ok(filled.post("events", json=event))
    assert ok(filled.get("contacts/new"))["id"] == "new"


def test_event_ids_make_duplicates_harmless(filled):
    event = {"events": [{"contact": "c1", "type": "open", "id": "e1"}]}
    assert ok(filled.post("events", json=event))["accepted"] == 1
    again = ok(filled.post("events", json=event))
    assert (again["accepted"], again["duplicates"]) == (0, 1)


def test_companies(filled):
    ok(filled.post("companies", json={"companies": [{"id": "acme", "industry": "Software"}]}))
    ok(filled.post("contacts", json={"contacts": [{"id": "c1", "company": "acme"}]}))
    assert count(filled, 'company.industry = "Software"') == 1


def test_erasure(filled):
    ok(filled.delete("contacts/c1"))
    problem(filled.get("contacts/c1"), 404, "unknown-contact")
    problem(filled.delete("contacts/c1"), 404, "unknown-contact")
    assert count(filled, "everyone") == 2


def test_ids_may_hold_anything(filled):
    id = "a/b c?é#"
    ok(filled.post("contacts", json={"contacts": [{"id": id, "country": "FR"}]}))
    assert ok(filled.get("contacts/a%2Fb%20c%3F%C3%A9%23"))["id"] == id
    assert ok(filled.get("contacts/a%2Fb%20c%3F%C3%A9%23/segments")) == {"segments": []}


def test_a_bad_row_refuses_the_whole_write(filled):
    rows = [{"id": "good", "country": "FR"}, {"id": "bad", "contry": "FR"}]
    refused = problem(filled.post("contacts", json={"contacts": rows}), 422, "invalid")
    [found] = refused["problems"]
    assert found["path"] == "$.contacts[1].contry"
    assert "country" in found["hint"]
    problem(filled.get("contacts/good"), 404, "unknown-contact")


def test_a_large_body_is_checked_in_a_thread(filled):
    rows = [{"id": f"big{i}", "country": "FR", "email": "x" * 50} for i in range(2000)]
    assert ok(filled.post("contacts", json={"contacts": rows}))["accepted"] == 2000


@pytest.mark.parametrize("route", ["contacts", "events"])
def test_a_retried_write_gets_the_first_answer(filled, route):
    row = {"id": "k1"} if route == "contacts" else {"contact": "c1", "type": "open"}
    headers = {"Idempotency-Key": "once"}
    first = filled.post(route, json={route: [row]}, headers=headers)
    second = filled.post(route, json={route: [row]}, headers=headers)
    assert ok(first) == ok(second)
    assert second.headers["idempotency-replayed"] == "true"
    other = filled.post(route, json={route: [{**row, "id": "k2"}]}, headers=headers)
    problem(other, 422, "idempotency-key-reused")


def test_a_keyed_write_whose_answer_was_lost_is_not_doubled(filled, running):
    headers = {"Idempotency-Key": "lost"}
    events = {"events": [{"contact": "c1", "type": "open"}, {"contact": "c2", "type": "open"}]}
    ok(filled.post("events", json=events, headers=headers))
    workspace = running[1].tamis.workspace(str(filled.base_url).split("/")[-2])
    workspace.documents.delete("idempotency", "lost")
    again = ok(filled.post("events", json=events, headers=headers))
    assert (again["accepted"], again["duplicates"]) == (0, 2)


def test_a_failed_write_may_be_retried_under_its_key(filled):
    headers = {"Idempotency-Key": "mended"}
    body = {"contacts": [{"id": "z", "city": "Lille"}]}
    problem(filled.post("contacts", json=body, headers=headers), 422, "invalid")
    ok(filled.patch("schema", json={"contacts": {"city": {"type": "text"}}}))
    assert ok(filled.post("contacts", json=body, headers=headers))["accepted"] == 1
