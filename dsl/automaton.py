"""The parser's automaton: Lark makes the LALR tables from the grammar; what drives them is here.

Driving them ourselves is what lets a reading go on behind a mistake, and be fast: most reductions only pass one value
on (a number is a product is a sum is a condition), and each such chain is walked once and then remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from sys import intern
from typing import Any

from lark import Lark
from lark.common import LexerConf
from lark.lexer import Lexer, LexerState
from lark.lexer import Token as LarkToken
from lark.parsers.lalr_analysis import Shift

from dsl.build import Builder
from dsl.lexing import END, Token


@dataclass(frozen=True, slots=True)
class Reduction:
    """The last `size` values become one `origin`, made by `make`; or the one value is passed on as it is."""

    origin: str
    size: int
    make: Callable[[list[Any]], Any]
    passes: bool


Action = int | Reduction
"""What the parser does with a terminal: go on to a state, or reduce first."""

Row = dict[str, Action]
"""The terminals that can come in one state."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """States are numbers: places in `rows`, and in `gotos`, which tell where each rule that is reduced to leads."""

    rows: tuple[Row, ...]
    gotos: tuple[dict[str, int], ...]
    start: int
    end: int
    passages: dict[tuple[int, int, str], int]
    """(state below, state, terminal) -> the state after the reductions that only pass a value on; filled on the way."""

    def passage(self, below: int, state: int, terminal: str) -> int:
        """The state in which `terminal` meets something else than passing on the last value."""
        key = below, state, terminal
        if key not in self.passages:
            action = self.rows[state].get(terminal)
            while isinstance(action, Reduction) and action.passes:
                state = self.gotos[below][action.origin]
                action = self.rows[state].get(terminal)
            self.passages[key] = state
        return self.passages[key]


class _NoLexer(Lexer):
    """Tokens come from `lexing`; Lark is only asked for its tables."""

    def __init__(self, conf: LexerConf) -> None: ...

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[LarkToken]:
        return iter(())


@cache
def grammar() -> Lark:
    """The grammar as Lark understands it, made at the first call (some 0.1 s)."""
    return Lark(
        files("dsl").joinpath("grammar.lark").read_text(encoding="utf-8"),
        parser="lalr",
        lexer=_NoLexer,
        start="selection",
        transformer=Builder(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


@cache
def automaton() -> Automaton:
    """The tables of the grammar."""
    conf = grammar().parse_interactive("").parser_state.parse_conf
    callbacks: Mapping[Any, Callable[[list[Any]], Any]] = conf.callbacks
    reductions = {rule: _reduction(rule, callbacks[rule]) for rule in grammar().rules}
    numbers = {state: number for number, state in enumerate(conf.states)}
    rows, gotos = [], []
    for row in conf.states.values():
        shifts = {intern(str(symbol)): numbers[to] for symbol, (action, to) in row.items() if action is Shift}
        reduces = {intern(str(symbol)): reductions[to] for symbol, (action, to) in row.items() if action is not Shift}
        rows.append({symbol: to for symbol, to in shifts.items() if symbol.isupper()} | reduces)
        gotos.append({symbol: to for symbol, to in shifts.items() if not symbol.isupper()})
    return Automaton(tuple(rows), tuple(gotos), numbers[conf.start_state], numbers[conf.end_state], {})


def _reduction(rule: Any, make: Callable[[list[Any]], Any]) -> Reduction:
    origin, size = intern(str(rule.origin.name)), len(rule.expansion)
    passes = size == 1 and rule.options.expand1 and not rule.alias
    return Reduction(origin, size, _run if origin.startswith("__") else make, passes)


class Run:
    """What `(…)+` of a rule has repeated so far. Lark lays `children` out among the rule's other values."""

    __slots__ = ("children",)

    def __init__(self, children: list[Any]) -> None:
        self.children = children


def _run(values: list[Any]) -> Run:
    """Lark makes `(…)+` a rule of its own, whose name begins with two underscores: more of it, or the first of it."""
    run = values[0]
    if not isinstance(run, Run):
        return Run(values)
    run.children += values[1:]
    return run


class Stack:
    """What was read so far: states, and the value of each but the first."""

    __slots__ = ("automaton", "states", "values")

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self.states = [automaton.start]
        self.values: list[Any] = []

    @property
    def row(self) -> Row:
        """What the parser can take; of some of it, it may find only while reducing that it cannot."""
        return self.automaton.rows[self.states[-1]]

    def feed(self, token: Token) -> bool:
        """Reduce as far as `token` asks for, and take it. False when it cannot come: it is not taken."""
        states, values = self.states, self.values
        rows, gotos, passages = self.automaton.rows, self.automaton.gotos, self.automaton.passages
        terminal = token.type
        while True:
            action = rows[states[-1]].get(terminal)
            if isinstance(action, int):
                states.append(action)
                values.append(token)
                return True
            if action is None:
                return False
            if action.passes:
                below, state = states[-2:]
                states[-1] = passages.get((below, state, terminal)) or self.automaton.passage(below, state, terminal)
            else:
                size = action.size
                values[-size:] = (action.make(values[-size:]),)
                del states[-size:]
                states.append(gotos[states[-1]][action.origin])

    def reduce(self, reduction: Reduction) -> None:
        """Make one value of the last ones."""
        size = reduction.size
        values = self.values[-size:]
        self.values[-size:] = (values[0] if reduction.passes else reduction.make(values),)
        del self.states[-size:]
        self.states.append(self.automaton.gotos[self.states[-1]][reduction.origin])

    def finish(self) -> bool:
        """Reduce all there is to the one value of the whole text. False when something is wanting."""
        while self.states[-1] != self.automaton.end:
            action = self.row.get(END)
            if not isinstance(action, Reduction):
                return False
            self.reduce(action)
        return True

    def accepts(self, *terminals: str) -> bool:
        """Whether these terminals could be taken, one after the other. Nothing changes."""
        states: list[int] | None = self.states
        for terminal in terminals:
            states = advanced(self.automaton, states, terminal) if states else None
        return states is not None

    def opened(self) -> int:
        """How many parentheses are open."""
        return sum(1 for value in self.values if isinstance(value, Token) and value.type == "LPAR")

    def copy(self) -> Stack:
        """Another stack with the same states and values, to be fed apart."""
        other = Stack(self.automaton)
        other.states, other.values = self.states.copy(), self.values.copy()
        return other


def advanced(automaton: Automaton, states: list[int], terminal: str) -> list[int] | None:
    """The states after `terminal`, for whoever needs no values; None where it cannot come."""
    states = states.copy()
    while terminal != END or states[-1] != automaton.end:
        action = automaton.rows[states[-1]].get(terminal)
        if action is None:
            return None
        if isinstance(action, int):
            return [*states, action]
        del states[-action.size :]
        states.append(automaton.gotos[states[-1]][action.origin])
    return states
