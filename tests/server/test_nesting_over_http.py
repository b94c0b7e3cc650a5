"""The deepest that may be saved and asked is answered by every route; anything deeper is a problem, in files too."""

from engine.nesting import MOST_DEEP, MOST_DEEP_SAVED
from server.segment_files.checking import check
from server.segment_files.reading import read_file
from tests.server.answers import ok, problem

SCHEMA = {"contacts": {"points": {"type": "number"}}}
LINKS = (MOST_DEEP_SAVED - 2) // 2 + 1
"""Each link holds the next two below itself; the last, a test of a field, is two deep."""


def negated(times, inner):
    return "points > 1 or not (" * times + inner + ")" * times


def asked(api, expression):
    """The expression through every route that walks a plan: two contacts, of whom one matches."""
    body = {"expression": expression}
    assert ok(api.post("query/count", json=body))["count"] == 1
    assert [row["id"] for row in ok(api.post("query/contacts", json=body))["contacts"]] == ["rich"]
    assert ok(api.post("query/explain", json=body))["physical"]["count"] == 1
    for language in ("en", "fr"):
        found = api.post("query/why", json={**body, "contact": "rich"}, headers={"Accept-Language": language})
        assert ok(found)["holds"] is True


def begun(api):
    ok(api.patch("schema", json=SCHEMA))
    ok(api.post("contacts", json={"contacts": [{"id": "rich", "points": 500}, {"id": "poor", "points": -1}]}))


def test_the_longest_chain_of_parents(api):
    begun(api)
    ok(api.put("segments/s0", json={"expression": "points > 0"}), 201)
    for link in range(1, LINKS):
        ok(api.put(f"segments/s{link}", json={"expression": f"points > {link}", "parent": f"s{link - 1}"}), 201)
    refused = api.put("segments/beyond", json={"expression": "points > 1", "parent": f"s{LINKS - 1}"})
    [told] = problem(refused, 422, "invalid")["problems"]
    assert (told["code"], told["path"]) == ("too-deep", "$.parent")
    assert f"a chain of {LINKS + 1} segments" in told["message"]
    top = f"segments/s{LINKS - 1}"
    assert ok(api.get(top))["count"] == 1
    assert ok(api.get(f"{top}/contacts/rich")) == {"member": True}
    assert ok(api.get(f"{top}/contacts/poor")) == {"member": False}
    assert len(ok(api.get("contacts/rich/segments"))["segments"]) == LINKS
    assert ok(api.get(f"{top}/contacts/rich/why"))["holds"] is True
    assert len(ok(api.get("segments"))["segments"]) == LINKS


def test_the_deepest_expression_on_the_deepest_segments(api):
    begun(api)
    ok(api.put("segments/low", json={"expression": negated(20, "points > 0")}), 201)
    ok(api.put("segments/middle", json={"expression": negated(19, 'not in segment "low"'), "parent": "low"}), 201)
    ok(api.put("segments/top", json={"expression": negated(18, 'in segment "middle"')}), 201)
    asked(api, negated(2, 'in segment "top"'))
    refused = api.post("query/count", json={"expression": negated(9, 'in segment "top"')})
    told = problem(refused, 422, "invalid-expression")["problems"]
    assert told[0]["code"] == "too-deep"
    assert f"at most {MOST_DEEP} are taken" in told[0]["message"]


def test_a_segment_file_that_nests_too_deep_is_told_where(tmp_path):
    links = (f"segment s{n} under s{n - 1}\n    points > {n}\n" for n in range(1, LINKS + 1))
    text = "schema\n    contacts\n        points number\n\nsegment s0\n    points > 0\n" + "".join(links)
    path = tmp_path / "deep.segments"
    path.write_text(text, "utf-8")
    file = read_file(path)
    [finding] = check(file, file.schema)
    assert finding.problem.code == "too-deep"
    assert text[finding.problem.span.start : finding.problem.span.end] == f"s{LINKS - 1}"
