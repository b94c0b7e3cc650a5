"""Bad input: one form of error, the right status, never a 500 and never a partial write."""

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.problems import Span
from server.auth import Scope
from server.errors import Failure, place
from server.routes import ROUTES
from server.service import Limits
from tests.server.answers import count, ok, problem

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b'{"contacts": [', 400, "malformed"),
        (b'{"contacts": [{"id": "\xff"}]}', 400, "malformed"),
        (b'{"contacts": [{"a": ' + b"[" * 200_000, 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"contacts": [1]}', 422, "invalid"),
        (b'{"contacts": [], "x": 1}', 422, "invalid"),
    ],
)
def test_bodies_that_cannot_be_used(api, content, status, code):
    problem(api.post("contacts", content=content, headers=JSON), status, code)


def test_malformed_json_says_where(api):
    document = problem(api.post("contacts", content=b'{"contacts":\n  [@]}', headers=JSON), 400, "malformed")
    assert "line 2, column 4" in document["detail"]


def test_unknown_keys_show_the_closest(api):
    refused = problem(api.post("query/count", json={"expresion": "everyone"}), 422, "invalid")
    [found] = refused["problems"]
    assert (found["code"], found["path"]) == ("unknown-key", "$.expresion")
    assert "'expression'" in found["hint"]


def test_unknown_query_parameters_too(api):
    refused = problem(api.get("segments?tre=true"), 422, "invalid")
    assert refused["problems"][0]["hint"] == "did you mean 'tree'?"


def test_addresses(site, api):
    problem(site.get("/v2"), 404, "no-such-route")
    problem(site.get("/v1/workspaces/none/schema"), 404, "unknown-workspace")
    problem(site.put("/v1/workspaces/Not%20A%20Name"), 422, "invalid")
    refused = site.request("DELETE", "/healthz")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD"


def test_media_types(api):
    problem(api.post("contacts", content=b"x", headers={"Content-Type": "text/plain"}), 415, "unsupported-media-type")
    problem(api.post("query/count", content=b"x", headers={"Content-Type": "text/csv"}), 415, "unsupported-media-type")
    problem(api.post("imports?kind=contacts", content=b"x"), 415, "unsupported-media-type")


def test_other_hosts_and_pages_are_refused(site):
    problem(site.get("/healthz", headers={"Host": "evil.example"}), 403, "foreign-host")
    problem(site.get("/healthz", headers={"Origin": "https://evil.example"}), 403, "foreign-host")


def test_large_bodies_and_many_requests(tmp_path, serving):
    with serving(tmp_path, Limits(body=1000, running=0)) as (address, _):
        problem(httpx.post(f"{address}/v1/workspaces/default/contacts", json={}), 429, "too-busy")
    with serving(tmp_path, Limits(body=1000)) as (address, _):
        route = f"{address}/v1/workspaces/default/contacts"
        problem(httpx.post(route, content=b" " * 1001), 413, "too-large")
        problem(httpx.post(route, content=iter([b" " * 600] * 2)), 413, "too-large")


def test_columns_count_characters():
    shown = place("é\nab = c", Span(5, 6))
    assert (shown.line, shown.column) == (2, 4)


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.code)
def test_the_table_is_sound(failure):
    assert 400 <= failure.status < 600
    assert [f for f in Failure if f.code == failure.code] == [failure]


NAMES = (
    "contacts events companies expression expressions params at id type contact name add timezone identified_by "
    "country points interests limit fields sort cursor open"
)
KEYS = st.sampled_from(NAMES.split())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | KEYS
    | st.just("2026-01-01T00:00:00Z")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
TAKING = [operation for operation in ROUTES if operation.shape.body is not None and operation.scope is not Scope.ADMIN]


@settings(max_examples=25)
@pytest.mark.parametrize("operation", TAKING, ids=lambda operation: f"{operation.method} {operation.path}")
@given(value=VALUES, rows=st.booleans())
def test_no_body_breaks_the_server(site, operation, value, rows):
    site.put("/v1/workspaces/junk")
    path = operation.path.replace("{workspace}", "junk").replace("{key}", "k").replace("{id}", "x")
    [*names] = operation.shape.body.__struct_fields__
    body = {names[0]: value} if rows else value
    for media, encode in (("application/json", msgspec.json.encode), ("application/msgpack", msgspec.msgpack.encode)):
        try:
            content = encode(body)
        except (msgspec.EncodeError, OverflowError):
            continue
        response = site.request(operation.method, path, content=content, headers={"Content-Type": media})
        assert response.status_code < 500, response.text


@settings(max_examples=50)
@given(
    content=st.binary(max_size=60),
    media=st.sampled_from(["application/json", "application/msgpack", "text/csv", "application/x-ndjson"]),
)
def test_no_bytes_break_the_server(site, content, media):
    site.put("/v1/workspaces/junk")
    for route in ("contacts", "events", "query/count"):
        response = site.post(f"/v1/workspaces/junk/{route}", content=content, headers={"Content-Type": media})
        assert response.status_code < 500, response.text


def test_nothing_of_a_refused_write_is_there(filled):
    problem(filled.post("contacts", json={"contacts": [{"id": "x"}, {"id": 5}]}), 422, "invalid")
    assert count(filled, "everyone") == 3
    assert ok(filled.get("schema"))["contacts"]["points"]["type"] == "number"
