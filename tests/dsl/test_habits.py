"""Every habit of another language is told with what to write instead: written in its place, it makes the text right."""

import re
from pathlib import Path

import pytest
from language_examples import SCHEMA, SEGMENTS

from dsl.check import understand
from dsl.habits import FORMS, NAMES, SPELLINGS, WORDS, habit_at
from dsl.parse import parse
from dsl.problems import ExpressionError

LINES = Path(__file__).with_name("habits.txt").read_text().splitlines()
ROWS = [tuple(line.split(" -> ")) for line in LINES if not line.startswith("#")]


def problems(text):
    with pytest.raises(ExpressionError) as caught:
        understand(text, SCHEMA, segments=SEGMENTS)
    return caught.value.problems


def mended(text):
    """The text with what each hint says to write, written in the place of each problem."""
    for problem in reversed(problems(text)):
        form = re.match(r"(?:leave it out|write `(.*?)`|write straight quotes: (.*))", problem.hint)
        assert form, problem.hint
        text = f"{text[: problem.span.start]} {form[1] or form[2] or ''} {text[problem.span.end :]}"
    return text


@pytest.mark.parametrize(("text", "right"), ROWS)
def test_what_the_hints_say_makes_it_right(text, right):
    assert parse(mended(text)) == parse(right)
    understand(right, SCHEMA, segments=SEGMENTS)


@pytest.mark.parametrize(("text", "right"), ROWS)
def test_it_is_told_as_a_foreign_form(text, right):
    names = re.compile(rf"\b({'|'.join(NAMES)})\b", re.IGNORECASE)
    codes = {problem.code for problem in problems(text)}
    assert codes == {"foreign-form"} or (codes == {"unknown-field"} and names.search(text))


def test_every_form_has_a_row():
    families = {form.replace(r"\1", "#") for _, form in FORMS}
    texts = [text for text, _ in ROWS]
    unused = [p.pattern for p, _ in FORMS if not any(p.search(text) for text in texts)]
    assert len(unused) < len(families) / 3
    assert all(re.search("derni|il y a|a pas|ba (ouvert|cliqué|visité)", pattern) for pattern in unused)


def test_every_spelling_has_a_row():
    words = {word.lower() for text, _ in ROWS for word in re.findall(r"\w+|[^\w\s]+", text)} | {"null"}
    assert {written for _, written in SPELLINGS} <= words


@pytest.mark.parametrize("word", WORDS)
def test_advice_is_short_and_what_it_quotes_can_be_written(word):
    advice = WORDS[word]
    assert len(advice) < 90
    for quoted in re.findall(r"`([^`…]*)`", advice):
        if re.match(r"\w+ ", quoted) and quoted.split()[0] in ("age", "everyone"):
            parse(quoted)


def test_looking_for_habits_takes_little_time_wherever_it_is():
    for text in (
        "x" * 1000,
        "x " * 500,
        "a:" * 500,
        "'a''" * 250,
        "and (" * 200,
        "select " * 200,
        "+a" * 500,
        " " * 1000,
    ):
        assert habit_at(text, 500) is None or habit_at(text, 500).end <= 700
