"""The text of a segment file: where everything stands in it, and its lines in indented blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.problems import Problem, Span, position, render

COMMENT = "#"
ARROW = "->"


@dataclass(frozen=True, slots=True)
class Source:
    """A file, as it was read."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file: half-open offsets in characters."""

    source: Source
    start: int
    end: int

    def __str__(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return position(self.source.text, self.start)[0]

    @property
    def place(self) -> str:
        """`clients.segments:12`."""
        return f"{self.source.path}:{self.line}"

    @property
    def indent(self) -> int:
        return position(self.source.text, self.start)[1] - 1

    @property
    def is_comment(self) -> bool:
        return str(self).startswith(COMMENT)

    def until(self, other: Slice) -> Slice:
        """From the start of this one to the end of `other`."""
        return Slice(self.source, self.start, other.end)

    def wrong(self, message: str, hint: str | None = None, code: str = "segment-file") -> Finding:
        return Finding(self.source, Problem(code, message, hint, Span(self.start, self.end)))

    def holds(self, problem: Problem) -> Finding:
        """A problem of the text of this slice, placed in its file; one without a span is of the whole slice."""
        span = Span(0, self.end - self.start) if problem.span is None else problem.span
        placed = Span(self.start + span.start, self.start + span.end)
        return Finding(self.source, replace(problem, span=placed, path=None))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a file. The span of the problem is in the text of the file."""

    source: Source
    problem: Problem

    def rendered(self) -> str:
        """`clients.segments:12:3  unknown field …`, then the line with carets."""
        return f"{self.source.path}:{render(self.problem, self.source.text)}"


class FileProblems(Exception):
    """Segment files are not right; carries everything found in them."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"{len(self.findings)} problem{'s' if len(self.findings) != 1 else ''}")


# --- blocks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """A line, and the lines indented under it, comments kept."""

    head: Slice
    body: tuple[Slice, ...]

    @property
    def keyword(self) -> str:
        return str(self.head).split(maxsplit=1)[0]

    @property
    def rest(self) -> Slice:
        """What follows the keyword on its line."""
        after = self.head.start + len(self.keyword)
        text = self.head.source.text[after : self.head.end]
        return Slice(self.head.source, after + len(text) - len(text.lstrip()), self.head.end)

    @property
    def lines(self) -> tuple[Slice, ...]:
        """The body without comments."""
        return tuple(line for line in self.body if not line.is_comment)


def lines_of(source: Source) -> list[Slice]:
    """The lines that are not blank, without the space around them. Comments at the margin are nobody's."""
    found = []
    for match in re.finditer(r"^[^\S\n]*(\S[^\n]*?)\s*$", source.text, re.MULTILINE):
        line = Slice(source, *match.span(1))
        if not (line.is_comment and line.indent == 0):
            found.append(line)
    return found


def blocks(lines: Sequence[Slice]) -> Iterator[Block]:
    """Each of the outermost lines with those indented under it; a line that begins with `->` ends the one above it."""
    margin = next((line.indent for line in lines if not line.is_comment), 0)
    head: Slice | None = None
    body: list[Slice] = []
    for line in lines:
        inner = line.indent > margin or line.is_comment or str(line).startswith(ARROW)
        if inner and head is not None:
            body.append(line)
        elif not line.is_comment:
            if head is not None:
                yield Block(head, tuple(body))
            head, body = line, []
    if head is not None:
        yield Block(head, tuple(body))


# --- words ---------------------------------------------------------------------------------------------------

_WORD = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\[[^\]]*\]|#.*|[^\s="`\[\]]+|\S')


def words(slice: Slice) -> list[Slice]:
    """The words of one line: bare, in quotes or backticks, in brackets, or a sign. What follows `#` is left out."""
    found = [Slice(slice.source, slice.start + m.start(), slice.start + m.end()) for m in _WORD.finditer(str(slice))]
    return [word for word in found if not word.is_comment]


def unquoted(word: Slice) -> str:
    """A word without its quotes or backticks. FileProblems."""
    text = str(word)
    if text.startswith("`"):
        return text.strip("`")
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        raise FileProblems([word.wrong(f"{text} cannot be read", 'escapes are those of JSON: \\" \\\\ \\n')]) from None
