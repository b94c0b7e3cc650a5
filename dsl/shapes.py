"""Shapes: texts that differ in their values alone are parsed alike, so that what the parser did once is done again.

Values are texts, numbers, dates, regular expressions and names in backticks; comments vary as freely. What stands
between two of them is the same to the last space in all texts of a shape, so that the same tokens come, in the same
order; and that order alone decides what the parser makes of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from dsl import tree
from dsl.build import Builder
from dsl.lexing import COMMENT, END, PATTERNS, REGEX, UNREADABLE, Token
from dsl.problems import Span

LONGEST = 1_000
"""Characters of a text whose shape is looked for: longer ones seldom come again."""
MOST_SHAPES = 256
"""As many are remembered, and as many that came once."""
COMMENTED = "COMMENT"
"""The terminal that pieces of comments have; the grammar has none."""

_builder = Builder()
VALUES: Mapping[str, Callable[[Any], tree.Node]] = {
    "STRING": _builder.text,
    "INSTANT": _builder.instant,
    "DAY": _builder.day,
    "MONTH": _builder.month,
    "NUMBER": _builder.number,
    "QUOTED_NAME": _builder.identifier,
    "REGEX": _builder.regex,
}
"""What makes the one node that a piece is, by its terminal."""
LEAVES = frozenset({tree.Text, tree.Instant, tree.Day, tree.Month, tree.Number, tree.Identifier, tree.Regex})
"""The kinds of these nodes."""

_FREE: Mapping[str, str] = {
    **{terminal: REGEX if terminal == "REGEX" else PATTERNS[terminal] for terminal in VALUES},
    COMMENTED: COMMENT,
    END: PATTERNS[END],
    UNREADABLE: PATTERNS[UNREADABLE],
}
"""What may vary, by terminal; and what ends a text, or cannot be a piece."""
_LASTING = r"""(?: [^"'“«`\#/\d]++ | (?<=\w)\d++ | (?<!\s(?i:matches)\s)/ )*+"""
"""What lasts: a digit after a letter is of a name, and a sign divides where no regular expression is asked for."""
_KINDS = ("", "", *_FREE)
_ENDING, _UNREADABLE = _KINDS.index(END), _KINDS.index(UNREADABLE)
_pieces = re.compile(
    f"({_LASTING})(?:" + "|".join(f"({pattern})" for pattern in _FREE.values()) + ")", re.VERBOSE
).finditer

Key = tuple[str | int, ...]
"""What is the same in texts of one shape: what stands between the pieces that vary, and of which kind these are."""

Make = Callable[[Sequence[Token]], tree.Selection]
"""What the parser would make of a text of one shape with these pieces; its comments are not in it."""


class Shapes:
    """The shapes met so far. One is learnt when it comes again, for most texts that come once never do."""

    def __init__(self) -> None:
        self._once: dict[Key, None] = {}
        self._learnt: dict[Key, Make | None] = {}
        self._lock = Lock()

    def of(self, key: Key) -> Make | None:
        return self._learnt.get(key)

    def met(self, key: Key, pieces: Sequence[Token], selection: tree.Selection) -> None:
        """A text was read, and nothing is wrong with it."""
        if key in self._learnt:
            return
        with self._lock:
            if key in self._once:
                del self._once[key]
                _put(self._learnt, key, learnt(selection, pieces))
            else:
                _put(self._once, key, None)


def _put(known: dict[Key, Any], key: Key, value: Make | None) -> None:
    """The oldest makes room."""
    known[key] = value
    if len(known) > MOST_SHAPES:
        del known[next(iter(known))]


def taken_apart(text: str) -> tuple[Key, list[Token]]:
    """The key of the shape that a text has, and the pieces that vary, as the tokens that they are if it is sound."""
    key: list[str | int] = []
    pieces: list[Token] = []
    for match in _pieces(text):
        kind = match.lastindex or _UNREADABLE
        lasting, value = match.group(1, kind)
        key += (lasting, kind)
        if kind == _ENDING:
            break
        pieces.append(Token(_KINDS[kind], value, Span(*match.span(kind))))
    return tuple(key), pieces


def learnt(selection: tree.Selection, pieces: Sequence[Token]) -> Make | None:
    """What makes the trees of a shape, from that of one text; None where a piece is no value of that tree, nor a
    comment: then it is within one.

    Between the pieces, and in which kind of piece comes, all texts of a shape are the same: where the parser finds the
    pieces of one, it finds those of all. The tree becomes a function that makes one node after the other. Nothing of
    the text stands in its source, which has made-up names and numbers alone.
    """
    comments = [piece.span for piece in pieces if piece.type == COMMENTED]
    written = _Written(pieces)
    whole = written.node(tree.Selection(selection.span, selection.condition, selection.cut))
    if comments != [comment.span for comment in selection.comments] or written.values:
        return None
    lines = [*(f"e{place} = pieces[{place}].span.end" for place in range(len(pieces))), *written.lines]
    source = "def make(pieces):\n " + "\n ".join([*lines, f"return {whole}"])
    exec(source, written.known)
    make: Make = written.known["make"]
    return make


class _Written:
    """The making of a tree, as lines of Python. `known` is what they name, `values` the pieces not met yet."""

    def __init__(self, pieces: Sequence[Token]) -> None:
        self.pieces = pieces
        self.values = {piece.span: place for place, piece in enumerate(pieces) if piece.type != COMMENTED}
        self.ends = [piece.end for piece in pieces]
        self.known: dict[str, Any] = {"Span": Span}
        self.lines: list[str] = []

    def node(self, node: tree.Node) -> str:
        """The name of a node."""
        if node.span.end <= (self.pieces[0].start if self.pieces else node.span.end):
            return self.named(node)
        place = self.values.pop(node.span, None) if type(node) in LEAVES else None
        if place is None:
            members = (getattr(node, name) for name in node.__struct_fields__)
            made = f"{self.named(type(node))}({', '.join(map(self.member, members))})"
        else:
            made = f"{self.named(VALUES[self.pieces[place].type])}((pieces[{place}],))"
        self.lines.append(f"n{len(self.lines)} = {made}")
        return f"n{len(self.lines) - 1}"

    def member(self, value: object) -> str:
        match value:
            case Span(start, end):
                return f"Span({self.offset(start)}, {self.offset(end)})"
            case tree.Node():
                return self.node(value)
            case tuple():
                return f"({''.join(f'{self.member(each)}, ' for each in value)})"
            case _:
                return self.named(value)

    def offset(self, offset: int) -> str:
        """Counted from the end of the piece before it."""
        place = bisect_right(self.ends, offset) - 1
        return str(offset) if place < 0 else f"e{place} + {offset - self.ends[place]}"

    def named(self, value: object) -> str:
        name = f"k{len(self.known)}"
        self.known[name] = value
        return name
