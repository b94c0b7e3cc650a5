"""Deadlines and cancelling through real sockets; slow queries that keep nobody else waiting."""

import socket
import threading
import time
from contextlib import contextmanager

import anyio
import httpx
import pytest

import engine.plan.physical.text_comparison as slow_operator
from engine.deadline import Deadline, DeadlineExceeded, still_wanted
from engine.query import Query
from server.asking import Askings
from server.service import Limits
from server.turns import Turns
from tests.server.answers import CONTACTS, SCHEMA, count, ok, problem

SLOW = "country = email"
"""Contacts whose country is their email address: `slowly` makes this take as long as it is let."""


@pytest.fixture
def slowly(monkeypatch):
    """Comparing texts looks at the deadline every millisecond for a minute, as a very long scan does, and is
    estimated to take some of them."""
    plain = slow_operator.Domain.of

    class Slow:
        @staticmethod
        def of(space, within):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                still_wanted()
                time.sleep(0.001)
            return plain(space, within)

    monkeypatch.setattr(slow_operator, "Domain", Slow)
    monkeypatch.setattr(slow_operator.TextComparison, "cost", lambda operator, context, asked: 5e9)


@contextmanager
def asked(api, **more):
    """A slow count asked from another thread, once it runs; gives the list its answer comes to."""
    answers = []

    def ask():
        answers.append(api.post("query/count", json={"expression": SLOW, **more}, headers=headers))

    headers = {"X-Query-Id": "slow"}
    asking = threading.Thread(target=ask)
    asking.start()
    running(api, "slow")
    yield answers
    asking.join(15)


def running(api, id):
    """The listed query of that id, once it is listed."""
    for _ in range(500):
        for query in ok(api.get("queries"))["queries"]:
            if query["id"] == id and query["expression"] is not None:
                return query
        time.sleep(0.01)
    pytest.fail(f"{id} never ran")


def gone(api):
    """Waits until nothing runs."""
    for _ in range(500):
        if not ok(api.get("queries"))["queries"]:
            return
        time.sleep(0.01)
    pytest.fail("a query still runs")


@pytest.mark.parametrize("route", ["count", "contacts", "export", "explain"])
def test_a_query_ends_at_its_deadline(filled, slowly, route):
    started = time.monotonic()
    refused = filled.post(f"query/{route}", json={"expression": SLOW, "timeout_ms": 60})
    found = problem(refused, 503, "deadline-exceeded")
    assert 0.06 <= time.monotonic() - started < 8
    assert "not answered within 60 ms: stopped after " in found["detail"]
    assert "retry-after" not in refused.headers
    assert count(filled, 'country = "FR"') == 2


def test_many_counts_share_one_deadline(filled, slowly):
    body = {"expressions": ["everyone", SLOW, SLOW], "timeout_ms": 60}
    problem(filled.post("query/count", json=body), 503, "deadline-exceeded")


def test_the_server_has_a_deadline_of_its_own(tmp_path, serving, slowly):
    limits = Limits(timeout_ms=50, longest_timeout_ms=80)
    with serving(tmp_path, limits) as (address, _), httpx.Client(base_url=f"{address}/v1/workspaces/default/") as api:
        ok(api.patch("schema", json=SCHEMA))
        ok(api.post("contacts", json={"contacts": CONTACTS}))
        ok(api.put("segments/slow", json={"expression": "everyone"}), 201)
        problem(api.post("query/count", json={"expression": SLOW}), 503, "deadline-exceeded")
        longer = {"expression": "everyone", "timeout_ms": 81}
        found = problem(api.post("query/count", json=longer), 422, "invalid")
        assert (found["problems"][0]["code"], found["problems"][0]["path"]) == ("bad-timeout", "$.timeout_ms")
        assert "at most 80 ms" in found["problems"][0]["hint"]
        assert count(api, "everyone", timeout_ms=80) == 3


@pytest.mark.parametrize("timeout", [0, -1, 1.5, "1 s"])
def test_timeouts_are_whole_milliseconds(filled, timeout):
    refused = filled.post("query/count", json={"expression": "everyone", "timeout_ms": timeout})
    assert problem(refused, 422, "invalid")["problems"][0]["path"] == "$.timeout_ms"


def test_a_running_query_is_listed_and_can_be_cancelled(filled, slowly):
    with asked(filled) as answers:
        listed = running(filled, "slow")
        assert listed["expression"] == SLOW
        assert listed["route"] == f"POST {filled.base_url.path}query/count"
        assert 0 < listed["age_ms"] < listed["timeout_ms"] == 30_000
        assert ok(filled.post("queries/slow/cancel"))["id"] == "slow"
    found = problem(answers[0], 409, "query-cancelled")
    assert "cancelled after " in found["detail"]
    problem(filled.post("queries/slow/cancel"), 404, "unknown-query")
    assert count(filled, "everyone") == 3


def test_ids_of_queries(filled, slowly):
    answer = filled.post("query/count", json={"expression": "everyone"})
    assert len(answer.headers["x-query-id"]) == 32
    named = filled.post("query/count", json={"expression": "everyone"}, headers={"X-Query-Id": "mine"})
    assert named.headers["x-query-id"] == "mine"
    with asked(filled):
        again = filled.post("query/count", json={"expression": "everyone"}, headers={"X-Query-Id": "slow"})
        problem(again, 409, "query-id-in-use")
        ok(filled.post("queries/slow/cancel"))
    bad = filled.post("query/count", json={"expression": "everyone"}, headers={"X-Query-Id": "a b"})
    assert problem(bad, 422, "invalid")["problems"][0]["code"] == "bad-query-id"


@pytest.mark.parametrize("body", [{"expression": "contry = 1"}, {"expression": "vip", "limit": "x"}, {"timeout_ms": 1}])
def test_an_error_tells_the_id_of_its_query_too(filled, body):
    answer = filled.post("query/contacts", json=body, headers={"X-Query-Id": "wrong"})
    assert (answer.status_code, answer.headers["x-query-id"]) == (422, "wrong")


@pytest.fixture
def trickling(monkeypatch):
    """An export gives its first batch at once, and the next one never."""
    plain = Query._batches

    def batches(query, *asked):
        yield from plain(query, *asked)
        while True:
            still_wanted()
            time.sleep(0.001)

    monkeypatch.setattr(Query, "_batches", batches)


def tracebacks(caplog):
    return [record.getMessage() for record in caplog.records if record.exc_info]


def test_an_export_that_dies_of_its_deadline_on_the_way_is_cut_off(filled, trickling, caplog):
    body = {"expression": "everyone", "timeout_ms": 300}
    with pytest.raises(httpx.RemoteProtocolError):
        filled.post("query/export", json=body, headers={"Accept": "application/x-ndjson"})
    gone(filled)
    assert any("stopped on the way" in record.getMessage() for record in caplog.records)
    assert not tracebacks(caplog)


def test_a_client_that_goes_away_on_the_way_leaves_no_traceback(filled, trickling, caplog):
    headers = {"Accept": "application/x-ndjson", "X-Query-Id": "left"}
    with (
        httpx.Client(base_url=filled.base_url) as other,
        other.stream(
            "POST", "query/export", json={"expression": "everyone", "timeout_ms": 3000}, headers=headers
        ) as answer,
    ):
        assert next(answer.iter_bytes())
    gone(filled)
    assert not tracebacks(caplog)


def test_queries_of_other_workspaces_are_out_of_reach(site, filled, slowly):
    ok(site.put("/v1/workspaces/elsewhere"), 201)
    with asked(filled):
        assert ok(site.get("/v1/workspaces/elsewhere/queries"))["queries"] == []
        problem(site.post("/v1/workspaces/elsewhere/queries/slow/cancel"), 404, "unknown-query")
        ok(filled.post("queries/slow/cancel"))


def test_a_client_that_goes_away_cancels_its_query(filled, slowly):
    host, port = filled.base_url.host, filled.base_url.port
    body = b'{"expression": "country = email"}'
    head = f"POST {filled.base_url.path}query/count HTTP/1.1\r\nHost: {host}:{port}\r\nX-Query-Id: left\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + body)
        running(filled, "left")
    left = time.monotonic()
    gone(filled)
    assert time.monotonic() - left < 40


def test_slow_queries_keep_nobody_else_waiting(tmp_path, serving, slowly):
    """Two threads, one of them for each workspace at most, and one query that may wait for it."""
    limits = Limits(query_threads=2, queued_queries=2)
    with serving(tmp_path, limits) as (address, _), httpx.Client(base_url=f"{address}/v1/workspaces/default/") as api:
        ok(api.patch("schema", json=SCHEMA))
        ok(api.post("contacts", json={"contacts": CONTACTS}))
        with asked(api) as answers, httpx.Client(base_url=api.base_url) as other:
            waiting = problem(
                other.post("query/count", json={"expression": SLOW, "timeout_ms": 50}), 503, "deadline-exceeded"
            )
            assert "within 50 ms" in waiting["detail"]
            named = {"json": {"expression": SLOW}, "headers": {"X-Query-Id": "queued"}}
            queued = threading.Thread(target=other.post, args=("query/count",), kwargs=named)
            queued.start()
            running(api, "queued")
            listed = ok(api.get("queries"))["queries"]
            refused = api.post("query/count", json={"expression": SLOW})
            problem(refused, 429, "too-busy")
            assert refused.headers["retry-after"] == "1"
            started = time.monotonic()
            for _ in range(20):
                assert count(api, 'country = "FR" and points > 30') == 1
            ok(api.post("contacts", json={"contacts": [{"id": "c4"}]}))
            ok(httpx.put(f"{address}/v1/workspaces/second"), 201)
            second = httpx.Client(base_url=f"{address}/v1/workspaces/second/")
            assert ok(second.post("query/contacts", json={"expression": "everyone"}))["count"] == 0
            assert time.monotonic() - started < 20, "they waited for the heavy ones"
            for query in reversed(listed):
                ok(api.post(f"queries/{query['id']}/cancel"))
            queued.join(60)
        problem(answers[0], 409, "query-cancelled")


def test_a_timer_that_is_early_is_the_deadline_all_the_same():
    """The query's own clock says that nothing of its time has passed when the event loop says that all has."""
    room = Askings(default_ms=30_000, longest_ms=30_000, threads=2, queue=2)

    async def late() -> None:
        with room.begun("w", "count", None) as asking:
            asking.deadline = Deadline(20, clock=lambda: 0.0)
            assert room.turns.wait("w").done()
            await room.heavy(asking, anyio.sleep_forever, lambda: 1)

    with pytest.raises(DeadlineExceeded):
        anyio.run(late)


async def come(turns: Turns, *workspaces: str) -> list[bool]:
    """Whether the turn of each has come at once."""
    return [turns.wait(workspace).done() for workspace in workspaces]


def test_no_workspace_has_all_threads():
    assert anyio.run(come, Turns(3), "a", "a", "a", "b", "b") == [True, True, False, True, False]
    assert anyio.run(come, Turns(1), "a", "a", "b") == [True, False, False]


def test_turns_come_in_line_to_those_who_still_wait():
    async def line() -> list[bool]:
        turns = Turns(2)
        turns.wait("a")
        turns.wait("b")
        left, first, second = turns.wait("a"), turns.wait("a"), turns.wait("b")
        left.set_result(False)
        turns.end("a")
        found = [first.done(), second.done()]
        turns.end("a")
        turns.end("b")
        return [*found, second.done() and second.result()]

    assert anyio.run(line) == [True, False, True]
