"""Problems that `problems.txt` cannot hold: of texts beyond the limits, and of bodies, shown by their paths."""

import re
from pathlib import Path

import pytest
from language_examples import SCHEMA

from dsl.check import understand
from dsl.json_form import from_json
from dsl.parse import LIMITS
from dsl.problems import CODES, DataError, ExpressionError, render
from dsl.schema_json import patched

BEYOND = {
    "too-long": (
        "a" * (LIMITS.length + 1),
        "the expression has 65,537 characters; at most 65,536 are taken",
    ),
    "too-deep": (
        "(" * (LIMITS.nesting + 1),
        "the expression nests more than 64 levels; save parts of it as segments",
    ),
    "too-many-nodes": (
        "a or " * (LIMITS.nodes // 2) + "a",
        "the expression has more than 8,000 words, values, signs and comments; save parts of it as segments",
    ),
    "regex-too-long": (
        "email matches /" + "a" * LIMITS.regex + "/",
        "the regular expression has 1,002 characters; at most 1,000 are taken",
    ),
    "bad-character": ('name = "\ud800"', "half a surrogate pair is no character"),
    "unused-parameter": ("newsletter", "the parameter 'x' is given a value, and $x stands nowhere"),
}
"""Code -> (text, what is said)."""

PATCHES = {
    "bad-schema": ({"contacts": {"a": 3}}, "$.contacts.a  an object is needed"),
    "bad-name": (
        {"contacts": {"": {"type": "text"}}},
        "$.contacts[\"\"]  '' cannot be a name; 1 to 200 printable characters, no backtick, no space at either end",
    ),
    "reserved-name": ({"contacts": {"id": {"type": "text"}}}, "$.contacts.id  the name 'id' is the system's own"),
    "unknown-type": (
        {"contacts": {"a": {"type": "textt"}}},
        "$.contacts.a.type  there is no type 'textt'; did you mean 'text'?",
    ),
    "bad-decimals": (
        {"contacts": {"a": {"type": "number", "decimals": 9}}},
        "$.contacts.a.decimals  a number has 0 to 6 decimals",
    ),
    "bad-options": (
        {"contacts": {"a": {"type": "choice", "options": []}}},
        "$.contacts.a.options  a list of at least one text is needed",
    ),
    "bad-timezone": (
        {"timezone": "Europe/Pari"},
        "$.timezone  there is no time zone 'Europe/Pari'; as in 'Europe/Paris'",
    ),
    "field-has-data": (
        {"contacts": {"country": {"type": "number"}}},
        "$.contacts.country.type  'country' is of type text and has data; add a field of another name",
    ),
}
"""Code -> (schema patch, what is said)."""

TREES = {"bad-tree": ({"kind": "nope"}, "$.kind  there is no kind 'nope'; needed is 'selection'")}
"""Code -> (JSON form of an expression, what is said)."""


OTHER_TOOLS = {"bad-rules", "not-expressible", "forms-differ"}
"""Codes about rules of other tools, whose renderings lie with the tests of the exchange with them."""


def said(problem, text):
    return render(problem, text).splitlines()[0]


@pytest.mark.parametrize("code", BEYOND)
def test_what_is_beyond_a_limit_is_told_so(code):
    text, message = BEYOND[code]
    with pytest.raises(ExpressionError) as caught:
        understand(text, SCHEMA, params={"x": 1} if code == "unused-parameter" else {})
    problem = caught.value.problems[-1]
    assert problem.code == code
    assert re.sub(r"^\d+:\d+  ", "", said(problem, text)) == message
    for line in render(problem, text.replace("\ud800", "?")).splitlines():
        assert len(line) < 200


@pytest.mark.parametrize("code", PATCHES)
def test_what_is_wrong_with_a_schema_is_told_by_its_path(code):
    patch, message = PATCHES[code]
    with pytest.raises(DataError) as caught:
        patched(SCHEMA, patch, has_data=lambda scope, event, name: True)
    assert [(problem.code, render(problem, "")) for problem in caught.value.problems] == [(code, message)]


@pytest.mark.parametrize("code", TREES)
def test_what_is_wrong_with_a_tree_is_told_by_its_path(code):
    tree, message = TREES[code]
    with pytest.raises(DataError) as caught:
        from_json(tree, "$")
    assert [(problem.code, render(problem, "")) for problem in caught.value.problems] == [(code, message)]


def test_every_code_has_a_golden_rendering():
    cases = Path(__file__).with_name("problems.txt").read_text()
    shown = set(re.findall(r"^\[([a-z-]+)\]$", cases, re.MULTILINE))
    assert shown | set(BEYOND) | set(PATCHES) | set(TREES) | OTHER_TOOLS >= set(CODES)
