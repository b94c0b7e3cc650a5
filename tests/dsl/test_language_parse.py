import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_examples import EXAMPLES, SCHEMA, SEGMENTS

from dsl import tree
from dsl.automaton import automaton
from dsl.check import check, understand
from dsl.lexing import END, SIGNS, WORDS
from dsl.parse import LIMITS, NODES_A_LEVEL, _Pass, parse, read
from dsl.problems import MOST_PROBLEMS, ExpressionError, Span, render
from dsl.vocabulary import FOREIGN, TERMINALS


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_parses_and_fits_the_schema(text):
    assert check(parse(text), SCHEMA, segments=SEGMENTS, text=text) == understand(text, SCHEMA, segments=SEGMENTS)


def test_spans_cover_what_was_written():
    text = 'country = "FR"  and  did open in last 7 days'
    country, did = parse(text).condition.items
    assert text[country.span.start : country.span.end] == 'country = "FR"'
    assert text[did.span.start : did.span.end] == "did open in last 7 days"
    assert did.selector.timing.first.span == Span(33, 44)


def test_where_trees_were_written_does_not_count_when_they_are_compared():
    said, again, other = map(parse, ('country = "FR"', '# spaced\n  country   = "FR"', 'country = "BE"'))
    assert (said == again, said != again, hash(said) == hash(again)) == (True, False, True)
    assert (said == other, said != other) == (False, True)
    assert tree.Text(Span(0, 1), "a") != tree.Identifier(Span(0, 1), "a")


def test_words_are_read_in_any_case():
    assert parse('country = "FR" AND NOT newsletter') == parse('country = "FR" and not newsletter')


def test_words_are_names_where_they_cannot_be_words():
    assert parse("top > 3 and by = 2") == parse("`top` > 3 and `by` = 2")
    assert parse("did visit(at > now)").condition.selector.where.left == tree.FieldName(
        Span(0, 0), tree.Identifier(Span(0, 0), "at")
    )
    assert parse("innocent = 1") == parse("`innocent` = 1")


def test_not_binds_tightest_then_and_then_or():
    assert parse("not a and b or c") == parse("((not a) and b) or c")
    assert parse("a or b and c except d") == parse("a or (b and c except d)")
    assert parse("a and b or c") != parse("a and (b or c)")


def test_products_bind_tighter_than_sums():
    assert parse("1 + a * 2 > 3") == parse("1 + (a * 2) > 3")
    assert parse("1 - a - 2 > 3") != parse("1 - (a - 2) > 3")


def test_comments_and_lines_do_not_change_the_meaning():
    assert parse('# all\ncountry = "#FR" # not this\n  and newsletter') == parse('country = "#FR" and newsletter')


def test_a_text_may_have_a_tree_and_problems():
    reading = read('country == "FR" && nope')
    assert reading.selection == parse('country = "FR" and nope')
    assert [problem.code for problem in reading.problems] == ["foreign-form", "foreign-form"]


def test_problems_of_form_and_of_meaning_come_together():
    with pytest.raises(ExpressionError) as caught:
        understand('contry == "FR" and pionts > 3 and did opne and plan = "Por"', SCHEMA)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["unknown-field", "foreign-form", "unknown-field", "unknown-event", "unknown-option"]


def test_what_may_come_is_told_in_words():
    (problem,) = read("did purchase at least 3").problems
    assert problem.expected == ("times",)
    (problem,) = read("points").problems or read("points >").problems
    assert {"a number", "a date", "today"} <= set(problem.expected)


def test_a_parsed_text_is_remembered():
    assert read("points > 31") is read("points > 31")


# --- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * (LIMITS.length + 1), "too-long"),
        ("(" * LIMITS.length, "too-deep"),
        ("not " * (LIMITS.length // 4), "too-deep"),
        ("!" * LIMITS.length, "too-deep"),
        ("-" * LIMITS.length, "too-deep"),
        ("a = " + "(-" * (LIMITS.length // 3), "too-deep"),
        ("a or " * (LIMITS.length // 5), "too-many-nodes"),
        ("points > 1" + "+1" * 30_000, "too-many-nodes"),
        ('"' * LIMITS.length, "too-many-nodes"),
        ("a = '" + "\\" * 60_000, "unterminated-text"),
        ("points > " + "9" * 31, "number-too-long"),
        ("email matches /" + "a" * 1_001 + "/", "regex-too-long"),
    ],
)
def test_limits_have_their_own_codes_and_are_met_quickly(text, code):
    parse("points > 1")  # builds the parser
    begun = time.perf_counter()
    assert read.__wrapped__(text).problems[-1].code == code
    assert time.perf_counter() - begun < 2


def nested(depth):
    return "not (newsletter and (points > 3 or " * (depth // 2) + "newsletter" + "))" * (depth // 2)


def test_what_is_within_the_limits_is_understood():
    understand(nested(40), SCHEMA)
    understand("points > 1" + " + 1" * LIMITS.nesting, SCHEMA)
    understand("(" * LIMITS.nesting + "newsletter" + ")" * LIMITS.nesting, SCHEMA)
    understand(" or ".join(["newsletter"] * 4_000), SCHEMA)


def test_a_long_chain_of_arithmetic_is_too_deep():
    with pytest.raises(ExpressionError) as caught:
        understand("points" + " + points" * (LIMITS.nesting + 1) + " > 1", SCHEMA)
    assert [problem.code for problem in caught.value.problems] == ["too-deep"]


def test_problems_without_end_are_cut_short():
    begun = time.perf_counter()
    with pytest.raises(ExpressionError) as caught:
        understand(" or ".join(f"contry{n} == 1" for n in range(2_000)), SCHEMA)
    assert 0 < len(caught.value.problems) <= 2 * MOST_PROBLEMS
    assert time.perf_counter() - begun < 2


# --- any text ------------------------------------------------------------------------------------------------


def survives(text):
    try:
        understand(text, SCHEMA, segments=SEGMENTS)
        problems = None
    except ExpressionError as error:
        problems = error.problems
    assert problems is None or all(render(problem, text) for problem in problems)
    assert problems != ()


@given(st.text())
def test_any_text_gives_a_tree_or_problems(text):
    survives(text)


PIECES = sorted({word for example in EXAMPLES for word in example.replace("(", " ( ").replace(")", " ) ").split()})


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*PIECES, "==", "&&", "\n#", "«", '"', "`", "null", "$x", ","]), max_size=14).map(" ".join)
)
def test_any_pieces_of_expressions_give_a_tree_or_problems(text):
    survives(text)


@settings(max_examples=200)
@given(st.sampled_from(EXAMPLES), st.data())
def test_a_broken_example_gives_a_tree_or_problems(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    survives(text[:start] + data.draw(st.text(max_size=3)) + text[end:])


# --- tables --------------------------------------------------------------------------------------------------


def terminals():
    """What the grammar's automaton can take in some state."""
    return {terminal for row in automaton().rows for terminal in row}


def test_every_terminal_has_words():
    assert terminals() == set(TERMINALS) | FOREIGN


def test_every_terminal_can_be_read_and_nothing_else():
    words = {terminal for readings in WORDS.values() for terminal, _ in readings}
    shapes = {"NAME", "QUOTED_NAME", "STRING", "REGEX", "PARAMETER", "NUMBER", "DAY", "MONTH", "INSTANT", END}
    assert words | set(SIGNS.values()) | shapes == terminals()


@given(st.sampled_from(EXAMPLES), st.data())
def test_the_tree_is_no_deeper_than_its_nesting_allows(text, data):
    depth = data.draw(st.integers(0, 12))
    opened, closed = data.draw(st.sampled_from([("(", ")"), ("not (", ")"), ("any of (", ", did open)")]))
    reading = _Pass(opened * depth + f"({text})" * (depth > 0) + text * (depth == 0) + closed * depth)
    selection = reading.run().selection
    assert selection is None or tree.depth(selection) <= NODES_A_LEVEL * (reading.level + 2)
