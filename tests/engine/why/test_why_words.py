"""The languages of reasons: both have every phrase, with the same slots."""

import re
from fractions import Fraction

import pytest

from dsl.describe import Code
from dsl.measure import EXACT
from engine.why import WORDS
from engine.why.words import Need, Phrase


def slots(template):
    return set(re.findall(r"{(\w+)", template))


def test_every_language_has_its_words():
    assert set(WORDS) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_every_phrase_is_there(code):
    words = WORDS[code]
    assert (set(words.phrases), set(words.needs)) == (set(Phrase), set(Need))
    assert set(words.comparators) == {"=", "<", "<=", ">", ">="}


@pytest.mark.parametrize("phrase", Phrase)
def test_phrases_have_the_same_slots_in_every_language(phrase):
    english, *others = (slots(words.phrases[phrase]) for words in WORDS.values())
    assert all(other == english for other in others)


@pytest.mark.parametrize("need", Need)
def test_a_need_and_its_contrary_have_the_same_slots(need):
    found = [slots(side) for words in WORDS.values() for side in words.needs[need]]
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize(
    ("number", "shown"), [(Fraction(5, 2), "2.5"), (Fraction(7), "7"), (Fraction(1, 3), "≈ 0.333333")]
)
def test_quotients_are_rounded_only_when_they_must(number, shown):
    assert WORDS[Code.ENGLISH].value(number, EXACT, None) == shown
