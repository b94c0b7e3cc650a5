"""Behind a mistake, everything else is still read: every independent problem is told, and no other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_examples import EXAMPLES, SCHEMA, SEGMENTS

from dsl import tree
from dsl.check import understand
from dsl.parse import parse, read
from dsl.problems import MOST_PROBLEMS, ExpressionError


def problems(text, **context):
    try:
        understand(text, SCHEMA, segments=SEGMENTS, **context)
    except ExpressionError as error:
        return error.problems
    return ()


def places(text, **context):
    """(code, what is underlined) of every problem."""
    return [(problem.code, text[problem.span.start : problem.span.end]) for problem in problems(text, **context)]


def test_every_problem_is_told_at_once():
    text = 'contry = "FR" and points >> 30 and did opne and age between 5'
    assert places(text) == [
        ("unknown-field", "contry"),
        ("foreign-form", ">>"),
        ("unknown-event", "opne"),
        ("unexpected-end", ""),
    ]
    assert all(problem.hint for problem in problems(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("points > and age < and newsletter", [("unexpected", "and"), ("unexpected", "and")]),
        ("newsletter) and contry = 1", [("unexpected", ")"), ("unknown-field", "contry")]),
        ("(newsletter or contry = 1", [("unknown-field", "contry"), ("unexpected-end", "")]),
        ("sum(amount garbage) > 3 and contry = 1", [("unexpected", "garbage"), ("unknown-field", "contry")]),
        ("did open(campaign = ) and contry = 1", [("unexpected", ")"), ("unknown-field", "contry")]),
        ("did open foo then purchase(amont > 3)", [("unexpected", "foo"), ("unknown-field", "amont")]),
        ('country = "FR\nand contry = 1', [("unterminated-text", '"FR'), ("unknown-field", "contry")]),
        ('country in ("FR" "BE") and contry is set', [("unexpected", '"BE"'), ("unknown-field", "contry")]),
        ("age betwen 5 and 10 and contry = 1", [("unexpected", "betwen"), ("unknown-field", "contry")]),
        ("did opne in last garbage", [("unknown-event", "opne"), ("unexpected", "garbage")]),
        ("did then open(campain = 1)", [("unexpected", "then"), ("unknown-field", "campain")]),
        (
            "in segment wemen 3 or contry",
            [("unknown-segment", "wemen"), ("unexpected", "3"), ("unknown-field", "contry")],
        ),
        ('country = "FR" top ten by contry', [("unexpected", "ten")]),
        ('contry = 1 top 10 by points "x"', [("unknown-field", "contry"), ("unexpected", '"x"')]),
        ("newsletter and and contry = 1", [("unexpected", "and"), ("unknown-field", "contry")]),
        (
            "newsletter and % or country = @ and points 3",
            [("unexpected", "%"), ("unexpected", "@"), ("unexpected", "3")],
        ),
        ("signup > 3 dayz", [("unexpected", "dayz")]),
    ],
)
def test_what_follows_from_a_mistake_is_not_told(text, expected):
    assert places(text) == expected


def test_a_parameter_in_what_cannot_be_read_is_not_said_to_be_unused():
    assert places("points >> $x and newsletter", params={"x": 1}) == [("foreign-form", ">>")]


def test_what_is_broken_stands_in_the_tree_and_only_there():
    reading = read("points >> 3 and newsletter")
    broken, sound = reading.selection.condition.items
    assert isinstance(broken.right, tree.Broken)
    assert sound == parse("newsletter").condition


SOUND = ["newsletter", 'country = "FR"', "did open in last 7 days", "(points > 3 or age < 18)", "age between 5 and 10"]
WRONG = [
    "points >> 3",
    "age < ",
    "did open in last garbage",
    "country 3",
    "(points > 3 or age ,)",
    "contry = 1",
    "did opne",
    "sum(amount purchase) > 3",
    'country in ("FR" "BE")',
    "points is",
    "[3]",
    "did open(campaign = )",
    "at least 2 of (newsletter, , did open)",
    "points 30 age",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(SOUND + WRONG), min_size=1, max_size=8), st.sampled_from([" and ", " or ", "\nand "]))
def test_each_wrong_condition_gives_one_problem_of_its_own(conditions, joint):
    text = joint.join(conditions)
    found = problems(text)
    assert len(found) == sum(condition in WRONG for condition in conditions)
    begin = 0
    for condition in conditions:
        end = begin + len(condition) + len(joint)
        inside = [p for p in found if begin <= p.span.start < max(end, begin + 1)]
        assert condition in SOUND or inside or end > len(text)
        begin = end


PLAIN = [text for text in EXAMPLES if not set("\\'`#/") & set(text)]


@settings(max_examples=400)
@given(st.sampled_from(PLAIN), st.data())
def test_one_mistake_gives_few_problems_and_one_near_it(text, data):
    gaps = [place for place, character in enumerate(text) if character == " " and text.count('"', 0, place) % 2 == 0]
    place = data.draw(st.sampled_from([0, *gaps, len(text)]))
    mistake = data.draw(st.sampled_from(["~", "@", "]", "3 3", "}", "= =", ",,"]))
    found = problems(f"{text[:place]} {mistake} {text[place:]}")
    assert 1 <= len(found) <= 3
    assert any(place - 30 <= problem.span.start <= place + 8 for problem in found)


def test_mistakes_without_end_are_cut_short():
    for unit in ("a b and ", ") ", "a ( ", "@ or ", "and ", '"\n', "did (", "a in (1 1), "):
        assert len(problems(unit * (60_000 // len(unit)))) <= 2 * MOST_PROBLEMS
