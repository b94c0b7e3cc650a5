"""Where paths lead, however often they are asked for."""

import httpx
import pytest

from server.paths import LONGEST
from tests.server.answers import ok, problem


@pytest.mark.parametrize("times", [1, 2])
def test_ids_may_have_any_characters(filled, times):
    """What was remembered of one path is not taken for another that only looks the same once it is decoded."""
    ok(filled.post("contacts", json={"contacts": [{"id": "a/b"}, {"id": "a%2Fb"}]}))
    for _ in range(times):
        assert ok(filled.get("contacts/a%2Fb"))["id"] == "a/b"
        assert ok(filled.get("contacts/a%2fb"))["id"] == "a/b"
        assert ok(filled.get("contacts/a%252Fb"))["id"] == "a%2Fb"
        problem(filled.get("contacts/a/b"), 404, "no-such-route")


def test_an_address_that_leads_nowhere_still_leads_nowhere(site):
    for _ in range(2):
        problem(site.get("/nowhere"), 404, "no-such-route")


def test_long_paths_are_led_as_well(api):
    for _ in range(2):
        problem(api.get(f"contacts/{'x' * LONGEST}"), 404, "unknown-contact")


def test_a_path_takes_each_of_its_methods(site):
    for _ in range(2):
        assert site.get("/healthz").json() == {"status": "alive"}
        assert site.head("/healthz").status_code == 200
        refused = site.delete("/healthz")
        problem(refused, 405, "method-not-allowed")
        assert refused.headers["allow"] == "GET, HEAD"


def test_a_slash_too_many_is_taken_away(site):
    found = site.get("/docs/", follow_redirects=False)
    assert (found.status_code, httpx.URL(found.headers["location"]).path) == (307, "/docs")
