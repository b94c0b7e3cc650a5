"""The JSON form: lossless both ways, described by its schema, and junk is told where it lies."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_examples import EXAMPLES
from test_language_format import selections

from dsl import tree
from dsl.format import format
from dsl.json_form import from_json, json_schema, to_json
from dsl.json_kinds import EXPRESSIONS, KIND_OF, KINDS, MEMBERS
from dsl.parse import LIMITS, parse
from dsl.problems import CODES, NOWHERE, DataError, render

SCHEMA = json_schema()
VALID = jsonschema.Draft202012Validator(SCHEMA)
DOCUMENT = (Path(__file__).parents[2] / "docs" / "json-form.md").read_text()
PAIRS = re.findall(r"```tamis\n(.*?)```\s*```json\n(.*?)```", DOCUMENT, re.DOTALL)


def whole(condition, **more):
    return {"kind": "selection", "condition": condition, **more}


def problems(form):
    """(path, message, hint) of everything wrong with a form."""
    with pytest.raises(DataError) as caught:
        from_json(form)
    assert {problem.code for problem in caught.value.problems} <= set(CODES)
    return [(problem.path, problem.message, problem.hint) for problem in caught.value.problems]


FIELD = {"kind": "field", "name": "points"}
DAY = {"kind": "day", "text": "2026-01-01"}


# --- both ways -----------------------------------------------------------------------------------------------


@settings(max_examples=80)
@given(selections)
def test_nothing_is_lost(selection):
    form = json.loads(json.dumps(to_json(selection)))
    VALID.validate(form)
    again = from_json(form)
    assert again == selection
    assert format(again) == format(selection)
    assert to_json(again) == form


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_come_back_as_they_were(text):
    form = to_json(parse(text))
    VALID.validate(form)
    assert format(from_json(form)) == format(parse(text))
    assert all(node.span == NOWHERE for node in tree.walk(from_json(form)))


def test_comments_are_left_out():
    assert to_json(parse("# who\neveryone # all")) == whole({"kind": "everyone"})


def test_numbers_keep_their_digits():
    assert to_json(parse("12.50"))["condition"] == {"kind": "number", "value": "12.50"}
    assert format(from_json(whole({"kind": "number", "value": "12.50"}))) == "12.50"
    for value, text in [(3, "3"), (0.1, "0.1"), (2.0, "2.0"), (-0.0, "0.0"), (1e22, "1" + "0" * 22)]:
        assert format(from_json(whole({"kind": "number", "value": value}))) == text


def test_whatever_can_be_parsed_has_a_form():
    deepest = "newsletter"
    for _ in range(LIMITS.nesting):
        deepest = f"({deepest} or points > 1) and newsletter" if _ % 2 else f"any of ({deepest})"
    selection = parse(deepest)
    assert from_json(to_json(selection)) == selection


# --- the table of kinds --------------------------------------------------------------------------------------


def test_every_node_has_a_kind_but_names_and_comments():
    nodes = {found for found in vars(tree).values() if isinstance(found, type) and issubclass(found, tree.Node)}
    assert nodes - set(KIND_OF) == {tree.Node, tree.Identifier, tree.Comment, tree.Broken}
    assert len(KIND_OF) == len(KINDS)


def test_no_member_hides_the_kind():
    assert not [node for node, members in MEMBERS.items() if "kind" in {member.name for member in members}]


def test_the_schema_is_one_and_knows_every_kind():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == {*KINDS, "expression"}


# --- the documentation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "form"), PAIRS, ids=[text.strip()[:40] for text, _ in PAIRS])
def test_documented_forms_are_the_forms(text, form):
    assert to_json(parse(text)) == json.loads(form)
    assert format(from_json(json.loads(form))) == text.strip()


def test_there_are_documented_forms():
    assert len(PAIRS) >= 4


def documented(node):
    return " ".join(f"`{member.name}`{'' if member.required else '?'}" for member in MEMBERS[node])


def test_every_kind_is_documented_with_its_members_and_an_example():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", DOCUMENT, re.MULTILINE)
    assert {kind: members for kind, members, _ in rows} == {kind: documented(node) for kind, node in KINDS.items()}
    for kind, _, example in rows:
        for text in re.findall("``? ?(.*?) ?``?", example):
            assert KINDS[kind] in {type(node) for node in tree.walk(parse(text))}, (kind, text)


# --- junk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (3, ("$", "found 3, where 'selection' is needed", None)),
        ({}, ("$", "'kind' is missing", "add a 'kind': 'selection'")),
        ({"kind": "slection"}, ("$.kind", "there is no kind 'slection'", "did you mean 'selection'?")),
        ({"kind": ["and"]}, ("$.kind", "there is no kind a list of 1", "needed is 'selection'")),
        ({"kind": "and"}, ("$.kind", "'and' cannot stand here", "needed is 'selection'")),
        (
            {"kind": "selection"},
            ("$.condition", "'condition' is missing", "needed is a condition or a value"),
        ),
        (
            whole({"kind": "everyone"}, cuts=[]),
            ("$.cuts", "'selection' has no 'cuts'", "did you mean 'cut'?"),
        ),
        (
            whole({"kind": "everyone", 3: 4}),
            ("$.condition[3]", "'everyone' has no 3", "what it has: kind"),
        ),
        (
            whole({"kind": "or", "items": [FIELD]}),
            ("$.condition.items", "found a list of 1, where a list of at least 2 is needed", None),
        ),
        (
            whole({"kind": "or", "items": [FIELD, {"kind": "except", "item": FIELD}]}),
            ("$.condition.items[1].kind", "'except' cannot stand here", "needed is a condition or a value"),
        ),
        (
            whole({"kind": "and", "items": [{"kind": "except", "item": FIELD}, FIELD]}),
            ("$.condition", "the first item of an 'and' cannot be an 'except'", None),
        ),
        (
            whole({"kind": "calendar_period", "which": "lst", "unit": "week"}),
            ("$.condition.which", "found 'lst', where 'this', 'last' or 'next' is needed", "did you mean 'last'?"),
        ),
        (
            whole({"kind": "number", "value": -3}),
            ("$.condition.value", "found -3, where a number of at least 0 is needed", None),
        ),
        (
            whole({"kind": "number", "value": float("nan")}),
            ("$.condition.value", "found NaN, where a number of at least 0 is needed", None),
        ),
        (
            whole({"kind": "number", "value": "9" * 31}),
            ("$", "a number has at most 30 digits", None),
        ),
        (
            whole({"kind": "field", "name": "a`b"}),
            ("$.condition.name", "found 'a`b', where a name is needed", None),
        ),
        (
            whole({"kind": "arithmetic", "operators": ["+", "*"], "operands": [FIELD, FIELD, FIELD]}),
            ("$.condition", "the operators of one 'arithmetic' are all + and -, or all * and /", None),
        ),
        (
            whole({"kind": "arithmetic", "operators": ["+"], "operands": [FIELD]}),
            ("$.condition", "there is one operator between each two operands", None),
        ),
        (
            whole({"kind": "everyone"}, cut={"kind": "cut", "which": "top", "count": {"kind": "number", "value": 3}}),
            ("$.cut", "'top' and 'bottom' have a 'by' and no 'seed', 'random' a 'seed' and no 'by'", None),
        ),
    ],
)
def test_junk_is_told_with_its_place(form, problem):
    assert problems(form) == [problem]


def test_all_problems_are_told_at_once():
    form = whole({"kind": "textual", "test": "contain", "item": FIELD, "text": {"kind": "text"}, "negate": True})
    assert [path for path, _, _ in problems(form)] == [
        "$.condition.negate",
        "$.condition.test",
        "$.condition.text.value",
    ]


def test_what_no_text_says_is_refused():
    since = {"kind": "timing", "when": "since", "first": DAY}
    [(path, message, _)] = problems(whole({"kind": "timed", "item": FIELD, "timing": since, "negated": True}))
    assert path == "$"
    assert message == "the tree says what no expression can: unexpected 'since', written after 'points not'"
    [(_, message, _), *_] = problems(whole({"kind": "parameter", "name": "a)or(b"}))
    assert "what no expression can" in message


def test_a_tree_keeps_the_limits_of_texts():
    deep = FIELD
    for _ in range(50_000):
        deep = {"kind": "not", "item": deep}
    assert problems(whole(deep))[0][1] == "the tree is more than 128 nodes deep"
    assert problems(whole({"kind": "or", "items": [FIELD] * 20_000}))[0][1] == "the tree has more than 8,000 nodes"
    assert "65,536" in problems(whole({"kind": "text", "value": "x" * 70_000}))[0][1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([*KINDS, "last", "=", "+"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(
            lambda kind, members: {"kind": kind, **members},
            st.sampled_from(list(KINDS)),
            st.dictionaries(st.sampled_from(["item", "items", "name", "value", "selector", "text"]), inner),
        )
    ),
    max_leaves=12,
)


def told_or_taken(form):
    try:
        selection = from_json(form)
    except DataError as error:
        found = error.problems
    else:
        assert parse(format(selection)) == selection
        return
    assert found
    assert all(problem.path and problem.path.startswith("$") for problem in found)


@given(json_values)
def test_anything_is_taken_or_told(form):
    told_or_taken(form)
    told_or_taken(whole(form))


@settings(max_examples=80)
@given(selections, st.data())
def test_a_damaged_form_is_taken_or_told(selection, data):
    form = to_json(selection)
    spot = form
    while True:
        key = data.draw(st.sampled_from(list(spot) if isinstance(spot, dict) else range(len(spot))))
        if not isinstance(spot[key], dict | list) or data.draw(st.integers(0, 5)) == 0:
            break
        spot = spot[key]
    spot[key] = data.draw(json_values)
    told_or_taken(form)


def test_expressions_are_those_of_the_tree():
    assert {"and", "field", "did", "duration"} <= {KIND_OF[node] for node in EXPRESSIONS}
    assert not {"except", "selector", "list", "cut"} & {KIND_OF[node] for node in EXPRESSIONS}


def test_documented_problems_are_the_problems():
    [(form, shown)] = re.findall(r"```problems\n(.*?)\n----\n(.*?)\n```", DOCUMENT, re.DOTALL)
    with pytest.raises(DataError) as caught:
        from_json(json.loads(form))
    assert [render(problem, "") for problem in caught.value.problems] == shown.splitlines()
