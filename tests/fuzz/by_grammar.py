"""Texts made from the grammar itself: random derivations of its rules, then broken a little.

    python -m tests.fuzz.by_grammar --seconds 3600 --seed 7

Most derivations are no sense (`count(open) of "FR"`), some are sound, and one edit makes a sound one nearly sound.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random, randrange
from time import monotonic

import click
from lark.grammar import NonTerminal, Rule, Symbol

from dsl.grammar import grammar
from dsl.lexing import END, SIGNS, UNREADABLE, WORDS, Token, next_token
from dsl.problems import NOWHERE
from tests.fuzz.arena import Arena, Finds
from tests.properties.expressions import LIKES, PATTERNS, Writer, name_of, quoted
from tests.properties.worlds import SCHEMA, TEXTS

NAMES = (
    *(name_of(name) for kind in ("contacts", "companies") for name in SCHEMA[kind]),
    *SCHEMA["events"],
    *(name_of(name) for fields in SCHEMA["events"].values() for name in fields),
    *("company", "id", "created", "rules", "nobody_knows", "été", "last", "any", "sample"),
)
WRITTEN: dict[str, tuple[str, ...]] = {
    "NAME": tuple(name for name in NAMES if name[0] != "`"),
    "QUOTED_NAME": ("`Date d'ajout`", "`and`", "`country`", "`no such`"),
    "STRING": (*(quoted(text) for text in (*TEXTS, *LIKES, *PATTERNS, "rules", "By hand")), "'a\\'b'", '"\\q"', "“x”"),
    "REGEX": ("/^f/i", "/(a+)+$/", "/[/", "/\\d{2,}/", "/(?=x)/"),
    "NUMBER": ("0", "1", "2", "3.5", "0.01", "1_000", "7", "100", "99999999999999999999", "1.23456789"),
    "INSTANT": ("2026-06-30T14:00", "2026-03-29T02:30", "2026-06-30T14:00:05.123Z", "2026-06-30T25:00"),
    "DAY": ("2026-06-30", "2024-02-29", "2026-02-30", "9999-12-31", "0001-01-01"),
    "MONTH": ("2026-06", "2026-13"),
    "PARAMETER": ("$a", "$country", "$n2"),
    "EQUAL": ("=", "=="),
    "UNEQUAL": ("!=", "<>"),
    "LESS_EQUAL": ("<=", "≤"),
    "GREATER_EQUAL": (">=", "≥"),
    "AND": ("and", "AND", "et", "&&"),
    "OR": ("or", "ou", "||"),
    "NOT": ("not", "!"),
}
"""What is written for terminals that are no plain word; the words of the others are in their patterns."""

JUNK = (
    '"',
    "'",
    "`",
    "\\",
    "(",
    ")",
    ",",
    "#",
    "\n",
    "/",
    "$",
    ".",
    "é",
    "\u0301",
    "\u200b",
    "😀",
    "\x00",
    "\ud800",
    "²",
)
DEPTH = 18
MOST_TOKENS = 400


class Deriver:
    """Derives texts from the rules of the grammar, the shortest way once it is deep."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tokens: list[str] = []

    def text(self) -> str:
        self.tokens = []
        self._derive(NonTerminal("selection"), 0)
        return " ".join(self.tokens)

    def _derive(self, symbol: Symbol, depth: int) -> None:
        if symbol.is_term:
            self.tokens.append(self.random.choice(words()[symbol.name]))
            return
        choices = rules()[symbol.name]
        if depth > DEPTH or len(self.tokens) > MOST_TOKENS:
            shortest = min(height(rule) for rule in choices)
            choices = [rule for rule in choices if height(rule) == shortest]
        for below in self.random.choice(choices).expansion:
            self._derive(below, depth + 1)


@cache
def rules() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = defaultdict(list)
    for rule in grammar().rules:
        found[rule.origin.name].append(rule)
    return found


@cache
def words() -> dict[str, tuple[str, ...]]:
    """What may be written for each terminal."""
    terminals = {symbol.name for found in rules().values() for rule in found for symbol in rule.expansion}
    return {name: WRITTEN.get(name) or spelled(name) for name in sorted(terminals) if name.isupper()}


def spelled(terminal: str) -> tuple[str, ...]:
    """The keywords, or the sign, that are read as a terminal."""
    keywords = tuple(word for word, readings in WORDS.items() if terminal in dict(readings))
    return keywords or tuple(sign for sign, read in SIGNS.items() if read == terminal)


@cache
def heights() -> dict[str, float]:
    """For each rule's name, the least depth of a derivation from it."""
    known: dict[str, float] = {}
    changed = True
    while changed:
        changed = False
        for name, choices in rules().items():
            least = min(1 + max((_depth(known, symbol) for symbol in rule.expansion), default=0) for rule in choices)
            if least < known.get(name, float("inf")):
                known[name], changed = least, True
    return known


def _depth(known: dict[str, float], symbol: Symbol) -> float:
    return 0 if symbol.is_term else known.get(symbol.name, float("inf"))


def height(rule: Rule) -> float:
    return max((_depth(heights(), symbol) for symbol in rule.expansion), default=0)


def broken(text: str, random: Random) -> str:
    """One edit: a piece lost, doubled, moved or repeated many times, or something foreign put in."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.randrange(12))
    piece = text[start:end]
    match random.randrange(6):
        case 0:
            return text[:start] + text[end:]
        case 1:
            return text[:start] + piece * 2 + text[end:]
        case 2:
            return text[:start] + piece * random.randrange(300) + text[end:]
        case 3:
            return text[:start] + random.choice(JUNK) * random.choice((1, 1, 2, 70)) + text[end:]
        case 4:
            cut = random.randrange(len(text) + 1)
            return text[cut:] + text[:cut]
        case _:
            return text[:start]


def respelled(text: str, random: Random) -> str:
    """One word, value or sign replaced by another of its kind: often sound still, often only just not."""
    token = random.choice(list(tokens(text)) or [Token(UNREADABLE, "", NOWHERE)])
    if token.type not in words():
        return broken(text, random)
    return text[: token.start] + random.choice(words()[token.type]) + text[token.end :]


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, every word the first keyword that it can be."""
    token = next_token(text, 0, words())
    while token.type != END:
        yield token
        token = next_token(text, token.end, words())


def texts(random: Random, text: str) -> list[str]:
    """A derivation and what a sound text may become, each also after an edit."""
    derived, other = Deriver(random).text(), respelled(text, random)
    return [derived, broken(derived, random), other, respelled(other, random), broken(text, random)]


def fuzz(arena: Arena, random: Random, seconds: float, finds: Finds, *, report: bool = False) -> Counter[str]:
    """How many texts survived, sound and refused. What did not is noted in `finds`."""
    tally: Counter[str] = Counter()
    writer = Writer(random, arena.clock)
    until, said = monotonic() + seconds, monotonic()
    while monotonic() < until:
        for text in texts(random, writer.expression()):
            try:
                tally["sound" if arena.survive(text) else "refused"] += 1
            except Exception as error:
                finds.note(text, error)
        if report and monotonic() - said > 30:
            said = monotonic()
            click.echo(str(dict(tally)), err=True)
    return tally


@click.command()
@click.option("--seconds", default=3600.0, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
def main(seconds: float, seed: int | None) -> None:
    """Shows what does not survive, and goes on; exits with 1 when there was any."""
    seed = randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}")
    finds = Finds()
    with tempfile.TemporaryDirectory(prefix="tamis-fuzz-") as folder:
        arena = Arena(Path(folder))
        try:
            tally = fuzz(arena, Random(seed), seconds, finds, report=True)
        finally:
            arena.close()
    click.echo(f"{tally.total()} texts survived: {tally['sound']} sound, {tally['refused']} refused")
    finds.end()


if __name__ == "__main__":
    main()
