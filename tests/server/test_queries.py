"""Counts, pages and exports."""

import io
import json
import time

import pyarrow as pa
import pytest

from tests.server.answers import count, ok, problem


def test_a_count_says_what_it_counted(filled):
    answer = ok(filled.post("query/count", json={"expression": 'country = "FR"'}))
    assert (answer["count"], answer["total"]) == (2, 3)
    assert answer["seq"] == 2
    assert answer["elapsed_ms"] >= 0
    assert (answer["identified"], answer["anonymous"]) == (None, None)


def test_identified_and_anonymous(filled):
    ok(filled.patch("schema", json={"identified_by": ["email"]}))
    ok(filled.post("contacts", json={"contacts": [{"id": "c1", "email": "a@b.c"}]}))
    answer = ok(filled.post("query/count", json={"expression": "everyone"}))
    assert (answer["identified"], answer["anonymous"]) == (1, 2)


def test_many_counts_are_of_one_state(filled):
    answer = ok(filled.post("query/count", json={"expressions": ['country = "FR"', 'country = "BE"', "everyone"]}))
    assert [c["count"] for c in answer["counts"]] == [2, 1, 3]
    assert {c["seq"] for c in answer["counts"]} == {answer["seq"]}


def test_a_bad_one_among_many_is_named(filled):
    refused = problem(
        filled.post("query/count", json={"expressions": ["everyone", 'contry = "FR"']}), 422, "invalid-expression"
    )
    assert refused["problems"][0]["path"] == "$.expressions[1]"
    assert refused["problems"][0]["span"]["column"] == 1


@pytest.mark.parametrize("body", [{}, {"expression": "everyone", "expressions": ["everyone"]}, {"expressions": []}])
def test_one_or_many(filled, body):
    problem(filled.post("query/count", json=body), 422, "invalid")


def test_parameters_are_values_not_text(filled):
    assert count(filled, "country = $c", params={"c": "FR"}) == 2
    assert count(filled, "country = $c", params={"c": 'FR" or everyone or country = "'}) == 0


def test_the_clock_of_a_query(filled):
    event = {"contact": "c1", "type": "open", "at": "2026-01-10T00:00:00Z"}
    ok(filled.post("events", json={"events": [event]}))
    assert count(filled, "did open in last 7 days", at="2026-01-12T00:00:00Z") == 1
    assert count(filled, "did open in last 7 days", at="2026-03-12T00:00:00Z") == 0
    refused = problem(filled.post("query/count", json={"expression": "everyone", "at": "yesterday"}), 422, "invalid")
    assert refused["problems"][0]["path"] == "$.at"


def test_an_expression_with_problems_shows_where(filled):
    expression = 'country = "FR"\nand contry = "BE"'
    refused = problem(filled.post("query/count", json={"expression": expression}), 422, "invalid-expression")
    [found] = refused["problems"]
    assert found["span"] == {"start": 19, "end": 25, "line": 2, "column": 5}
    assert "country" in found["hint"]


def test_pages_follow_a_cursor(filled):
    seen, cursor = [], None
    while True:
        body = {"expression": "everyone", "limit": 2, "cursor": cursor, "fields": ["id", "country"]}
        page = ok(filled.post("query/contacts", json=body))
        assert page["count"] == 3
        seen += [contact["id"] for contact in page["contacts"]]
        assert all(set(contact) == {"id", "country"} for contact in page["contacts"])
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == ["c1", "c2", "c3"]


def test_pages_can_be_sorted(filled):
    page = ok(filled.post("query/contacts", json={"expression": "everyone", "sort": "-points"}))
    assert [contact["id"] for contact in page["contacts"]] == ["c1", "c2", "c3"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("limit", 0), ("limit", 10_001), ("cursor", "x"), ("sort", "no"), ("fields", ["no"]), ("fields", [])],
)
def test_bad_pages_are_refused(filled, key, value):
    problem(filled.post("query/contacts", json={"expression": "everyone", key: value}), 422, "invalid")


def export(api, form):
    body = {"expression": 'country = "FR"', "fields": ["id", "points", "interests"]}
    answer = api.post("query/export", json=body, headers={"Accept": form})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == form
    return answer


def test_export_as_ndjson(filled):
    rows = [json.loads(line) for line in export(filled, "application/x-ndjson").text.splitlines()]
    assert sorted(rows, key=lambda r: r["id"]) == [
        {"id": "c1", "points": 40, "interests": ["ski"]},
        {"id": "c2", "points": 10, "interests": None},
    ]


def test_export_as_csv(filled):
    assert sorted(export(filled, "text/csv").text.split("\r\n")) == ["", "c1,40,ski", "c2,10,", "id,points,interests"]


def test_export_as_arrow(filled):
    content = export(filled, "application/vnd.apache.arrow.stream").content
    table = pa.ipc.open_stream(io.BytesIO(content)).read_all()
    assert sorted(table.column("id").to_pylist()) == ["c1", "c2"]


def test_a_form_nobody_writes_is_refused(filled):
    answer = filled.post("query/export", json={"expression": "everyone"}, headers={"Accept": "image/png"})
    problem(answer, 406, "not-acceptable")


def test_a_sequence_number_that_never_comes(filled, monkeypatch):
    monkeypatch.setattr("engine.questions.MIN_SEQ_PATIENCE", 0.1)
    answer = filled.post("query/count", json={"expression": "everyone", "min_seq": 10_000})
    problem(answer, 409, "not-yet-applied")
    assert answer.headers["retry-after"] == "1"


def test_an_export_nobody_reads_is_given_up(filled, running):
    """Only what fits the buffers is made ahead of the reader, and the query is let go when the reader leaves."""
    rows = [{"id": f"{i:060d}"} for i in range(20_000)]
    for _ in range(4):
        ok(filled.post("contacts", json={"contacts": rows}))
        rows = [{"id": row["id"][::-1] + "x"} for row in rows]
    gate = running[1].gate
    with filled.stream(
        "POST", "query/export", json={"expression": "everyone"}, headers={"Accept": "text/csv"}
    ) as answer:
        assert next(answer.iter_bytes())
        assert sum(gate.running.values()) == 1
    deadline = time.monotonic() + 60
    while gate.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not gate.running


def test_a_long_export_is_whole_and_of_one_state(filled):
    """Writes that come while members are streamed change nothing of what is streamed."""
    ok(filled.post("contacts", json={"contacts": [{"id": f"m{i}"} for i in range(30_000)]}))
    body = {"expression": "everyone", "fields": ["id"]}
    with filled.stream("POST", "query/export", json=body, headers={"Accept": "text/csv"}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "id"
        ok(filled.post("contacts", json={"contacts": [{"id": "late"}]}))
        ok(filled.delete("contacts/m29999"))
        ids = list(lines)
    assert len(ids) == len(set(ids)) == 30_003
    assert "late" not in ids


def test_an_export_of_no_field_is_refused(filled):
    """It would have no columns, and so lose every row."""
    problem(filled.post("query/export", json={"expression": "everyone", "fields": []}), 422, "invalid")


def test_an_explanation_counts_every_step(filled):
    body = {"expression": "country != $c and points is not set", "params": {"c": "FR"}}
    answer = ok(filled.post("query/explain", json=body))
    assert set(answer) == {
        "expression",
        "logical",
        "rules",
        "rewritten",
        "physical",
        "cost_ms",
        "budget_ms",
        "served",
        "count",
        "seq",
    }
    assert answer["expression"] == "country != $c and points is not set"
    assert (answer["count"], answer["seq"]) == (1, 2)
    assert answer["rules"] == ["absorb_negations"]
    assert answer["rewritten"].splitlines()[0] == "Complement"
    root = answer["physical"]
    assert (root["label"], root["count"], root["swept"]) == ("not", 1, 0)
    assert root["milliseconds"] >= 0
    assert [node["count"] for node in root["inputs"][0]["inputs"]] == [2, 2]


def test_explanations_heed_the_clock_and_the_state(filled):
    ok(filled.post("events", json={"events": [{"contact": "c1", "type": "open", "at": "2026-01-10T00:00:00Z"}]}))
    body = {"expression": "did open in last 7 days", "min_seq": 3}
    assert ok(filled.post("query/explain", json={**body, "at": "2026-01-12T00:00:00Z"}))["count"] == 1
    assert ok(filled.post("query/explain", json={**body, "at": "2026-03-12T00:00:00Z"}))["count"] == 0
    refused = problem(filled.post("query/explain", json={"expression": "contry = 1"}), 422, "invalid-expression")
    assert refused["problems"][0]["span"]["column"] == 1


def test_what_is_remembered_is_told_and_metered(site, filled):
    workspace = filled.base_url.path.split("/")[3]
    question = {"expression": 'country = "FR" and points < 12'}

    def served():
        return ok(filled.post("query/explain", json=question))["served"]

    assert served() == []
    assert count(filled, question["expression"]) == 1
    assert served() == ["parse", "check", "plan", "members"]
    ok(filled.post("contacts", json={"contacts": [{"id": "c9", "country": "FR", "points": 2}]}))
    assert served() == ["parse", "check"]
    assert count(filled, question["expression"]) == 2
    lines = site.get("/metrics").text.splitlines()
    metered = dict(line.rsplit(" ", 1) for line in lines if f'workspace="{workspace}"' in line)
    for name in ("tamis_cache_hits_total", "tamis_cache_misses_total", "tamis_cache_entries"):
        for cache in ("check", "plan", "members"):
            assert float(metered[f'{name}{{cache="{cache}",workspace="{workspace}"}}']) >= 1
    assert float(metered[f'tamis_cache_bytes{{workspace="{workspace}"}}']) >= 64
