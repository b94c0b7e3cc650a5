"""Searches over bytes, against Python's own; and literals of patterns, against the patterns."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.folding import fold
from engine.tables import searching
from engine.tables.literals import Literals, of_like, of_regex
from engine.tables.searching import Texts

LETTERS = st.text("abé ", max_size=30)


def arrow(texts, cut):
    """The texts as an Arrow array; cut out of a larger one, so that it does not begin where its bytes do."""
    return pa.array(["ab", *texts])[1:] if cut else pa.array(texts, pa.string())


@settings(max_examples=200, deadline=None)
@given(st.lists(LETTERS, max_size=200), st.text("abé ", max_size=4), st.booleans(), st.sampled_from([1, 1 << 17]))
def test_texts_that_have_another_inside_or_at_their_end_are_found(texts, part, cut, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "SEARCHED_AT_ONCE", at_once)
        searched = Texts(arrow(texts, cut))
        assert searched.containing(part).tolist() == [at for at, text in enumerate(texts) if part in text]
        assert searched.ending(part).tolist() == [at for at, text in enumerate(texts) if text.endswith(part)]
        some = range(len(texts) // 3, len(texts) // 2)
        assert searched.containing(part, some.start, some.stop).tolist() == [at for at in some if part in texts[at]]


def test_long_texts_and_matches_across_tiles_and_texts():
    texts = ["x" * (searching.TILE - 1) + "needle", "nee", "dle", "x" * 5000, "needle" * 900, ""]
    searched = Texts(pa.array(texts))
    assert searched.containing("needle").tolist() == [0, 4]
    assert searched.ending("needle").tolist() == [0, 4]
    assert searched.containing("needle" * 900).tolist() == [4]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("a\0", max_size=30), max_size=20), st.data())
def test_texts_that_end_with_a_long_one_are_found(texts, data):
    """Ends as long as three tails; bytes of nought stand for what a short text does not have."""
    whole = data.draw(st.sampled_from(texts or [""]))
    part = data.draw(st.sampled_from(["", "\0", "a"])) + whole[data.draw(st.integers(0, 30)) :]
    assert Texts(arrow(texts, True)).ending(part).tolist() == [
        at for at, text in enumerate(texts) if text.endswith(part)
    ]


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("^ab.*[0-9]{2}@", Literals("ab", "@")),
        ("Gmail\\.com$", Literals("", "gmail.com")),
        ("^ab?c", Literals("a", "c")),
        ("abc+d", Literals("", "abc")),
        ("^(a|b)c", Literals()),
        ("^ab(cd)?", Literals("ab")),
        ("a|b", Literals()),
        ("ab\\x41cd", Literals("", "ab")),
        ("[]a]bcd[[:alpha:]x]e", Literals("", "bcd")),
        ("ab{2,3}cd", Literals("", "cd")),
        ("^*ab", Literals()),
        ("é", Literals()),
    ],
)
def test_literals_of_patterns(pattern, literals):
    assert of_regex(pattern) == literals


ATOMS = st.sampled_from([*"aBks.", "\\.", "\\d", "[ab]", "[^a]", "[]k]", "[[:alpha:]1]", "$", "\\b", "(k)", "(?:a|b)"])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "+?", "*?", "{2}", "{0}", "{0,2}"])
PATTERNS = st.tuples(st.booleans(), st.lists(st.tuples(ATOMS, REPEATS).map("".join), max_size=5)).map(
    lambda drawn: "^" * drawn[0] + "".join(drawn[1])
)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.lists(st.text("aAbBkKsS.1ſ\u212aé\u0301-", max_size=8), min_size=1, max_size=20), st.booleans())
def test_what_matches_has_the_literals_when_folded(pattern, texts, ignore_case):
    literals = of_regex(pattern)
    matching = pc.match_substring_regex(pa.array(texts), pattern, ignore_case=ignore_case).to_pylist()
    for text in (text for text, matches in zip(texts, matching, strict=True) if matches):
        assert fold(text).startswith(literals.start)
        assert literals.inside in fold(text)


@given(st.text("ab%_", max_size=8), st.lists(st.text("ab", max_size=8), min_size=1))
def test_what_is_like_a_pattern_has_its_literals(pattern, texts):
    literals = of_like(pattern)
    like = pc.match_like(pa.array(texts), pattern).to_pylist()
    for text in (text for text, matches in zip(texts, like, strict=True) if matches):
        assert text.startswith(literals.start)
        assert literals.inside in text
