"""Imports: files of any form become jobs; bad rows are named; nothing is half written."""

import csv
import io
import json
import time

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.directory import Tamis
from formats.batch import Kind
from formats.inferred import ReadOptions
from formats.media import Format
from server.importing import Job, JobState, Kept, Request, encode_kept
from tests.server.answers import count, ok, problem

CSV = {"Content-Type": "text/csv"}


def finished(api, job, state="done"):
    """The job once it has ended."""
    deadline = time.monotonic() + 20
    while job["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.02)
        job = ok(api.get(f"jobs/{job['id']}"))
    assert job["state"] == state, job
    return job


def test_a_csv_grows_the_schema(api):
    rows = "id,country,points,signup\nc1,FR,40,31/12/2025\nc2,BE,5,01/01/2026\n"
    job = finished(api, ok(api.post("imports?kind=contacts", content=rows, headers=CSV), 202))
    assert (job["rows_read"], job["accepted"], job["rejected"], job["progress"]) == (2, 2, 0, 1.0)
    assert ok(api.get("schema"))["contacts"]["signup"]["type"] == "date"
    assert count(api, "points > 30", min_seq=job["seq"]) == 1
    assert [j["id"] for j in ok(api.get("jobs"))["jobs"]] == [job["id"]]


def test_a_dry_run_writes_nothing(api):
    rows = "id,points\nc1,40\n,5\n"
    answer = ok(api.post("imports?kind=contacts&dry_run=true", content=rows, headers=CSV))
    assert answer["inferred"]["patch"]["contacts"]["points"]["type"] == "number"
    assert (answer["rows_read"], answer["accepted"], answer["rejected"]) == (2, 1, 1)
    assert answer["problems"][0]["row"] == 2
    assert ok(api.get("jobs"))["jobs"] == []
    assert "points" not in ok(api.get("schema")).get("contacts", {})


def test_a_bad_row_stops_or_is_skipped(filled):
    rows = "id,points\nn1,1\nn2,many\nn3,3\n"
    stopped = finished(filled, ok(filled.post("imports?kind=contacts", content=rows, headers=CSV), 202), "failed")
    assert "points" in stopped["reason"]
    [found] = stopped["problems"]
    assert (found["row"], found["line"], found["column"], found["value"]) == (2, 3, "points", "many")
    assert "on-error skip" in stopped["errors"][0]["hint"]
    assert count(filled, "everyone") == 3

    route = "imports?kind=contacts&on_error=skip"
    skipped = finished(filled, ok(filled.post(route, content=rows, headers=CSV), 202))
    assert (skipped["accepted"], skipped["rejected"]) == (2, 1)
    assert count(filled, "everyone") == 5
    rejects = filled.get(f"jobs/{skipped['id']}/rejects")
    assert rejects.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(rejects.text))
    assert (row["row"], row["column"]) == ("2", "points")
    assert "n2,many" in row["raw"]


def test_a_job_without_rejects_has_no_file_of_them(filled):
    job = finished(filled, ok(filled.post("imports?kind=contacts", content="id\nc7\n", headers=CSV), 202))
    problem(filled.get(f"jobs/{job['id']}/rejects"), 404, "no-rejects")


def test_ndjson_events(filled):
    lines = "\n".join(
        json.dumps({"contact": f"e{i}", "at": "2026-01-01T00:00:00Z", "campaign": "Spring"}) for i in range(5)
    )
    route = "imports?kind=events&type=open"
    answer = filled.post(route, content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert finished(filled, ok(answer, 202))["accepted"] == 5
    assert count(filled, 'did open(campaign = "Spring")') == 5


def test_rules_tell_event_types_and_contents_make_ids(filled):
    rows = "contact,at,code,size\nk1,2026-01-01,1,XL\nk1,2026-01-01,1,XL\nk1,2026-01-02,C1,M\n,2026-01-02,G1,M\n"
    asked = {
        "kind": "events",
        "type": "sale",
        "type_rule": ["cancel:code~^C", "gift:code~^G"],
        "id_columns": "*",
        "on_error": "skip",
    }
    rehearsed = ok(filled.post("imports", params={**asked, "dry_run": "true"}, content=rows, headers=CSV))
    assert rehearsed["inferred"]["id_columns"] == ["at", "code", "contact", "size"]
    assert set(rehearsed["inferred"]["patch"]["events"]) == {"sale", "cancel", "gift"}
    for accepted, duplicates in ((2, 1), (0, 3)):
        job = finished(filled, ok(filled.post("imports", params=asked, content=rows, headers=CSV), 202))
        assert (job["rows_read"], job["accepted"], job["duplicates"], job["rejected"]) == (4, accepted, duplicates, 1)
        assert job["reasons"] == [{"code": "missing-id", "column": "contact", "rows": 1}]
    assert count(filled, 'did sale(size = "XL") and did cancel') == 1


def test_rules_are_checked_before_the_file_is(filled):
    asked = {"kind": "events", "type": "sale", "type_rule": "cancel"}
    problem(filled.post("imports", params=asked, content="contact\na\n", headers=CSV), 422, "invalid")


def test_parquet_with_lists(filled):
    table = pa.table({"id": ["p1", "p2"], "interests": [["ski", "vtt"], []]})
    file = io.BytesIO()
    pq.write_table(table, file)
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    job = finished(filled, ok(filled.post("imports?kind=contacts", content=file.getvalue(), headers=headers), 202))
    assert job["accepted"] == 2
    assert count(filled, 'interests has "vtt"') == 1


def test_a_job_can_be_watched(filled):
    rows = "id,points\n" + "".join(f"s{i},{i}\n" for i in range(1000))
    job = ok(filled.post("imports?kind=contacts", content=rows, headers=CSV), 202)
    with filled.stream("GET", f"jobs/{job['id']}/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        data = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: ")]
    assert json.loads(data[-1])["state"] == "done"


def test_jobs_that_are_not_there_or_have_ended(filled):
    problem(filled.get("jobs/nope"), 404, "unknown-job")
    problem(filled.get("jobs/nope/stream"), 404, "unknown-job")
    job = finished(filled, ok(filled.post("imports?kind=contacts", content="id\nc7\n", headers=CSV), 202))
    problem(filled.post(f"jobs/{job['id']}/cancel"), 409, "job-finished")


def test_a_job_can_be_cancelled(filled):
    def slow():
        yield b"id,points\n"
        yield from (b"".join(b"x%d,%d\n" % (j, j) for j in range(i, i + 10_000)) for i in range(0, 2_000_000, 10_000))

    job = ok(filled.post("imports?kind=contacts", content=slow(), headers=CSV), 202)
    ok(filled.post(f"jobs/{job['id']}/cancel"), 202)
    finished(filled, job, "cancelled")
    assert count(filled, "everyone") == 3


@pytest.mark.parametrize(
    "query",
    ["", "?kind=people", "?kind=contacts&on_error=maybe", "?kind=contacts&dryrun=true", "?kind=contacts&columns=x"],
)
def test_options_are_checked(api, query):
    problem(api.post(f"imports{query}", content="id\nc1\n", headers=CSV), 422, "invalid")


def test_a_retried_import_is_the_same_job(filled):
    headers = {**CSV, "Idempotency-Key": "file-1"}
    first = ok(filled.post("imports?kind=contacts", content="id\nc7\n", headers=headers), 202)
    assert ok(filled.post("imports?kind=contacts", content="id\nc7\n", headers=headers), 202)["id"] == first["id"]
    other = filled.post("imports?kind=contacts", content="id\nc8\n", headers=headers)
    problem(other, 422, "idempotency-key-reused")
    finished(filled, first)


def test_a_file_that_is_none_fails_as_a_job(api):
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    job = ok(api.post("imports?kind=contacts", content=b"nonsense", headers=headers), 202)
    assert finished(api, job, "failed")["reason"]


def test_jobs_outlive_the_server(tmp_path, serving):
    with serving(tmp_path) as (address, room):
        line = room.importers.line("default")
        with httpx.Client(base_url=f"{address}/v1/workspaces/default/") as api:
            done = finished(api, ok(api.post("imports?kind=contacts", content="id\nc1\n", headers=CSV), 202))
        kept = line.workspace.documents.get("jobs", done["id"])
    assert kept is not None
    with serving(tmp_path) as (address, _), httpx.Client(base_url=f"{address}/v1/workspaces/default/") as api:
        assert ok(api.get(f"jobs/{done['id']}")) == done
        assert count(api, "everyone") == 1


def test_a_job_interrupted_before_writing_runs_again(tmp_path, serving):
    job = Job(
        id="left",
        kind=Kind.CONTACTS,
        state=JobState.RUNNING,
        progress=0.2,
        rows_read=0,
        accepted=0,
        rejected=0,
        bytes=6,
        created="2026-01-01T00:00:00Z",
    )
    lost = Job(**{**{name: getattr(job, name) for name in job.__struct_fields__}, "id": "lost"})
    tamis = Tamis.open(tmp_path)
    for each in (job, lost):
        kept = Kept(each, Request(Kind.CONTACTS, ReadOptions(format=Format.CSV)))
        tamis.workspace("default").documents.put("jobs", each.id, encode_kept(kept))
    tamis.close()
    spool = tmp_path / "spool" / "default"
    spool.mkdir(parents=True)
    (spool / "left").write_text("id\nc1\n")
    (spool / "orphan").write_text("id\nc2\n")
    with serving(tmp_path) as (address, _), httpx.Client(base_url=f"{address}/v1/workspaces/default/") as api:
        finished(api, ok(api.get("jobs/left")))
        assert "is gone" in finished(api, ok(api.get("jobs/lost")), "failed")["reason"]
        assert count(api, "everyone") == 1
    assert list(spool.iterdir()) == []


def test_an_import_that_the_server_left_is_finished_by_the_next(tmp_path, serving):
    rows = b"id,points\n" + b"".join(b"x%d,%d\n" % (i, i) for i in range(100_000))
    route = "v1/workspaces/default/"
    with serving(tmp_path) as (address, _), httpx.Client(base_url=f"{address}/{route}") as api:
        job = ok(api.post("imports?kind=contacts", content=rows, headers=CSV, timeout=20), 202)
    with serving(tmp_path) as (address, _), httpx.Client(base_url=f"{address}/{route}", timeout=20) as api:
        finished(api, ok(api.get(f"jobs/{job['id']}")))
        assert count(api, "points >= 0") == 100_000
