"""Going on behind a mistake, so that every other problem of a text is found too.

Panic mode (Aho, Sethi, Ullman: Compilers, 4.8): what follows the mistake is passed over up to the next word that can
end a condition or a value; what was open since its beginning is taken off the stack, and `Broken` put there instead.
"""

from __future__ import annotations

from typing import Any

from dsl import tree
from dsl.automaton import Reduction, Run, Stack, advanced
from dsl.lexing import END, UNREADABLE, Token, next_token
from dsl.problems import Span

BOUNDARIES = frozenset({"AND", "OR", "EXCEPT", "THEN", "COMMA", "RPAR", "TOP", "BOTTOM", "RANDOM", END})
"""The terminals at which reading can go on."""

LITERALS = frozenset({"NUMBER", "STRING", "DAY", "MONTH", "INSTANT"})
"""What no condition begins with: an `and` before it belongs to a broken `between`."""

OUTER = frozenset({"negation", "conjunction", "expression", "exception", "selection", "cut"})
"""The rules that hold more than one condition: what is broken is inside of them."""


def recover(stack: Stack, text: str, mistake: Token, offset: int, most: int) -> tuple[Token, int]:
    """Take the boundary that comes after a mistake, which was read up to `offset`.

    Gives it, and the number of tokens passed over: none but `END` after more than `most`. The stack can finish then.
    """
    token, opened, passed = mistake, 0, 0
    vain: set[tuple[str, int]] = set()  # the stack stays as it is: what could not be mended once cannot be again
    while True:
        here = token.type, opened
        if _may_resume(text, token) and here not in vain:
            if _mend(stack, token, opened, mistake.start):
                break
            vain.add(here)
        opened += _parentheses(token, text[mistake.start : offset] if token is mistake else token.value)
        offset = max(offset, token.end)
        passed += 1
        token = next_token(text, offset, BOUNDARIES) if passed <= most else Token(END, "", Span(offset, offset))
    if token.type != END:
        stack.feed(token)
    return token, passed


def _parentheses(token: Token, written: str) -> int:
    """How many more parentheses what is passed over opens than it closes; those in a text do not count."""
    return 0 if token.type in ("STRING", UNREADABLE) else written.count("(") - written.count(")")


def _may_resume(text: str, token: Token) -> bool:
    """Whether a condition or a value may end before a token."""
    if token.type == "AND":
        return next_token(text, token.end, ()).type not in LITERALS
    return token.type in BOUNDARIES


def _mend(stack: Stack, token: Token, opened: int, start: int) -> bool:
    """Put `Broken` in place of the innermost value or condition that `token` can follow. False when there is none.

    The parentheses that were opened in what is taken away must be those that were closed since: `opened` is negative.
    """
    if token.type == END:
        _close(stack, token, start)
        opened = -stack.opened()
    _reduce(stack, token.type)
    for height in range(len(stack.values), -1, -1):
        if height < len(stack.values) and _is(stack.values[height], "LPAR"):
            opened += 1
        if opened > 0:
            return False
        rule = _rule(stack, height)
        if opened == 0 and rule is not None and _follows(stack, height, rule, token.type):
            _break(stack, height, rule, Span(start, token.start))
            return True
    return False


def _close(stack: Stack, end: Token, start: int) -> None:
    """Close the parentheses that are open at the end, as far as what is broken in them lets them be closed."""
    closing = Token("RPAR", "", end.span)
    if stack.opened() and not _mend(stack, closing, 0, start):
        return
    while stack.opened():
        if not stack.feed(closing) and not (_mend(stack, closing, 0, start) and stack.feed(closing)):
            return


def _reduce(stack: Stack, terminal: str) -> None:
    """Complete what the terminal completes, up to one whole condition."""
    while True:
        action = stack.row.get(terminal)
        if not isinstance(action, Reduction) or action.origin in OUTER or action.origin.startswith("__"):
            return
        stack.reduce(action)


def _rule(stack: Stack, height: int) -> str | None:
    """What may begin at a height of the stack, and stand there broken: a value or condition, or else a selector."""
    gotos = stack.automaton.gotos[stack.states[height]]
    if "sum" in gotos:
        return "sum"
    steps = "selector" in gotos and any(_is(stack.values[height - 1], type) for type in ("DID", "THEN", "NOT"))
    return "selector" if steps else None


def _follows(stack: Stack, height: int, rule: str, terminal: str) -> bool:
    states = stack.states[: height + 1]
    states.append(stack.automaton.gotos[states[-1]][rule])
    return advanced(stack.automaton, states, terminal) is not None


def _break(stack: Stack, height: int, rule: str, span: Span) -> None:
    lost = stack.values[height:]
    del stack.values[height:], stack.states[height + 1 :]
    items = tuple(_nodes(lost))
    start = min((item.span.start for item in items), default=span.start)
    broken = tree.Broken(Span(start, max(start, span.end)), items)
    stack.values.append(tree.Selector(broken.span, None, broken) if rule == "selector" else broken)
    stack.states.append(stack.automaton.gotos[stack.states[-1]][rule])


def _nodes(values: list[Any]) -> list[Any]:
    """The nodes among values taken off the stack, up to the first open parenthesis: what names mean inside is lost."""
    nodes: list[Any] = []
    for value in values:
        if _is(value, "LPAR"):
            break
        nodes += _nodes(value.children) if isinstance(value, Run) else [value] if isinstance(value, tree.Node) else []
    return nodes


def _is(value: Any, terminal: str) -> bool:
    return isinstance(value, Token) and value.type == terminal
