"""The exact rendering of problems: `problems.txt` holds expressions, each with what people are shown."""

import re
from pathlib import Path

import pytest
from language_examples import SCHEMA, SEGMENTS

import dsl
from dsl.check import understand
from dsl.problems import CODES, ExpressionError, Problem, Span, closest, position, render

CASES = [case.split("\n----\n") for case in Path(__file__).with_name("problems.txt").read_text().split("\n====\n")]


def regex_problem(pattern):
    return "missing )" if pattern == "(" else None


def shown(text):
    with pytest.raises(ExpressionError) as caught:
        understand(text, SCHEMA, segments=SEGMENTS, regex_problem=regex_problem)
    assert caught.value.text == text
    return "\n".join(f"{render(problem, text)}\n[{problem.code}]" for problem in caught.value.problems)


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_problems_are_shown_so(text, expected):
    assert shown(text) == expected.strip()


def test_every_code_in_use_is_in_the_table_and_the_other_way_round():
    sources = [path.read_text() for path in Path(dsl.__file__).parent.rglob("*.py") if path.name != "problems.py"]
    used = {code for source in sources for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source)} & set(CODES)
    assert used | {"unexpected"} == set(CODES)
    raised = {code for source in sources for code in re.findall(r'Problem\(\s*"([a-z-]+)"', source)}
    assert raised <= set(CODES) | {"bad-value"}  # a cursor outside the text is a problem of the request


def test_every_code_of_expressions_has_a_case():
    schema_codes = list(CODES)[list(CODES).index("bad-schema") :]
    elsewhere = {"too-long", "too-deep", "too-many-nodes", "regex-too-long", "unused-parameter", "bad-character"}
    cases = {code for _, expected in CASES for code in re.findall(r"^\[([a-z-]+)\]$", expected, re.MULTILINE)}
    assert cases == set(CODES) - set(schema_codes) - elsewhere


def test_lines_and_columns_count_from_one():
    assert position("ab\ncd", 4) == (2, 2)
    assert shown('country = "FR"\nand contry = 1') == "\n".join(
        [
            "2:5  unknown field 'contry'; did you mean 'country'?",
            "     and contry = 1",
            "         ^^^^^^",
            "[unknown-field]",
        ]
    )


def test_carets_stand_under_wide_characters_and_stop_at_the_line():
    assert render(Problem("x", "m", span=Span(2, 4)), "日本語x") == "1:3  m\n     日本語x\n         ^^^"
    assert render(Problem("x", "m", span=Span(1, 9)), "abc\ndef") == "1:2  m\n     abc\n      ^^"
    assert render(Problem("x", "m", span=Span(3, 3)), "abc") == "1:4  m\n     abc\n        ^"


def test_a_long_line_is_cropped_around_the_problem():
    text = "a" * 500 + "!" + "b" * 500
    _, line, carets = render(Problem("x", "m", span=Span(500, 501)), text).splitlines()
    assert len(line) < 180
    assert line[len(carets) - 1] == "!"


def test_a_problem_of_a_body_shows_its_path():
    assert render(Problem("x", "no", "do", path="$.a[3]"), "") == "$.a[3]  no; do"


def test_the_closest_names_count_neither_case_nor_accents():
    assert closest("CIVILITE", ["country", "civilité"]) == ("civilité",)
    assert closest("zzz", ["country"]) == ()
