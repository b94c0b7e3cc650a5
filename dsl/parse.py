"""Parsing: text -> surface tree, and every problem of its form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from dsl import tree
from dsl.automaton import Stack, automaton
from dsl.habits import SPELLINGS, Habit, habit_at, like_hint, spelling_hint, word_hint
from dsl.lexing import END, UNREADABLE, Token, next_token
from dsl.literals import bad_escapes
from dsl.problems import MOST_PROBLEMS, ExpressionError, Problem, Span
from dsl.recovery import BOUNDARIES, recover
from dsl.shapes import LONGEST, MOST_DIGITS, Shapes, has_escapes, taken_apart
from dsl.vocabulary import TERMINALS, continuations


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an expression may be. Each limit has its own problem code."""

    length: int = 65_536  # characters
    nesting: int = 64  # parentheses and negations within one another
    depth: int = 128  # nodes of the tree within one another, so that whoever walks it may recurse
    nodes: int = 8_000  # words, values, signs and comments
    regex: int = 1_000  # characters of one regular expression
    digits: int = MOST_DIGITS  # of one number


LIMITS = Limits()

CACHED_TEXTS = 1_024


class Reading(Struct):
    """What one pass over a text gave: the tree, with `Broken` where something could not be read, and every problem met.

    There is no tree when a limit was passed. `used` is for whoever wants to know whether it is a new one.
    """

    selection: tree.Selection | None
    problems: tuple[Problem, ...]
    used: bool = False


def parse(text: str) -> tree.Selection:
    """The surface tree of an expression; ExpressionError with every problem of its form."""
    reading = read(text)
    if reading.selection is None or reading.problems:
        raise ExpressionError(text, reading.problems)
    return reading.selection


@lru_cache(maxsize=CACHED_TEXTS)
def read(text: str) -> Reading:
    """Parse without raising: a text may have both a tree and problems, when what is meant is clear."""
    if len(text) > LIMITS.length:
        message = f"the expression has {len(text):,} characters; at most {LIMITS.length:,} are taken"
        return Reading(None, (Problem("too-long", message, span=Span(LIMITS.length, len(text))),))
    lone = None if text.isascii() else _SURROGATE.search(text)
    if lone:
        message = "half a surrogate pair is no character"
        return Reading(None, (Problem("bad-character", message, span=Span(*lone.span())),))
    return _Pass(text).run() if len(text) > LONGEST else _as_its_shape(text)


_SHAPES = Shapes()


def _as_its_shape(text: str) -> Reading:
    """As a text of the same shape was read before, where there was one and nothing in this can be wrong."""
    key, pieces = taken_apart(text)
    make = _SHAPES.of(key)
    if make is not None and ("\\" not in text or not has_escapes(pieces)):
        return Reading(make(pieces), ())
    reading = _Pass(text).run()
    if reading.selection is not None and not reading.problems:
        _SHAPES.met(key, pieces, reading.selection)
    return reading


def _comment(text: str, span: Span) -> tree.Comment:
    line = text.rfind("\n", 0, span.start) + 1
    trailing = bool(text[line : span.start].strip())
    return tree.Comment(span, text[span.start : span.end].rstrip(), trailing)


class _Enough(Exception):
    """A limit was passed, or too many mistakes were met; reading stops there."""


NESTING = frozenset({"LPAR", "RPAR", "NOT", "MINUS", "PART", "YEARS", "OF", "SINCE"})
"""The terminals that open, close or prolong a nest."""

PREFIXES = frozenset({"NOT", "PART", "YEARS"})
"""The terminals that nest what comes after them, without parentheses."""

SIGNS = frozenset({"PLUS", "MINUS", "TIMES_SIGN", "DIVIDE"})

NODES_A_LEVEL = 12
"""At most so many nodes of the tree lie within one another between two levels of nesting."""

VALUES = frozenset({"STRING", "NUMBER", "REGEX"})

ODD = frozenset({*VALUES, *(terminal for terminal, _ in SPELLINGS)})
"""The terminals that may be written so that there is something to say about it."""

PLAIN = frozenset({"and", "or", "not", "except", "=", "!=", "<=", ">="})
"""How most of these are written, and nothing is to say."""


class _Pass:
    """One pass over one text: feeds the parser token by token, and notes what it sees on the way."""

    __slots__ = (
        "comments",
        "level",
        "mistakes",
        "nested",
        "open",
        "prefixes",
        "previous",
        "problems",
        "resumed",
        "room",
        "stack",
        "text",
    )

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.stack = Stack(automaton())
        self.previous: Token | None = None
        self.open: list[int] = []  # for each open parenthesis, the prefixes just before it
        self.prefixes = 0  # since the last token that is none
        self.nested = 0  # the levels of all that is open
        self.level = 0  # the deepest nest met
        self.comments: list[Span] = []
        self.room = LIMITS.nodes  # for words, values, signs and comments
        self.mistakes = 0
        self.resumed: Token | None = None  # the last token that ended what could not be read

    def run(self) -> Reading:
        try:
            self._feed()
            selection = self._selection()
        except _Enough:
            selection = None
        return Reading(selection, tuple(self.problems))

    def _feed(self) -> None:
        """Feed the parser the whole text, behind what cannot be read too."""
        text, stack, commented = self.text, self.stack, "#" in self.text
        rows, states = stack.automaton.rows, stack.states
        offset = 0
        while True:
            token = next_token(text, offset, rows[states[-1]])
            terminal = token.type
            if commented:
                self._gap(offset, token.start)
            if terminal == END:
                self._end(token)
                return
            self.room -= 1
            if self.room < 0:
                self._too_many(token)
            if terminal in NESTING:
                self._nest(token)
            elif self.prefixes:
                self.prefixes = 0
            if not stack.feed(token):
                token = self._go_on(token)
                if token.type == END:
                    return
            elif terminal in ODD and token.value not in PLAIN and not self._is_plain(token):
                self._note_oddities(token)
            self.previous, offset = token, token.span.end

    def _end(self, end: Token) -> None:
        if not self.stack.finish():
            self._go_on(end)

    # --- behind a mistake ---

    def _go_on(self, mistake: Token) -> Token:
        """Tell what is wrong, and give the token after which reading goes on: `END` at the end of all."""
        beyond = mistake.end
        if self.resumed is None or self.previous is not self.resumed or mistake.type not in BOUNDARIES:
            beyond = self._tell(mistake)
        self.mistakes += 1
        if self.mistakes == MOST_PROBLEMS:
            raise _Enough
        if mistake.type == "RPAR" and not self.stack.opened():
            self.resumed = mistake
        else:
            self.resumed, passed = recover(self.stack, self.text, mistake, beyond, self.room)
            self.room -= passed
            if self.room < 0:
                self._too_many(self.resumed)
            self._nest_again()
        if self.resumed.type == END:
            self.stack.finish()
        return self.resumed

    def _nest_again(self) -> None:
        """What is open, now that some was taken off the stack."""
        self.open, self.prefixes, self.nested = [], 0, 0
        for token in self.stack.values:
            if isinstance(token, Token) and token.type in NESTING:
                self._nest(token)

    def _selection(self) -> tree.Selection:
        selection: tree.Selection = self.stack.values[-1]
        if NODES_A_LEVEL * (self.level + 2) > LIMITS.depth and tree.depth(selection) > LIMITS.depth:
            self._too_large("too-deep", f"the expression is more than {LIMITS.depth} nodes deep", selection.span)
        comments = tuple(_comment(self.text, span) for span in self.comments)
        return replace(selection, comments=comments) if comments else selection

    # --- comments ---

    def _gap(self, start: int, end: int) -> None:
        """Note the comments between two tokens, as far as there is room for them."""
        if end > start:
            found = islice(_COMMENT.finditer(self.text, start, end), self.room + 1)
            noted = len(self.comments)
            self.comments.extend(Span(*match.span()) for match in found)
            self.room -= len(self.comments) - noted

    # --- each token ---

    def _nest(self, token: Token) -> None:
        terminal = token.type
        if terminal in PREFIXES or (terminal == "MINUS" and self._follows_sign()):
            self.prefixes += 1
        elif terminal == "LPAR":
            self.open.append(self.prefixes)
            self.nested += self.prefixes + 1
            self.prefixes = 0
        elif terminal == "RPAR" and self.open:
            self.nested -= self.open.pop() + 1
        elif terminal == "MINUS":
            self.prefixes = 0
        level = self.nested + self.prefixes
        if level > LIMITS.nesting:
            self._too_large("too-deep", f"the expression nests more than {LIMITS.nesting} levels", token.span)
        self.level = max(self.level, level)

    def _too_many(self, token: Token) -> None:
        message = f"the expression has more than {LIMITS.nodes:,} words, values, signs and comments"
        self._too_large("too-many-nodes", message, token.span)

    def _follows_sign(self) -> bool:
        return self.previous is not None and self.previous.type in SIGNS

    def _too_large(self, code: str, message: str, span: Span) -> None:
        self.problems.append(Problem(code, message, "save parts of it as segments", span=span))
        raise _Enough

    def _is_plain(self, token: Token) -> bool:
        """Whether there is surely nothing to say about how a text or a number is written: true of nearly all."""
        match token.type:
            case "STRING" if "\\" not in token.value and token.value[0] in "\"'":
                return self.previous is None or self.previous.type != "LIKE"
            case "NUMBER":
                return len(token.value) <= LIMITS.digits
            case "REGEX":
                return len(token.value) <= LIMITS.regex
            case _:
                return False

    def _note_oddities(self, token: Token) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.extend(islice(self._oddities(token), MOST_PROBLEMS))

    def _oddities(self, token: Token) -> Iterator[Problem]:
        hint = spelling_hint(token)
        if hint is not None:
            yield Problem("foreign-form", f"{token.value!r} is not said so here", hint, span=token.span)
        if token.type == "STRING":
            yield from self._text_oddities(token)
        elif token.type == "NUMBER" and len(token.value) > LIMITS.digits:
            yield Problem("number-too-long", f"a number has at most {LIMITS.digits} digits", span=token.span)
        elif token.type == "REGEX" and len(token.value) > LIMITS.regex:
            yield regex_too_long(len(token.value), token.span)

    def _text_oddities(self, token: Token) -> Iterator[Problem]:
        if self.previous is not None and self.previous.type == "LIKE" and self.previous.value.isupper():
            span = Span(self.previous.start, token.end)
            yield Problem("foreign-form", "'LIKE' in capitals is SQL's", like_hint(token.value), span=span)
        for offset, written in bad_escapes(token.value) if "\\" in token.value else ():
            start = token.start + offset
            hint = 'a backslash itself is "\\\\"; a regular expression is written matches /…/'
            yield Problem(
                "bad-escape",
                f"{written!r:} means nothing in a text".replace("\\\\", "\\"),
                hint,
                span=Span(start, start + len(written)),
            )

    # --- mistakes ---

    def _tell(self, mistake: Token) -> int:
        """Tell what is wrong, and give where what it makes unreadable ends."""
        habit = habit_at(self.text, mistake.start)
        if habit is not None:
            return self._tell_habit(habit)
        if mistake.type == UNREADABLE and mistake.value in _CLOSING:
            return self._tell_unterminated(mistake)
        if mistake.type == END:
            self._add("unexpected-end", "the expression ends too soon", mistake.span, self._expected())
        else:
            self._tell_unexpected(mistake)
        return mistake.end

    def _tell_habit(self, habit: Habit) -> int:
        """What was told of parts of it is not told again."""
        span = Span(habit.start, habit.end)
        self.problems = [problem for problem in self.problems if problem.span and problem.span.end <= span.start]
        message = f"{self.text[span.start : span.end].strip()!r} is not said so here"
        self.problems.append(Problem("foreign-form", message, habit.hint, span, expected=self._expected()))
        return habit.end

    def _tell_unterminated(self, mistake: Token) -> int:
        """A text that is not closed goes to the end of its line."""
        line_end = self.text.find("\n", mistake.start)
        span = Span(mistake.start, len(self.text) if line_end < 0 else line_end)
        what = "name" if mistake.value == "`" else "text"
        self._add(
            "unterminated-text", f"this {what} is not closed", span, (), f"close it with {_CLOSING[mistake.value]}"
        )
        return span.end

    def _tell_unexpected(self, mistake: Token) -> None:
        before = self.previous.value if self.previous else None
        habit = _HABIT.match(self.text, mistake.start)
        written = habit[0] if habit else mistake.value
        hint = word_hint(before, written)
        if mistake.type == "RPAR" and not self.stack.opened():
            hint = "leave it out: no parenthesis is open here"
        self._add("unexpected", f"unexpected {written!r}", mistake.span, self._expected(), hint)

    def _expected(self) -> tuple[str, ...]:
        """What could come, in words."""
        return continuations(filter(self.stack.accepts, TERMINALS))

    def _add(self, code: str, message: str, span: Span, expected: tuple[str, ...], hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, hint or _listed(expected), span, expected=expected))


_SURROGATE = re.compile(r"[\ud800-\udfff]")
_COMMENT = re.compile(r"#[^\n]*")
_HABIT = re.compile(r"=~|--|//")
_CLOSING = MappingProxyType({'"': '"', "'": "'", "`": "`", "“": '"', "«": '"'})


def regex_too_long(length: int, span: Span) -> Problem:
    message = f"the regular expression has {length:,} characters; at most {LIMITS.regex:,} are taken"
    return Problem("regex-too-long", message, span=span)


def _listed(expected: tuple[str, ...]) -> str | None:
    """A few of the legal continuations, for the hint; `expected` keeps them all."""
    shown = expected[:6]
    if not shown:
        return None
    if len(expected) > len(shown):
        return f"expected {', '.join(shown)}…"
    return f"expected {', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else f"expected {shown[0]}"
