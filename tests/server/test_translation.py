"""Rules of other programs over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.server.answers import count, ok, problem

RULES = {
    "combinator": "and",
    "rules": [
        {"field": "country", "operator": "=", "value": "fr"},
        {"field": "points", "operator": ">", "value": "30"},
    ],
}
LOGIC = {"and": [{"==": [{"var": "country"}, "fr"]}, {">": [{"var": "points"}, 30]}]}


@pytest.mark.parametrize(("form", "document"), [("react-querybuilder", RULES), ("jsonlogic", LOGIC)])
def test_rules_become_an_expression_that_counts(filled: httpx.Client, form: str, document: object) -> None:
    found = ok(filled.post("language/import", json={"form": form, "document": document}))
    assert found["expression"] == 'country = "fr" and points > 30'
    assert found["tree"]["condition"]["kind"] == "and"
    assert [note["code"] for note in found["notes"]] == ["forms-differ"]
    assert count(filled, found["expression"]) == 1


def test_an_expression_becomes_rules(filled: httpx.Client) -> None:
    body = {"form": "jsonlogic", "expression": 'country = "fr" and points > 30'}
    assert ok(filled.post("language/export", json=body))["document"] == LOGIC


def test_what_has_no_meaning_is_told_with_its_path_in_the_body(filled: httpx.Client) -> None:
    rules = [{"field": "contry", "operator": "=", "value": "FR"}, {"field": "points", "operator": "~=", "value": 3}]
    body = {"form": "react-querybuilder", "document": {"combinator": "and", "rules": rules}}
    told = problem(filled.post("language/import", json=body), 422, "invalid")["problems"]
    assert [found["path"] for found in told] == ["$.document.rules[0].field", "$.document.rules[1].operator"]
    assert told[0]["hint"] == "did you mean 'country'?"


def test_what_cannot_be_said_is_told_with_its_place(filled: httpx.Client) -> None:
    body = {"form": "react-querybuilder", "expression": "points > 3 and did open"}
    [found] = problem(filled.post("language/export", json=body), 422, "invalid-expression")["problems"]
    assert (found["code"], found["span"]["column"]) == ("not-expressible", 16)


@pytest.mark.parametrize("document", [None, 3, "x", [], {}, {"rules": 3}, {"and": [[]]}])
def test_no_document_is_too_strange(filled: httpx.Client, document: object) -> None:
    for form in ("react-querybuilder", "jsonlogic"):
        problem(filled.post("language/import", json={"form": form, "document": document}), 422, "invalid")


def test_the_form_must_be_known(filled: httpx.Client) -> None:
    refused = problem(filled.post("language/import", json={"form": "sql", "document": {}}), 422, "invalid")
    assert refused["problems"][0]["path"] == "$.form"
