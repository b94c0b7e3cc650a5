"""The server as a process: started, asked to stop, refused; and what it says of itself."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from engine.directory import Tamis
from server.serve import CannotServe, address_of, bound, serve
from storage import Locked
from tests.server.answers import ok, problem

PROGRAM = """
import sys, pathlib
from server.serve import serve
serve(pathlib.Path(sys.argv[1]), port=0, say=lambda line: print(line, flush=True))
"""


@pytest.fixture
def process(tmp_path):
    """A server in a process of its own, and its address."""
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=env
    ) as running:
        said = []
        while not said or "answers at" not in said[-1]:
            said.append(running.stdout.readline())
            assert said[-1], said
        assert "No key is needed" in said[-2]
        yield running, re.search(r"http://\S+", said[-1])[0]
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(process, tmp_path, number):
    running, address = process
    assert address_of(tmp_path) == address
    with pytest.raises(Locked):
        Tamis.open(tmp_path)
    ok(httpx.post(f"{address}/v1/workspaces/default/contacts", json={"contacts": [{"id": "c1"}]}))
    running.send_signal(number)
    assert running.wait(20) == 0
    assert address_of(tmp_path) is None
    tamis = Tamis.open(tmp_path)
    assert tamis.workspace("default").contact("c1") is not None
    tamis.close()


def test_what_was_accepted_is_finished(process, tmp_path):
    """A body that is still being sent when the signal comes is written all the same."""
    running, address = process
    signalled = threading.Event()

    def body():
        yield b'{"contacts": [{"id": "c1"}'
        running.send_signal(signal.SIGTERM)
        signalled.set()
        yield b', {"id": "c2"}]}'

    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{address}/v1/workspaces/default/contacts", content=body(), headers=headers, timeout=20)
    assert ok(answer)["accepted"] == 2
    assert running.wait(20) == 0
    tamis = Tamis.open(tmp_path)
    assert tamis.workspace("default").contact("c2") is not None
    tamis.close()


def test_a_port_in_use(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(CannotServe, match="cannot be listened on"):
            serve(tmp_path, port=other.getsockname()[1])


def test_an_address_that_is_none(tmp_path):
    with pytest.raises(CannotServe, match="not an address"):
        serve(tmp_path, host="no such host")


def test_open_to_others_only_with_a_key(tmp_path):
    with pytest.raises(CannotServe, match="make one"):
        serve(tmp_path, host="0.0.0.0", port=0)
    Tamis.open(tmp_path).close()


def test_a_directory_in_use(tmp_path):
    tamis = Tamis.open(tmp_path)
    with pytest.raises(Locked):
        serve(tmp_path, port=0)
    tamis.close()


def test_a_socket_is_bound_before_it_listens():
    with bound("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0


def test_health_and_readiness(site):
    assert ok(site.get("/healthz")) == {"status": "alive"}
    assert ok(site.get("/readyz")) == {"ready": True, "reasons": {}}


def test_metrics(filled):
    site = str(filled.base_url).partition("/v1")[0]
    workspace = str(filled.base_url).split("/")[-2]
    filled.post("query/count", json={"expression": "everyone"})
    text = httpx.get(f"{site}/metrics").text
    assert f'tamis_journal_seq{{workspace="{workspace}"}} 2.0' in text
    assert f'tamis_counts_total{{workspace="{workspace}"}} 1.0' in text
    assert f'tamis_rows_accepted_total{{kind="contacts",workspace="{workspace}"}} 3.0' in text
    route = 'method="POST",route="/v1/workspaces/{workspace}/query/count",status="200"'
    assert f"tamis_requests_total{{{route}}}" in text
    assert 'tamis_request_seconds_bucket{le="0.001"' in text


def test_language_tools(filled):
    checked = ok(filled.post("language/check", json={"expression": 'contry = "FR"'}))
    assert checked["valid"] is False
    assert checked["problems"][0]["span"] == {"start": 0, "end": 6, "line": 1, "column": 1}
    assert ok(filled.post("language/check", json={"expression": "everyone"})) == {"valid": True, "problems": []}
    formatted = ok(filled.post("language/format", json={"expression": 'country   =  "FR"'}))
    assert formatted == {"expression": 'country = "FR"'}


def test_an_expression_is_described_in_the_language_asked_for(filled):
    body = {"expression": 'country = "FR"'}
    english = {"sentence": "Contacts whose country is “FR”."}
    french = {"sentence": "Les contacts dont le champ country est «\u00a0FR\u00a0»."}
    assert ok(filled.post("language/describe", json=body)) == english
    assert ok(filled.post("language/describe", json=body | {"language": "fr"})) == french
    for header, answer in {"fr-CA,en;q=0.5": french, "de, en;q=0.2, fr;q=0.1": english, "de": english}.items():
        assert ok(filled.post("language/describe", json=body, headers={"Accept-Language": header})) == answer
    said = filled.post("language/describe", json=body | {"language": "en"}, headers={"Accept-Language": "fr"})
    assert ok(said) == english


def test_what_cannot_be_described_is_a_problem(filled):
    problem(filled.post("language/describe", json={"expression": "points > "}), 422, "invalid-expression")
    assert filled.post("language/describe", json={"expression": "everyone", "language": "de"}).status_code in (400, 422)


def test_complete_offers_values_with_their_counts(filled):
    def complete(expression, **more):
        return ok(filled.post("language/complete", json={"expression": expression, **more}))

    found = complete('country = "')
    assert (found["start"], found["end"]) == (10, 11)
    value = {"kind": "value", "label": None, "detail": None, "counted": "contacts"}
    assert found["items"] == [{"text": '"FR"', "count": 2, **value}, {"text": '"BE"', "count": 1, **value}]
    assert [item["text"] for item in complete("country = = and poi and x", cursor=19)["items"]] == ["points"]
    assert len(complete("", limit=1)["items"]) == 1
    for body in ({"expression": "x", "cursor": 2}, {"expression": "x", "cursor": -1}, {"expression": "", "limit": 0}):
        problem(filled.post("language/complete", json=body), 422, "invalid")
    problem(filled.post("language/complete", json={"expression": "x" * 70_000}), 422, "invalid-expression")


def test_expressions_as_trees(site, filled):
    both = ok(filled.post("language/parse", json={"expression": "points>3"}))
    assert both["expression"] == "points > 3"
    assert both["tree"]["condition"]["comparator"] == ">"
    assert ok(filled.post("language/parse", json={"tree": both["tree"]})) == both
    document = problem(filled.post("language/parse", json={"tree": {"kind": "selektion"}}), 422, "invalid")
    assert document["problems"][0]["path"] == "$.tree.kind"
    problem(filled.post("language/parse", json={"expression": "points >"}), 422, "invalid-expression")
    problem(filled.post("language/parse", json={}), 422, "invalid")
    problem(filled.post("language/parse", json={**both}), 422, "invalid")
    assert "selection" in ok(site.get("/v1/language/schema.json"))["$defs"]
