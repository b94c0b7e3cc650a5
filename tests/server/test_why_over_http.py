"""Why one contact matches, over HTTP."""

import pytest

from tests.server.answers import ok, problem

EXPRESSION = 'country = "FR" and points > 30'


@pytest.fixture
def saved(filled):
    """A segment, and a contact added to it by hand."""
    ok(filled.put("segments/rich", json={"name": "Rich", "expression": "points > 30"}), 201)
    ok(filled.post("segments/rich/members", json={"add": ["c3"]}))
    return filled


def why(api, contact, expression=EXPRESSION, headers=None, **more):
    body = {"expression": expression, "contact": contact, **more}
    return ok(api.post("query/why", json=body, headers=headers))


def test_the_condition_that_fails_decides(filled):
    answer = why(filled, "c2")
    assert (answer["contact"], answer["holds"], answer["expression"]) == ("c2", False, EXPRESSION)
    country, points = answer["root"]["items"]
    assert (country["holds"], country["deciding"]) == (True, False)
    assert (points["holds"], points["deciding"]) == (False, True)
    assert points["values"] == [{"name": "points", "value": 10, "shown": "10"}]
    assert EXPRESSION[points["span"]["start"] : points["span"]["end"]] == points["text"] == "points > 30"
    assert (points["span"]["line"], points["span"]["column"]) == (1, 20)
    assert points["needed"] == "Contacts whose points are more than 30."
    assert points["change"]["set"] == {"points": 31}
    assert points["change"]["sentence"] == "points would have to be at least 31 (it is 10)"


def test_what_is_to_be_set_does_it(filled):
    change = why(filled, "c2")["root"]["items"][1]["change"]
    ok(filled.post("contacts", json={"contacts": [{"id": "c2", **change["set"]}]}))
    assert why(filled, "c2")["holds"] is True


def test_parameters_and_the_clock(filled):
    event = {"contact": "c1", "type": "open", "at": "2026-01-10T00:00:00Z", "campaign": "Spring"}
    ok(filled.post("events", json={"events": [event]}))
    asked = "did open(campaign = $c) in last 7 days"
    leaf = why(filled, "c1", asked, params={"c": "spring"}, at="2026-01-12T00:00:00Z")["root"]
    assert leaf["holds"] is True
    assert leaf["events"][0]["newest"] == [
        {"type": "open", "at": "2026-01-10T00:00:00Z", "id": None, "properties": {"campaign": "Spring"}, "fails": []}
    ]
    assert leaf["turn"]["at"] == "2026-01-17T00:00:00.001Z"
    late = why(filled, "c1", asked, params={"c": "fall"}, at="2026-03-12T00:00:00Z")["root"]
    assert late["events"][0]["nearest"][0]["fails"] == [
        "before 5 March 2026 at 00:00, when the period begins",
        "campaign = $c does not hold",
    ]


def test_the_language_is_asked_for_or_accepted(filled):
    french = "points devrait valoir au moins 31 (vaut 10)"
    for answer in (why(filled, "c2", language="fr"), why(filled, "c2", headers={"Accept-Language": "fr-CA, en;q=0.5"})):
        assert answer["root"]["items"][1]["change"]["sentence"] == french
    assert "c2 ne répond pas" in why(filled, "c2", language="fr")["text"]


def test_why_a_member(saved):
    member = ok(saved.get("segments/rich/contacts/c1/why"))
    assert (member["holds"], member["root"]["kind"]) == (True, "segment")
    assert [(item["text"], item["segment"], item["deciding"]) for item in member["root"]["items"]] == [
        ("points > 30", "rich", True)
    ]
    by_hand = ok(saved.get("segments/rich/contacts/c3/why", params={"language": "fr"}))["root"]
    assert (by_hand["holds"], by_hand["by_hand"], by_hand["found"]) == (True, "added", "ajouté à la main")
    assert by_hand["items"][0]["deciding"] is False


def test_what_is_not_there_is_told(saved):
    problem(saved.post("query/why", json={"expression": "everyone", "contact": "c9"}), 404, "unknown-contact")
    problem(saved.get("segments/rich/contacts/c9/why"), 404, "unknown-contact")
    problem(saved.get("segments/poor/contacts/c1/why"), 404, "unknown-segment")
    problem(saved.post("query/why", json={"expression": "poinst > 3", "contact": "c1"}), 422, "invalid-expression")
    problem(saved.post("query/why", json={"expression": "everyone"}), 422, "invalid")
    problem(saved.get("segments/rich/contacts/c1/why", params={"language": "de"}), 422, "invalid")
    problem(saved.get("segments/rich/contacts/c1/why", params={"at": "soon"}), 422, "invalid")
