"""Segments: saved, guarded against lost edits, nested, their members chosen by rule and by hand."""

import pytest

from tests.server.answers import ok, problem


@pytest.fixture
def french(filled):
    ok(filled.put("segments/french", json={"name": "French", "expression": 'country = "FR"'}), 201)
    return filled


def members(api, key):
    return sorted(contact["id"] for contact in ok(api.get(f"segments/{key}/contacts"))["contacts"])


def test_a_segment_has_a_live_count(french):
    assert ok(french.get("segments/french"))["count"] == 2
    ok(french.post("contacts", json={"contacts": [{"id": "c3", "country": "FR"}]}))
    assert ok(french.get("segments/french"))["count"] == 3


def test_members(french):
    assert members(french, "french") == ["c1", "c2"]
    page = ok(french.get("segments/french/contacts?fields=id&limit=1"))
    assert len(page["contacts"]) == 1
    assert page["next"]
    assert ok(french.get("segments/french/contacts/c1")) == {"member": True}
    assert ok(french.get("segments/french/contacts/c3")) == {"member": False}
    assert ok(french.get("contacts/c1/segments")) == {"segments": [{"key": "french", "name": "French"}]}
    lines = french.get("segments/french/export?fields=id", headers={"Accept": "text/csv"}).text
    assert sorted(lines.split()) == ["c1", "c2", "id"]


def test_overrides_hold_until_reset(french):
    ok(french.post("segments/french/members", json={"add": ["c3"], "remove": ["c1"]}))
    assert members(french, "french") == ["c2", "c3"]
    ok(french.post("segments/french/members", json={"reset": ["c1", "c3"]}))
    assert members(french, "french") == ["c1", "c2"]


def test_a_static_segment(filled):
    ok(filled.put("segments/picked", json={"name": "Picked"}), 201)
    assert members(filled, "picked") == []
    ok(filled.post("segments/picked/members", json={"add": ["c2"]}))
    assert members(filled, "picked") == ["c2"]


def test_unknown_members_are_all_named(filled):
    ok(filled.put("segments/picked", json={}), 201)
    refused = problem(filled.post("segments/picked/members", json={"add": ["c1", "x", "y"]}), 422, "invalid")
    assert [p["path"] for p in refused["problems"]] == ["$.add[1]", "$.add[2]"]
    assert members(filled, "picked") == []


def test_a_child_narrows_its_parent_and_the_tree_shows_it(french):
    ok(french.put("segments/rich", json={"parent": "french", "expression": "points > 30"}), 201)
    ok(french.put("segments/all", json={"expression": "everyone"}), 201)
    assert members(french, "rich") == ["c1"]
    flat = ok(french.get("segments"))["segments"]
    assert {s["key"] for s in flat} == {"french", "rich", "all"}
    assert all("children" not in s for s in flat)
    roots = {s["key"]: s for s in ok(french.get("segments?tree=true"))["segments"]}
    assert set(roots) == {"french", "all"}
    assert [child["key"] for child in roots["french"]["children"]] == ["rich"]


def test_a_segment_in_use_is_not_deleted(french):
    ok(french.put("segments/rich", json={"name": "Rich", "expression": 'in segment "french" and points > 30'}), 201)
    refused = problem(french.delete("segments/french"), 409, "segment-in-use")
    assert "Rich" in refused["detail"]
    ok(french.delete("segments/rich"))
    ok(french.delete("segments/french"))
    assert ok(french.get("contacts/c1"))["id"] == "c1"


def test_cycles_are_named(french):
    ok(french.put("segments/b", json={"expression": 'in segment "french"'}), 201)
    body = {"name": "French", "expression": 'in segment "b"'}
    refused = problem(french.put("segments/french", json=body), 422, "invalid-expression")
    assert "french -> b -> french" in refused["detail"]


def test_etags_guard_edits(french):
    shown = french.get("segments/french")
    etag = shown.headers["etag"]
    assert french.get("segments/french", headers={"If-None-Match": etag}).status_code == 304
    body = {"name": "French", "expression": 'country = "FR" and points > 30'}
    saved = french.put("segments/french", json=body, headers={"If-Match": etag})
    assert ok(saved)["count"] == 1
    assert saved.headers["etag"] != etag
    problem(french.put("segments/french", json=body, headers={"If-Match": etag}), 412, "precondition-failed")
    problem(french.delete("segments/french", headers={"If-Match": etag}), 412, "precondition-failed")
    problem(french.put("segments/french", json=body, headers={"If-None-Match": "*"}), 412, "precondition-failed")
    ok(french.delete("segments/french", headers={"If-Match": saved.headers["etag"]}))


def test_saving_an_expression_with_problems(filled):
    refused = problem(filled.put("segments/x", json={"expression": "contry is set"}), 422, "invalid-expression")
    assert refused["problems"][0]["span"]["start"] == 0
    problem(filled.get("segments/x"), 404, "unknown-segment")


def test_keys_of_the_body_are_checked(filled):
    refused = problem(filled.put("segments/x", json={"expresion": "everyone"}), 422, "invalid")
    assert refused["problems"][0]["hint"] == "did you mean 'expression'?"
    problem(filled.put("segments/Not A Key", json={"expression": "everyone"}), 422, "invalid")
