"""Texts of one shape are read as if each were the first."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.lexing import next_token
from dsl.parse import _SHAPES, LIMITS, _Pass, read
from dsl.shapes import COMMENTED, LONGEST, MOST_SHAPES, Shapes, learnt, taken_apart
from tests.dsl.language_examples import EXAMPLES

OTHERS = {
    "STRING": ('""', "'x'", '"a # b"', '"l\'été"', '"\\""', '"\\q"', "“x”", '"/5/"', '"12 `a`"'),
    "NUMBER": ("0", "7", "1_000", "12.50", "2026", "1" * 31),
    "DAY": ("2026-01-02", "2025-1-2", "2025-13-40"),
    "MONTH": ("2026-01", "1999-12", "2026-99"),
    "INSTANT": ("2026-01-02T10:00", "2026-01-02T10:00:00.5Z", "2026-01-02t10:00+02:00", "2026-01-02T"),
    "QUOTED_NAME": ("`a`", "`points`", "`l'âge 5 # x`"),
    "REGEX": ("/a/", "/5 'x' #/i", "/a\\/b/"),
    COMMENTED: ("#", "# x", "# 5 'x' `y` /z/ #"),
}
"""What may stand for a piece of each kind, right and wrong."""

ODD = (
    "a1 = 1 and _2 = 2 # 3",
    "`a 5` = 3 # `b` = 'x",
    "name matches /a'b#5/i and points > 2026",
    "name matches\n /a'5/ # x",
    "points / 2 > 3 / 4 and name = 'a/b/c'",
    "# first\nname = 'x' # second\n or points = 5 #",
    "points = $p5 and points = 5days",
    "did open(campaign = 'x')at least 3times",
    "name = 'x'and country = \"y\"",
    "signup after 2026-01-02T10:00Z5",
    "points = 1.5.5",
    "name = 'x",
    "everyone",
)
TEXTS = tuple(dict.fromkeys([*ODD, *EXAMPLES]))


def other_texts(text):
    """Texts of the same shape."""
    lasting, kinds, _ = parts(text)
    values = st.tuples(*(st.sampled_from(OTHERS[kind]) for kind in kinds))
    return values.map(lambda values: joined(lasting, values))


def parts(text):
    """What lasts, the kinds of the pieces between, and the pieces."""
    key, pieces = taken_apart(text)
    return key[: len(pieces) + 1], key[len(pieces) + 1 :], pieces


def joined(lasting, pieces):
    return "".join(part + piece for part, piece in zip(lasting, [*pieces, ""], strict=True))


def told(reading):
    """All of a reading, spans included."""
    return repr(reading.selection), reading.problems


def test_a_text_is_put_together_again():
    for text in TEXTS:
        lasting, kinds, pieces = parts(text)
        assert joined(lasting, pieces) == text
        assert len(kinds) == len(pieces)


def test_a_piece_is_of_the_kind_that_the_parser_reads():
    for kind, values in OTHERS.items():
        for value in values:
            before = "name matches " if kind == "REGEX" else "name = "
            token = next_token(before + value, len(before), {"REGEX"})
            if (token.type, token.value) == (kind, value) and value[0] not in "“«" and len(value) <= LIMITS.digits:
                assert parts(before + value)[1:] == ((kind,), [value])


@settings(max_examples=400)
@given(st.data())
def test_a_text_of_a_shape_that_was_learnt_is_read_as_if_it_were_the_first(data):
    text = data.draw(st.sampled_from(TEXTS))
    first = _Pass(text).run()
    if first.selection is not None and not first.problems:
        key, pieces = taken_apart(text)
        for _ in range(2):
            _SHAPES.met(key, pieces, first.selection)
    other = data.draw(other_texts(text))
    assert told(read.__wrapped__(other)) == told(_Pass(other).run())


@pytest.mark.parametrize(
    "text", ["name = 'x'", "points > 5 # 1", "`age` in (1, 2)", "name matches /x/", "signup on 2026-01"]
)
def test_ordinary_texts_have_shapes(text):
    key, pieces = taken_apart(text)
    assert pieces
    assert learnt(_Pass(text).run().selection, key, pieces) is not None


def test_pieces_within_other_tokens_have_no_shape():
    text = "name matches\n\n/a 5/"
    key, pieces = taken_apart(text)
    assert pieces == ["5"]
    assert learnt(_Pass(text).run().selection, key, pieces) is None


def test_a_shape_is_learnt_when_it_comes_again_and_few_are_remembered():
    shapes = Shapes()
    texts = [f"points = {number} and {' ' * number}vip" for number in range(MOST_SHAPES + 2)]
    keys = [taken_apart(text)[0] for text in texts]
    for _ in range(2):
        for text, key in zip(texts[:2], keys, strict=False):
            assert shapes.of(key) is None
            shapes.met(key, taken_apart(text)[1], _Pass(text).run().selection)
    assert all(map(shapes.of, keys[:2]))
    for text, key in [*zip(texts[2:], keys[2:], strict=True)] * 2:
        shapes.met(key, taken_apart(text)[1], _Pass(text).run().selection)
    assert shapes.of(keys[0]) is None, "the oldest made room"
    assert shapes.of(keys[-1])


def test_long_texts_have_none():
    text = " or ".join(f"points = {number}" for number in range(LONGEST // 8))
    assert len(text) > LONGEST
    assert told(read(text)) == told(_Pass(text).run())
    assert _SHAPES.of(taken_apart(text)[0]) is None


HOSTILE = (
    *("'", '"', "`", "\\", "'''", "\n", "\r\n", "\n raise SystemExit", "\u2028", "\u2029", "\x85", "\x0b", "\u202e"),
    *("{e0}", "{pieces[0]}", "%s", "#", "return", "k1", "e0 + 1", "; exit()", "pieces[0]))) or exit(", "𝐞𝐱𝐢𝐭"),
)
"""What would do harm, or be another program, in the middle of a source."""


def quoted(text, sign):
    return sign + text.replace("\\", "\\\\").replace(sign, "\\" + sign) + sign


def hostile_texts():
    """Texts in which that is a value, a name, a part of a regular expression or a comment, or stands alone."""
    for hostile in HOSTILE:
        line = re.sub(r"[\n\r]", "", hostile)
        double, single, name = quoted(hostile, '"'), quoted(hostile, "'"), quoted(line, "`")
        yield f"name = {double} and points > 3"
        yield f"name in ({single}, 'x') and points > 3"
        yield f"{name} = 'x' and {name} is set"
        yield f"name matches /{line.replace('/', '')}/ and points > 3"
        yield f"# {line}\nname = 'x' and {name} is set # {line}"
        yield f"name = 'x' and {hostile} points > 3"


def test_nothing_of_a_text_stands_in_the_source_that_makes_its_tree(monkeypatch):
    sources = []

    def run(source, known):
        sources.append(source)
        exec(source, known)

    monkeypatch.setattr("dsl.shapes.exec", run, raising=False)
    for text in hostile_texts():
        parsed = _Pass(text).run()
        key, pieces = taken_apart(text)
        if parsed.selection is not None and not parsed.problems:
            assert learnt(parsed.selection, key, pieces) is not None, text
            for _ in range(2):
                _SHAPES.met(key, pieces, parsed.selection)
        assert told(read.__wrapped__(text)) == told(parsed)
    assert len(sources) > 3 * len(HOSTILE)
    line = re.compile(r" (?:[en]\d+ = |return )[\w(), +.\[\]]*", re.ASCII)
    word = re.compile(r"[ekn]?\d+|pieces|len|Span|return", re.ASCII)
    for source in sources:
        first, *lines = source.split("\n")
        assert first == "def make(pieces):"
        assert all(map(line.fullmatch, lines))
        assert all(map(word.fullmatch, re.findall(r"\w+", " ".join(lines))))
