"""The parser's automaton: Lark makes the LALR tables from the grammar; what drives them is here.

Driving them ourselves is what lets a reading go on behind a mistake, and be fast: most reductions are of one value (a
name is a field is a product is a sum is a condition), and each such chain is walked once and then remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from operator import itemgetter
from sys import intern
from typing import Any

from lark.parsers.lalr_analysis import Shift

from dsl.build import Builder
from dsl.grammar import grammar
from dsl.lexing import END, Token
from dsl.problems import NOWHERE

Make = Callable[[list[Any]], Any]
"""Makes one value of some."""

PASS: Make = itemgetter(0)
"""Passes one value on as it is."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """The last `size` values become one `origin`, made by `make`."""

    origin: str
    size: int
    make: Make


Action = int | Reduction
"""What the parser does with a terminal: go on to a state, or reduce first."""

Row = dict[str, Action]
"""The terminals that can come in one state."""

Place = tuple[int, int, str]
"""The state below the last value, the state after it, and the terminal that comes."""

Climb = tuple[tuple[Make, ...], int, Action | None]
"""What makes the last value into another, one after the other; the state then; and what is to be done in that state."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """States are numbers: places in `rows`, and in `gotos`, which tell where each rule that is reduced to leads."""

    rows: tuple[Row, ...]
    gotos: tuple[dict[str, int], ...]
    start: int
    end: int
    climbs: dict[Place, Climb]
    """What was climbed so far; filled on the way."""

    def climb(self, place: Place) -> Climb:
        """The reductions of the last value alone that a place asks for, walked up the tables and noted in `climbs`."""
        below, state, terminal = place
        makes: list[Make] = []
        action = self.rows[state].get(terminal)
        while isinstance(action, Reduction) and action.size == 1:
            if action.make is not PASS:
                makes.append(action.make)
            state = self.gotos[below][action.origin]
            action = self.rows[state].get(terminal)
        self.climbs[place] = tuple(makes), state, action
        return self.climbs[place]


@cache
def automaton() -> Automaton:
    """The tables of the grammar."""
    conf = grammar().parse_interactive("").parser_state.parse_conf
    builder = Builder()
    reductions = {rule: _reduction(rule, builder) for rule in grammar().rules}
    numbers = {state: number for number, state in enumerate(conf.states)}
    rows, gotos = [], []
    for row in conf.states.values():
        shifts = {intern(str(symbol)): numbers[to] for symbol, (action, to) in row.items() if action is Shift}
        reduces = {intern(str(symbol)): reductions[to] for symbol, (action, to) in row.items() if action is not Shift}
        rows.append({symbol: to for symbol, to in shifts.items() if symbol.isupper()} | reduces)
        gotos.append({symbol: to for symbol, to in shifts.items() if not symbol.isupper()})
    return Automaton(tuple(rows), tuple(gotos), numbers[conf.start_state], numbers[conf.end_state], {})


def _reduction(rule: Any, builder: Builder) -> Reduction:
    """Lark makes `(…)+` a rule of its own, whose name begins with two underscores."""
    origin, size = intern(str(rule.origin.name)), len(rule.expansion)
    if origin.startswith("__"):
        return Reduction(origin, size, _run)
    if size == 1 and rule.options.expand1 and not rule.alias:
        return Reduction(origin, size, PASS)
    make: Make = getattr(builder, rule.alias or origin)
    repeats = any(symbol.name.startswith("__") for symbol in rule.expansion)
    return Reduction(origin, size, partial(_laid_out, make) if repeats else make)


class Run:
    """What `(…)+` of a rule has repeated so far."""

    __slots__ = ("children",)

    def __init__(self, children: list[Any]) -> None:
        self.children = children


def _run(values: list[Any]) -> Run:
    """More of a run, or the first of it."""
    run = values[0]
    if not isinstance(run, Run):
        return Run(values)
    run.children += values[1:]
    return run


def _laid_out(make: Make, values: list[Any]) -> Any:
    """Make one value of some and of what the runs among them have repeated."""
    return make([each for value in values for each in (value.children if isinstance(value, Run) else (value,))])


_ENDING = Token(END, "", NOWHERE)


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
        climbs, gotos = self.automaton.climbs, self.automaton.gotos
        terminal = token.type
        while True:
            place = states[-2] if values else -1, states[-1], terminal
            try:
                makes, state, action = climbs[place]
            except KeyError:
                makes, state, action = self.automaton.climb(place)
            for make in makes:
                values[-1] = make(values[-1:])
            if not isinstance(action, Reduction):
                break
            first = -action.size
            made = action.make(values[first:])
            del values[first:], states[first:]
            values.append(made)
            states.append(gotos[states[-1]][action.origin])
        states[-1] = state
        if action is None:
            return False
        states.append(action)
        values.append(token)
        return True

    def reduce(self, reduction: Reduction) -> None:
        """Make one value of the last ones."""
        made = reduction.make(self.values[-reduction.size :])
        del self.values[-reduction.size :], self.states[-reduction.size :]
        self.values.append(made)
        self.states.append(self.automaton.gotos[self.states[-1]][reduction.origin])

    def finish(self) -> bool:
        """Reduce all there is to the one value of the whole text. False when something is wanting."""
        self.feed(_ENDING)  # reduces, and is never taken
        return self.states[-1] == self.automaton.end

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
