"""Budgets over HTTP: what exceeds one is refused with the estimate, and the budget of a workspace is patched."""

import pytest

from tests.server.answers import count, ok, problem

DEAR = "did open" + " then purchase within 1 month then open within 1 month" * 5


@pytest.fixture
def poor(filled):
    """A workspace whose budget is a millisecond, and in which a sequence costs more."""
    events = [
        {"contact": f"c{n % 500}", "type": kind, "at": f"2026-10-{1 + n % 30:02}"}
        for n in range(10_000)
        for kind in ("open", "purchase")
    ]
    ok(filled.post("events", json={"events": events}))
    ok(filled.patch("limits", json={"budget_ms": 1}))
    return filled


@pytest.mark.parametrize("route", ["count", "contacts", "export", "explain"])
def test_what_exceeds_the_budget_is_refused(poor, route):
    expression = f'country = "FR"\nor {DEAR}'
    found = problem(poor.post(f"query/{route}", json={"expression": expression}), 422, "too-costly")
    [told] = found["problems"]
    assert told["code"] == "too-costly"
    assert (told["span"]["line"], told["span"]["column"]) == (2, 4)
    assert expression[told["span"]["start"] : told["span"]["end"]] == DEAR
    assert "the budget of the workspace is 1 ms" in told["message"]
    assert "window" in told["hint"]
    assert count(poor, 'country = "FR"') == 2


def test_one_of_many(poor):
    found = problem(poor.post("query/count", json={"expressions": ["everyone", DEAR]}), 422, "too-costly")
    assert found["problems"][0]["path"] == "$.expressions[1]"


def test_checking_tells_it(poor):
    checked = ok(poor.post("language/check", json={"expression": DEAR}))
    assert [told["code"] for told in checked["problems"]] == ["too-costly"]


def test_segments(poor):
    problem(poor.put("segments/dear", json={"expression": DEAR}), 422, "too-costly")
    ok(poor.patch("limits", json={"budget_ms": None}))
    assert ok(poor.put("segments/dear", json={"expression": DEAR}), 201)["count"] is not None
    ok(poor.patch("limits", json={"budget_ms": 1}))
    view = ok(poor.get("segments/dear"))
    assert view["count"] is None
    assert "the budget of the workspace is 1 ms" in view["refused"]
    assert [each["count"] for each in ok(poor.get("segments"))["segments"]] == [None]
    problem(poor.get("segments/dear/contacts"), 422, "too-costly")


def test_the_budget_of_a_workspace(filled):
    assert ok(filled.get("limits")) == {"budget_ms": 20_000, "own": False}
    assert ok(filled.patch("limits", json={"budget_ms": 1500})) == {"budget_ms": 1500, "own": True}
    assert ok(filled.get("limits")) == {"budget_ms": 1500, "own": True}
    assert ok(filled.patch("limits", json={"budget_ms": None})) == {"budget_ms": 20_000, "own": False}


@pytest.mark.parametrize("body", [{}, {"budget_ms": 0}, {"budget_ms": "1 s"}, {"budget": 5}])
def test_budgets_that_cannot_be(filled, body):
    problem(filled.patch("limits", json=body), 422, "invalid")


def test_explanations_tell_costs(filled):
    explanation = ok(filled.post("query/explain", json={"expression": 'country = "FR" and points > 30'}))
    assert 0 < explanation["cost_ms"] < explanation["budget_ms"] == 20_000
    physical = explanation["physical"]
    assert physical["cost_ms"] == explanation["cost_ms"]
    assert all(0 < item["cost_ms"] < physical["cost_ms"] for item in physical["inputs"])
