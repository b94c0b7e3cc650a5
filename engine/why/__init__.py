"""Why one contact matches an expression, or does not: what decides, what is behind it, and what would change it.

contact.py    one contact at one moment, asked through the plans that answer for all
reasons.py    the tree: which conditions hold, and which of them decide
leaves.py     the values and events behind a condition; following.py the steps of a sequence, spans.py regularity
changing.py   what would have to change; turning.py what time alone will change
words.py      phrases and values, with a table for each language; rendering.py the tree as text
"""

from collections.abc import Mapping

from dsl.describe import Code
from engine.why.answer import Change, Events, Happening, Kind, Node, Rank, StepFound, Turn, Value, Why
from engine.why.contact import Contact
from engine.why.english import ENGLISH_WORDS
from engine.why.french import FRENCH_WORDS
from engine.why.reasons import why
from engine.why.words import Words

WORDS: Mapping[Code, Words] = {words.language.code: words for words in (ENGLISH_WORDS, FRENCH_WORDS)}
"""The words of every language."""

__all__ = [
    "WORDS",
    "Change",
    "Contact",
    "Events",
    "Happening",
    "Kind",
    "Node",
    "Rank",
    "StepFound",
    "Turn",
    "Value",
    "Why",
    "why",
]
