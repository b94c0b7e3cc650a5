"""The parser where the text before a cursor ends, whatever is wrong with that text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from dsl.automaton import Automaton, Reduction, Run, Stack, automaton
from dsl.lexing import END, UNREADABLE, WORDS, Token, next_token
from dsl.parse import LIMITS, PREFIXES, SIGNS
from dsl.problems import NOWHERE, Span

_CONDITION = "EVERYONE"
"""A terminal that is a whole condition: it stands for one that cannot be read."""

_BOUNDARIES = frozenset({"AND", "OR", "EXCEPT", "RPAR", "COMMA"})
_JOINTS: Mapping[str, str] = MappingProxyType({"and": "AND", "or": "OR", "except": "EXCEPT"})
_QUOTES = frozenset("\"'`“«")
_DEEPENING = PREFIXES | SIGNS | {"LPAR"}
"""What alone can add a level."""
_ENDS = re.compile(r"\s*\Z")


@dataclass(frozen=True)
class Reached:
    """A state of the parser. Asking it changes nothing."""

    parser: Stack

    @property
    def stack(self) -> Sequence[Any]:
        """What is read and not yet complete: tokens, and the nodes made so far."""
        return self.parser.values

    @cached_property
    def _known(self) -> dict[tuple[str, ...], bool]:
        return {}

    def allows(self, terminals: tuple[str, ...]) -> bool:
        """Whether these terminals could follow, one after the other."""
        known = self._known
        if terminals not in known:
            known[terminals] = self._follow(terminals)
        return known[terminals]

    def _follow(self, terminals: tuple[str, ...]) -> bool:
        states: list[int] | None = self.parser.states
        for terminal in terminals:
            states = advanced(self.parser.automaton, states, terminal) if states else None
        return states is not None

    def before(self, terminal: str) -> Any:
        """The operand that `terminal`, which must be allowed, would follow: a node of the surface tree."""
        ahead = copied(self.parser)
        ahead.feed(Token(terminal, "", NOWHERE))
        return last_of(ahead.values[-2])


def last_of(entry: Any) -> Any:
    """An entry of the stack; of a row of operands or steps still being read, which lie in a branch, the last."""
    children = getattr(entry, "children", None)
    return last_of(children[-1]) if children else entry


def copied(stack: Stack) -> Stack:
    """A stack to be fed apart. Runs grow in place, so they are copied too."""
    copy = Stack(stack.automaton)
    copy.states = stack.states.copy()
    copy.values = [Run(entry.children.copy()) if isinstance(entry, Run) else entry for entry in stack.values]
    return copy


def advanced(automaton: Automaton, states: list[int], terminal: str) -> list[int] | None:
    """The states after `terminal`, without the values; None where it cannot come."""
    states = states.copy()
    while True:
        action = automaton.rows[states[-1]].get(terminal)
        if not isinstance(action, Reduction):
            return None if action is None else [*states, action]
        del states[-action.size :]
        states.append(automaton.gotos[states[-1]][action.origin])


def reached(text: str, named: Callable[[str], bool]) -> list[Reached]:
    """The states that reading `text` to its end leads to: most often one.

    Where its last word may be a keyword or a name, depending on what follows, it is the keyword, and also the name
    when `named` says there is one. What cannot be read is skipped: up to the next word that ends a condition when one
    comes, and then the condition counts as whole. Nothing can come where the text nests beyond the limit.
    """
    stack = Stack(automaton())
    keywords: list[Reached] = []
    closing = _Closing(stack)
    token = Token(END, "", NOWHERE)
    offset = 0
    while True:
        last, token = token, next_token(text, offset, stack.row)
        if token.type == END:
            break
        keywords = list(_as_keywords(stack, token, text))
        token = _joint(token, named)
        offset = token.end
        if not stack.feed(token):
            if keywords:
                return keywords
            offset = _resume(closing, token, text)
        if token.type in _DEEPENING and len(stack.values) > LIMITS.nesting and _nested(stack.values) > LIMITS.nesting:
            return []
    if keywords and last.type == "NAME" and not named(last.value):
        return keywords
    return [*keywords, Reached(stack)]


def _nested(values: Sequence[Any]) -> int:
    """The levels that are open: whoever looks at what is on the stack may recurse."""
    types = [value.type if isinstance(value, Token) else None for value in values]
    signs = sum(type in SIGNS and before in SIGNS for before, type in pairwise(types))
    return signs + sum(type == "LPAR" or type in PREFIXES for type in types)


def _joint(token: Token, named: Callable[[str], bool]) -> Token:
    """`and` where a value should stand is read as a name: unless there is such a name, the value is what is missing."""
    terminal = _JOINTS.get(token.value.lower()) if token.type == "NAME" else None
    return token if terminal is None or named(token.value) else replace(token, type=terminal)


def _as_keywords(stack: Stack, token: Token, text: str) -> Iterator[Reached]:
    """The states in which the last word of a text is a keyword that needs what follows it: before a cursor, nothing
    does yet."""
    readings = WORDS.get(token.value.lower(), ())
    if any(follows for _, follows in readings) and _ENDS.match(text, token.end):
        for terminal, follows in readings:
            if follows and stack.accepts(terminal):
                state = copied(stack)
                state.feed(replace(token, type=terminal))
                yield Reached(state)


def _resume(closing: _Closing, token: Token, text: str) -> int:
    """Where to go on after a token that cannot stand where it does. A text left open ends with its line."""
    if token.type in _BOUNDARIES:
        closing.close(token)
    if token.type == UNREADABLE and token.value in _QUOTES:
        line_end = text.find("\n", token.end)
        return len(text) if line_end < 0 else line_end
    return token.end


@dataclass(slots=True)
class _Closing:
    """Ends conditions that cannot be read, so that what follows them can be."""

    stack: Stack
    in_vain: dict[str, list[int]] = field(default_factory=dict)
    """The states in which nothing open was found for a terminal to follow: what is below the same states is not looked
    at again, or a text of mistakes would take time that grows with its depth."""

    def close(self, token: Token) -> None:
        """Take the innermost open condition that `token` can follow for whole; nothing changes when there is none."""
        stack = self.stack
        searched = _shared(self.in_vain.get(token.type, []), stack.states)
        for depth in range(len(stack.states), searched, -1):
            whole = advanced(stack.automaton, stack.states[:depth], _CONDITION)
            if whole and advanced(stack.automaton, whole, token.type):
                del stack.states[depth:], stack.values[depth - 1 :]
                stack.feed(Token(_CONDITION, "", Span(token.start, token.start)))
                stack.feed(token)
                return
        self.in_vain[token.type] = stack.states.copy()


def _shared(one: list[int], other: list[int]) -> int:
    """How many states two stacks have in common, from the bottom."""
    return next(
        (depth for depth, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
