"""Random (data, expression) pairs, each asked of the engine and of DuckDB.

    python -m tests.duck.prove --pairs 20000 --seed 7

Worlds, expressions, layouts and reports of mismatches are those of `tests.properties.prove`; the answer that the
engine must give is here DuckDB's, over tables of what was written.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

import click

from dsl import typed
from dsl.moments import Clock
from tests.asking import Question
from tests.duck.database import Duck
from tests.duck.translate import Untranslatable
from tests.oracle.evaluate import Oracle
from tests.properties.prove import Mismatch, Trial, prove
from tests.properties.tally import Tally
from tests.subject import Subject

DUCK = Duck()
"""One for all worlds, which are loaded one after the other."""


@dataclass
class DuckTally(Tally):
    """Pairs are those that were translated, evaluated by both, and agreed."""

    untranslated: Counter[str] = field(default_factory=Counter)

    @property
    def translated_share(self) -> float:
        return self.pairs / max(1, self.pairs + self.untranslated.total())

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.untranslated.most_common())
        return f"{super().__str__()}; not translated: {reasons or 'none'} ({self.translated_share:.2%} were)"


@dataclass
class DuckTrial(Trial):
    """A world asked of the engine and of DuckDB, into which it is loaded once a stage."""

    tally: DuckTally = field(default_factory=DuckTally)
    writes: int = 0
    """How many there had been when the world was loaded."""

    def duck(self, subject: Subject) -> Duck:
        if DUCK.world is not subject.world or self.writes != len(self.history):
            DUCK.load(subject.world)
            self.writes = len(self.history)
        return DUCK

    def ask(self, text: str, selection: typed.Selection, clock: Clock) -> None:
        try:
            super().ask(text, selection, clock)
        except Untranslatable as reason:
            self.tally.untranslated[str(reason)] += 1

    def ways(self) -> tuple[str, ...]:
        return ("whole",)

    def compare(
        self, subject: Subject, selection: typed.Selection, clock: Clock, ways: tuple[str, ...]
    ) -> tuple[dict[str, set[str]], set[str]]:
        """What the engine, and then the oracle, answer otherwise than DuckDB; and DuckDB's answer."""
        expected = self.duck(subject).select(selection, clock)
        found = subject.ids(Question(subject.snapshot, selection, clock, self.random).members)
        if found == expected:
            return {}, expected
        oracle = Oracle(subject.world, clock).select(selection)
        return {"engine": found} | ({} if oracle == expected else {"oracle": oracle}), expected


@click.command()
@click.option("--pairs", default=20_000, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
def main(pairs: int, seed: int | None) -> None:
    """Exits with 1 at the first mismatch, printed as a conformance case that DuckDB's answer stands in."""
    seed = random.randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}")
    started = monotonic()
    try:
        tally = prove(pairs, seed, report=True, trial=DuckTrial)
    except Mismatch as mismatch:
        click.echo(f"MISMATCH {mismatch}")
        sys.exit(1)
    click.echo(f"{tally}; {monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
