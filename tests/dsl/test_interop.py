"""Rule groups and JsonLogic: what each part becomes, and what is told of the rest."""

import json
import re
from pathlib import Path

import pytest
from language_examples import SCHEMA

from dsl.format import format
from dsl.interop import Form, read_rules, write_rules
from dsl.interop.logic_operands import VALUES
from dsl.interop.logic_reading import JOINTS
from dsl.interop.logic_tests import TESTS
from dsl.interop.rule_groups import OPERATORS
from dsl.parse import LIMITS, parse
from dsl.problems import MOST_PROBLEMS, DataError, ExpressionError, Problem, Span

GROUPS, INDEPENDENT, LOGIC = Form.RULE_GROUPS, Form.RULE_GROUPS_IC, Form.JSON_LOGIC


def rule(field, operator, value=None, **more):
    return {"field": field, "operator": operator, "value": value, **more}


def group(*rules, combinator="and", **more):
    return {"combinator": combinator, "rules": list(rules), **more}


def var(name):
    return {"var": name}


def read(form, document):
    return format(read_rules(form, document, SCHEMA).selection)


def notes(form, document):
    return [(note.path, note.message) for note in read_rules(form, document, SCHEMA).notes]


def refused(form, document):
    with pytest.raises(DataError) as caught:
        read_rules(form, document, SCHEMA)
    return {problem.path: problem for problem in caught.value.problems}


def write(form, text):
    return write_rules(form, parse(text), SCHEMA, text=text).document


def unsaid(form, text):
    with pytest.raises(ExpressionError) as caught:
        write(form, text)
    return [(text[p.span.start : p.span.end], p.code) for p in caught.value.problems]


# --- react-querybuilder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expression"),
    [
        (rule("country", "=", "FR"), 'country = "FR"'),
        (rule("country", "!=", "FR"), 'country != "FR"'),
        (rule("points", "<", 30), "points < 30"),
        (rule("points", "<=", "30.5"), "points <= 30.5"),
        (rule("points", ">", " -3 "), "points > -3"),
        (rule("points", ">=", 1e3), "points >= 1000.0"),
        (rule("url", "contains", "/pricing"), 'url contains "/pricing"'),
        (rule("name", "beginsWith", "Du"), 'name starts with "Du"'),
        (rule("email", "endsWith", ".fr"), 'email ends with ".fr"'),
        (rule("url", "doesNotContain", "x"), 'url not contains "x"'),
        (rule("name", "doesNotBeginWith", "x"), 'name not starts with "x"'),
        (rule("email", "doesNotEndWith", "x"), 'email not ends with "x"'),
        (rule("email", "null"), "email is not set"),
        (rule("email", "notNull"), "email is set"),
        (rule("country", "in", "FR, BE"), 'country in ("FR", "BE")'),
        (rule("country", "in", r"a\,b,c"), 'country in ("a,b", "c")'),
        (rule("age", "notIn", [18, "25"]), "age not in (18, 25)"),
        (rule("age", "between", "18,25"), "age between 18 and 25"),
        (rule("age", "notBetween", [18, 25]), "age not between 18 and 25"),
        (rule("newsletter", "=", True), "newsletter = true"),
        (rule("newsletter", "=", "false"), "newsletter = false"),
        (rule("expires", "<", "2026-06-30"), "expires < 2026-06-30"),
        (rule("signup", ">=", "2026-06-30T14:00"), "signup >= 2026-06-30T14:00"),
        (rule("plan", "=", "pro"), 'plan = "pro"'),
        (rule("interests", "contains", "ski"), 'interests has "ski"'),
        (rule("interests", "doesNotContain", "ski"), 'interests not has "ski"'),
        (rule("interests", "in", ["ski", "vtt"]), 'interests has any ("ski", "vtt")'),
        (rule("interests", "notIn", "ski,vtt"), 'interests not has any ("ski", "vtt")'),
        (rule("company.size", ">", "5"), "company.size > 5"),
        (rule("company", "notNull"), "company is set"),
        (rule("Date d'ajout", ">", "2026-01-01"), "`Date d'ajout` > 2026-01-01"),
        (rule("last_order", ">", "last_email", valueSource="field"), "last_order > last_email"),
        (rule("country", "in", ["name", "title"], valueSource="field"), "country = name or country = title"),
        (rule("points", "between", "age,score", valueSource="field"), "points between age and score"),
    ],
)
def test_a_rule_is_read(found, expression):
    assert read(GROUPS, group(found)) == expression


A, B, C = rule("points", "=", 1), rule("points", "=", 2), rule("points", "=", 3)


def test_groups_join_and_negate():
    inner = group(A, B, combinator="OR", id="g", path=[0])
    assert read(GROUPS, group(inner, C)) == "(points = 1 or points = 2) and points = 3"
    assert read(GROUPS, group(inner, **{"not": True})) == "not (points = 1 or points = 2)"


def test_independent_combinators_bind_as_everywhere():
    document = {"rules": [A, "or", B, "and", {"rules": [A, "or", C], "not": False}]}
    assert read(GROUPS, document) == "points = 1 or points = 2 and (points = 1 or points = 3)"


def test_no_rule_at_all_is_everyone():
    assert read(GROUPS, group()) == "everyone"
    assert read(GROUPS, group(**{"not": True})) == "not everyone"


def test_what_cannot_be_read_is_told_with_its_path():
    document = group(
        rule("contry", "=", "FR"),
        rule("country", "like", "F%"),
        rule("points", ">", "many"),
        rule("plan", "=", "Gold"),
        rule("age", "between", "18"),
        group(rule("expires", "=", "2026-02-30"), rule("points", "contains", "3"), group()),
        rule("interests", "=", group(rule("", "=", "ski")), match={"mode": "all"}),
        rule("~", "~"),
        "and",
        combinator="and",
    )
    found = refused(GROUPS, document)
    assert {path: problem.code for path, problem in found.items()} == {
        "$.rules[0].field": "unknown-field",
        "$.rules[1].operator": "bad-rules",
        "$.rules[2].value": "bad-rules",
        "$.rules[3]": "unknown-option",
        "$.rules[4].value": "bad-rules",
        "$.rules[5].rules[0].value": "no-such-date",
        "$.rules[5].rules[1].value": "bad-rules",
        "$.rules[5].rules[2].rules": "bad-rules",
        "$.rules[6].match": "bad-rules",
        "$.rules[7].field": "bad-rules",
        "$.rules[7].operator": "bad-rules",
        "$.rules[8]": "bad-rules",
    }
    assert found["$.rules[0].field"].hint == "did you mean 'country'?"


def tags(mode, *rules, threshold=None, **more):
    value = group(*rules, **{"combinator": "or", **more})
    return group(rule("interests", "=", value, match={"mode": mode, "threshold": threshold}))


SKI, MORE = rule("", "=", "ski"), rule("", "in", "vtt, golf")


@pytest.mark.parametrize(
    ("document", "expression"),
    [
        (tags("some", SKI), 'interests has any ("ski")'),
        (tags("some", SKI, MORE), 'interests has any ("ski", "vtt", "golf")'),
        (tags("atLeast", SKI, threshold=1), 'interests has any ("ski")'),
        (tags("none", MORE), 'interests not has any ("vtt", "golf")'),
        (tags("atMost", SKI, threshold=0), 'interests not has any ("ski")'),
    ],
)
def test_match_modes_ask_which_tags_are_there(document, expression):
    assert read(GROUPS, document) == expression


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (tags("all", SKI), "match"),
        (tags("atLeast", SKI, threshold=2), "match"),
        (tags("some", SKI, MORE, combinator="and"), "value"),
        (tags("some", rule("", "contains", "s")), "value"),
        (tags("some"), "value"),
        (group(rule("country", "=", group(SKI), match={"mode": "some"})), "match"),
    ],
)
def test_other_match_modes_are_told(document, part):
    assert list(refused(GROUPS, document)) == [f"$.rules[0].{part}"]


def test_very_many_problems_are_not_all_told():
    many = group(*[rule(f"countr{n}", "=", "FR") for n in range(1_000)])
    assert len(refused(GROUPS, many)) == MOST_PROBLEMS
    with pytest.raises(ExpressionError) as caught:
        write(LOGIC, " or ".join(f"did open at least {n} times" for n in range(1, 200)))
    assert len(caught.value.problems) == MOST_PROBLEMS


def test_a_combinator_that_is_none_is_told():
    assert list(refused(GROUPS, group(A, combinator="xor"))) == ["$.combinator"]
    assert list(refused(GROUPS, {"rules": [A, "xor", B]})) == ["$.rules[1]"]
    assert list(refused(GROUPS, {"rules": [A, B]})) == ["$.rules[1]"]
    assert list(refused(GROUPS, {"rules": [A, "and"]})) == ["$.rules[1]"]


def test_differences_are_noted():
    muted, strange = rule("country", "=", "BE", muted=True), rule("name", "=", "x", meta=1)
    found = notes(GROUPS, group(rule("country", "!=", "FR"), muted, strange))
    assert sorted(path or "" for path, _ in found) == ["", "$.rules[0]", "$.rules[1]", "$.rules[2]"]
    told = dict(found)
    assert "without 'country' are selected too" in told["$.rules[0]"]
    assert "muted" in told["$.rules[1]"]
    assert '"meta" is no part' in told["$.rules[2]"]
    assert "case or accents" in told[None]


def test_an_expression_is_written_as_groups():
    assert write(GROUPS, 'country = "FR" and (points > 30 or not newsletter)') == group(
        rule("country", "=", "FR"),
        group(rule("points", ">", 30), rule("newsletter", "!=", True), combinator="or"),
    )
    assert write(INDEPENDENT, "points = 1 and points = 2 and points = 3") == {"rules": [A, "and", B, "and", C]}


def test_days_that_bound_moments_mean_the_same_to_every_program():
    """A day's end is said as the next day's start, so that a program which reads days as midnight agrees."""
    assert write(GROUPS, "signup on 2026-06-30") == group(
        rule("signup", ">=", "2026-06-30"), rule("signup", "<", "2026-07-01")
    )
    assert write(GROUPS, "expires in 2026-06") == group(rule("expires", "between", ["2026-06-01", "2026-06-30"]))


def test_a_number_that_doubles_cannot_hold_is_written_as_its_digits():
    assert write(GROUPS, "score > 0.1234567890123456789") == group(rule("score", ">", "0.1234567890123456789"))


# --- JsonLogic -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logic", "expression"),
    [
        (True, "everyone"),
        (False, "nobody"),
        ({"==": [var("country"), "FR"]}, 'country = "FR"'),
        ({"==": ["FR", var("country")]}, 'country = "FR"'),
        ({"===": [var("country"), "FR"]}, 'country is exactly "FR"'),
        ({"!==": [var("country"), "FR"]}, 'country is not exactly "FR"'),
        ({"!=": [var("points"), 3]}, "points != 3"),
        ({"==": [var("points"), "3"]}, "points = 3"),
        ({"==": [var("points"), None]}, "points is not set"),
        ({"!==": [var("points"), None]}, "points is set"),
        ({">": [var("points"), 30]}, "points > 30"),
        ({"<": [var("points"), 30]}, "points < 30 or points is not set"),
        ({"and": [{"!=": [var("points"), None]}, {"<": [var("points"), 30]}]}, "points < 30"),
        ({"<=": [18, var("age"), 25]}, "age between 18 and 25"),
        ({"<": [18, var("age"), 25]}, "age > 18 and age < 25"),
        ({"<=": [-1, var("points"), 1]}, "points between -1 and 1 or points is not set"),
        ({"<": [var("expires"), "2026-01-01"]}, "expires < 2026-01-01"),
        ({">": [var("signup"), "2026-01-01"]}, "signup >= 2026-01-01T00:00:00Z"),
        ({"<": [var("signup"), "2026-01-01T10:00:00.000Z"]}, "signup < 2026-01-01T10:00:00.000Z"),
        ({"in": [var("country"), ["FR", "BE"]]}, 'country in ("FR", "BE")'),
        ({"!": {"in": [var("country"), ["FR"]]}}, 'country not in ("FR")'),
        ({"in": ["/x", var("url")]}, 'url contains "/x"'),
        ({"in": ["ski", var("interests")]}, 'interests has "ski"'),
        ({"some": [var("interests"), {"==": [var(""), "ski"]}]}, 'interests has any ("ski")'),
        ({"none": [var("interests"), {"in": [var(""), ["ski", "vtt"]]}]}, 'interests not has any ("ski", "vtt")'),
        ({"==": [{"substr": [var("name"), 0, 2]}, "Du"]}, 'name starts with "Du"'),
        ({"==": [{"substr": [var("name"), 0, 2]}, "nu"]}, 'name starts with "nu" or name is not set'),
        ({"==": [{"substr": [var("email"), -3]}, ".fr"]}, 'email ends with ".fr"'),
        ({"startsWith": [var("name"), "nu"]}, 'name starts with "nu"'),
        (var("newsletter"), "newsletter"),
        ({"!!": [var("points")]}, "points is set and points != 0"),
        ({"!": [var("email")]}, 'not (email is set and email is not exactly "")'),
        ({"missing": ["points", "age"]}, "points is not set or age is not set"),
        ({"missing_some": [1, ["points", "age"]]}, "not at least 1 of (points is set, age is set)"),
        ({"==": [var("company.id"), "acme"]}, 'company = "acme"'),
        ({">": [var("company.size"), 5]}, "company.size > 5"),
        (
            {"and": [{"!=": [var("points"), None]}, {">": [{"*": [{"+": [var("points"), 3]}, 2]}, 10]}]},
            "(points + 3) * 2 > 10",
        ),
        ({"or": [{"and": [var("newsletter")]}, {"!": {"==": [var("age"), 3]}}]}, "newsletter or age != 3"),
    ],
)
def test_logic_is_read(logic, expression):
    assert read(LOGIC, logic) == expression


@pytest.mark.parametrize(
    ("logic", "path"),
    [
        ({"==": [var("contry"), "FR"]}, "$['==']"),
        ({"and": [True, {"if": [True, True, False]}]}, "$.and[1].if"),
        ({"all": [var("interests"), {"==": [var(""), "x"]}]}, "$.all"),
        ({"===": [var("points"), "3"]}, "$['===']"),
        ({"<": [var("country"), "b"]}, "$['<']"),
        ({">": [var("points"), var("age")]}, "$"),
        ({"==": [var("signup"), "2026-01-01"]}, "$['==']"),
        ({"in": [var("country"), ["FR", None]]}, "$.in"),
        ({"==": [{"substr": [var("name"), 1, 2]}, "ab"]}, "$['==']"),
        ({"==": [{"cat": ["a", var("name")]}, "ab"]}, "$['==']"),
        ({"==": [var("company"), "acme"]}, "$['==']"),
        ({"==": [1, 1]}, "$['==']"),
        ({"or": []}, "$.or"),
        ({"+": [1, 2]}, "$['+']"),
        ({"a": 1, "b": 2}, "$"),
        ("FR", "$"),
        (None, "$"),
    ],
)
def test_logic_without_a_meaning_here_is_told(logic, path):
    assert [found.replace('"', "'") for found in refused(LOGIC, logic)] == [path]


def test_a_missing_value_that_counts_there_is_noted_and_kept():
    [(path, message)] = notes(LOGIC, {"and": [{"==": [var("newsletter"), True]}, {"<": [var("points"), 30]}]})
    assert path == "$.and[1]"
    assert "missing value for 0" in message


def test_guards_are_written_where_a_missing_value_would_count():
    some = {"!=": [var("points"), None]}
    assert write(LOGIC, "points > 30") == {">": [var("points"), 30]}
    assert write(LOGIC, "points < 30") == {"and": [some, {"<": [var("points"), 30]}]}
    assert write(LOGIC, "points / age > 2") == {
        "and": [
            some,
            {"!=": [var("age"), None]},
            {"!=": [var("age"), 0]},
            {">": [{"/": [var("points"), var("age")]}, 2]},
        ]
    }


def test_lengths_count_as_in_javascript():
    assert write(LOGIC, 'name starts with "😀"') == {"==": [{"substr": [var("name"), 0, 2]}, "😀"]}


# --- what cannot be said ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("did open and points > 3", ["did open"]),
        ("count(open) > 3 or signup in last 7 days", ["count(open)", "signup in last 7 days"]),
        ('in segment nowhere and sample 10% seed "x"', ["in segment nowhere", 'sample 10% seed "x"']),
        ('bucket("x", 2) = 1 or month of signup = 2', ['bucket("x", 2)', "month of signup"]),
        ('email matches /x/ or email like "a%"', ["email matches /x/", 'email like "a%"']),
        ("birthdate anniversary on today", ["birthdate anniversary on today"]),
        ("at most 1 of (newsletter, points > 1)", ["at most 1 of (newsletter, points > 1)"]),
        ("points > 1 top 5 by points", ["top 5 by points"]),
        ("points > $least", ["$least"]),
    ],
)
def test_every_part_that_cannot_be_said_is_told_with_its_place(form, text, parts):
    assert unsaid(form, text) == [(part, "not-expressible") for part in parts]


def test_each_form_tells_what_it_alone_cannot_say():
    assert unsaid(GROUPS, "points + 1 > age") == [("points + 1 > age", "not-expressible")]
    assert unsaid(GROUPS, 'country is exactly "FR"') == [('country is exactly "FR"', "not-expressible")]
    assert unsaid(LOGIC, "score > 0.1234567890123456789") == [("0.1234567890123456789", "not-expressible")]
    beyond = "last_order > 0001-01-01T00:00+14:00"
    assert unsaid(LOGIC, beyond) == [(beyond, "not-expressible")]


@pytest.mark.parametrize("form", Form)
def test_an_expression_that_is_wrong_is_told_as_such(form):
    with pytest.raises(ExpressionError) as caught:
        write(form, 'contry = "FR"')
    assert caught.value.problems[0] == Problem(
        "unknown-field", "unknown field 'contry'", "did you mean 'country'?", Span(0, 6)
    )


# --- limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [GROUPS, LOGIC])
def test_documents_nest_only_so_deep(form):
    document = True if form is LOGIC else A
    for _ in range(10_000):
        document = {"!": [document]} if form is LOGIC else group(document)
    assert [problem.code for problem in refused(form, document).values()] == ["too-deep"]


@pytest.mark.parametrize("form", [GROUPS, LOGIC])
def test_documents_hold_only_so_many_parts(form):
    many = LIMITS.nodes + 1
    document = {"and": [True] * many} if form is LOGIC else group(*[A] * many)
    assert [problem.code for problem in refused(form, document).values()] == ["too-many-nodes"]


# --- docs/other-rules.md ---------------------------------------------------------------------------------------

REFERENCE = (Path(__file__).parents[2] / "docs" / "other-rules.md").read_text()


def test_the_reference_names_every_form_operator_and_operation():
    groups, _, logic = REFERENCE.partition("## JsonLogic")
    assert set(Form) <= set(re.findall(r"^\| `([\w-]+)` \|", groups, re.MULTILINE))
    named = set(re.findall(r"`([^`]+)`", groups))
    assert {name for name in OPERATORS if not name.startswith("doesNot")} <= named
    assert {*JOINTS, *TESTS, *VALUES} <= set(re.findall(r"`([^`]+)`", logic))


def test_the_guard_of_the_reference_is_what_it_says():
    [document] = re.findall(r"```json\n(.*?)```", REFERENCE, re.DOTALL)
    assert read(LOGIC, json.loads(document)) == "points < 30"
    assert write(LOGIC, "points < 30") == json.loads(document)
