"""Shapes: texts that differ in their values alone are parsed alike, so that what the parser did once is done again.

Values are texts, numbers, dates, regular expressions and names in backticks; comments vary as freely. What stands
between two of them is the same to the last space in all texts of a shape, so that the same tokens come, in the same
order; and that order alone decides what the parser makes of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from threading import Lock
from typing import Any

from dsl import tree
from dsl.build import LITERALS
from dsl.lexing import COMMENT, PATTERNS, REGEX
from dsl.problems import Span

LONGEST = 1_000
"""Characters of a text whose shape is looked for: longer ones seldom come again."""
MOST_SHAPES = 256
"""As many are remembered, and as many that came once."""
MOST_DIGITS = 30
"""Of one number: there is something to say about longer ones."""

COMMENTED = "COMMENT"
"""The kind of the pieces that are comments; the others are known by their terminals."""
LEAVES = frozenset(
    {tree.Text, tree.Instant, tree.Day, tree.Month, tree.Number, tree.Identifier, tree.Regex, tree.Comment}
)
"""The kinds of node that a piece can be."""

_DIGITS = "|".join(PATTERNS[terminal] for terminal in ("INSTANT", "DAY", "MONTH", "NUMBER"))
_split = re.compile(
    rf"""(
      (?=["'`\#/\d]) (?:
        "(?:[^"\\\n]++|\\.)*+" | '(?:[^'\\\n]++|\\.)*+' | (?<!\w) (?![\d_.]{{{MOST_DIGITS + 1}}}) (?:{_DIGITS})
        | {PATTERNS["QUOTED_NAME"]} | {COMMENT} | (?<=\s(?i:matches)\s) {REGEX}
      )
    )""",
    re.VERBOSE,
).split
"""What lasts and what may vary, in turn: a digit after a letter is of a name, and a sign divides where no regular
expression is asked for."""

Key = tuple[str, ...]
"""What is the same in texts of one shape: what stands around the pieces that vary, then the kind of each of these."""

Make = Callable[[Sequence[str]], tree.Selection]
"""What the parser would make of a text of one shape with these pieces."""


class Shapes:
    """The shapes met so far. One is learnt when it comes again, for most texts that come once never do."""

    def __init__(self) -> None:
        self._once: dict[Key, None] = {}
        self._learnt: dict[Key, Make | None] = {}
        self._lock = Lock()

    def of(self, key: Key) -> Make | None:
        return self._learnt.get(key)

    def met(self, key: Key, pieces: Sequence[str], selection: tree.Selection) -> None:
        """A text was read, and nothing is wrong with it."""
        if key in self._learnt:
            return
        with self._lock:
            if key in self._once:
                del self._once[key]
                _put(self._learnt, key, learnt(selection, key, pieces))
            else:
                _put(self._once, key, None)


def _put(known: dict[Key, Any], key: Key, value: Make | None) -> None:
    """The oldest makes room."""
    known[key] = value
    if len(known) > MOST_SHAPES:
        del known[next(iter(known))]


def taken_apart(text: str) -> tuple[Key, list[str]]:
    """The key of the shape that a text has, and the pieces that vary."""
    parts = _split(text)
    pieces = parts[1::2]
    return (*parts[::2], *map(_kind, pieces)), pieces


_KINDS: Mapping[str, str] = {'"': "STRING", "'": "STRING", "`": "QUOTED_NAME", "/": "REGEX", "#": COMMENTED}
"""By the sign that a piece begins with."""


def _kind(piece: str) -> str:
    """The terminal that a piece is."""
    kind = _KINDS.get(piece[0])
    if kind is not None:
        return kind
    if "-" not in piece:
        return "NUMBER"
    return "INSTANT" if "T" in piece or "t" in piece else "DAY" if piece.count("-") == 2 else "MONTH"


def has_escapes(pieces: Sequence[str]) -> bool:
    """Whether there may be something to say about how a text is written."""
    return any("\\" in piece and piece[0] in "\"'" for piece in pieces)


def learnt(selection: tree.Selection, key: Key, pieces: Sequence[str]) -> Make | None:
    """What makes the trees of a shape, from that of one text; None where a piece is no value of that tree, nor a
    comment: then it is within one.

    Between the pieces, and in which kind of piece comes, all texts of a shape are the same: where the parser finds the
    pieces of one, it finds those of all. The tree becomes a function that makes one node after the other. Nothing of
    the text stands in its source, which has made-up names and numbers alone.
    """
    written = _Written(key, pieces)
    whole = written.made(selection)
    if written.values:
        return None
    source = "def make(pieces):\n " + "\n ".join([*written.measures(), *written.lines, f"return {whole}"])
    exec(source, written.known)
    make: Make = written.known["make"]
    return make


class _Written:
    """The making of a tree, as lines of Python. `known` is what they name, `values` the pieces not met yet."""

    def __init__(self, key: Key, pieces: Sequence[str]) -> None:
        self.lasting = [len(part) for part in key[: len(pieces) + 1]]
        self.kinds = key[len(pieces) + 1 :]
        self.ends = list(accumulate(map(int.__add__, self.lasting, map(len, pieces))))
        self.values = {Span(end - len(pieces[i]), end): i for i, end in enumerate(self.ends)}
        self.known: dict[str, Any] = {"Span": Span, "len": len}
        self.spans: dict[Span, str] = {}
        self.lines: list[str] = []

    def measures(self) -> list[str]:
        """Where each piece ends."""
        begins = [f"{'' if i == 0 else f'e{i - 1} + '}{self.lasting[i]}" for i in range(len(self.ends))]
        return [f"e{i} = {begin} + len(pieces[{i}])" for i, begin in enumerate(begins)]

    def node(self, node: tree.Node) -> str:
        """The name of a node: one that ends before all pieces is the same in all texts."""
        return self.named(node) if node.span.end <= self.lasting[0] else self.made(node)

    def made(self, node: tree.Node) -> str:
        place = self.values.pop(node.span, None) if type(node) in LEAVES else None
        if place is not None:
            return self.line(f"{self.leaf(node, self.kinds[place])}({self.span(node.span)}, pieces[{place}])")
        members = (getattr(node, name) for name in node.__struct_fields__)
        return self.line(f"{self.named(type(node))}({', '.join(map(self.member, members))})")

    def leaf(self, node: tree.Node, kind: str) -> str:
        """What makes such a node, by its span and what was written."""
        return self.named(_COMMENTS[node.trailing] if isinstance(node, tree.Comment) else LITERALS[kind])

    def member(self, value: object) -> str:
        match value:
            case Span():
                return self.span(value)
            case tree.Node():
                return self.node(value)
            case tuple():
                return f"({''.join(f'{self.member(each)}, ' for each in value)})"
            case _:
                return self.named(value)

    def span(self, span: Span) -> str:
        if span not in self.spans:
            self.spans[span] = self.line(f"Span({self.offset(span.start)}, {self.offset(span.end)})")
        return self.spans[span]

    def offset(self, offset: int) -> str:
        """Counted from the end of the piece before it."""
        place = bisect_right(self.ends, offset) - 1
        return str(offset) if place < 0 else f"e{place} + {offset - self.ends[place]}"

    def line(self, made: str) -> str:
        self.lines.append(f"n{len(self.lines)} = {made}")
        return f"n{len(self.lines) - 1}"

    def named(self, value: object) -> str:
        name = f"k{len(self.known)}"
        self.known[name] = value
        return name


_COMMENTS: Mapping[bool, Callable[[Span, str], tree.Comment]] = {
    trailing: lambda span, written, trailing=trailing: tree.Comment(span, written.rstrip(), trailing)  # type: ignore[misc]
    for trailing in (False, True)
}
"""By whether something else stands before it on its line."""
