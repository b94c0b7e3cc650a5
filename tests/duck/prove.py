"""Random (data, expression) pairs, each asked of the engine and of DuckDB.

    python -m tests.duck.prove --pairs 20000 --seed 7 --jobs 2

Worlds, expressions, layouts and reports of mismatches are those of `tests.properties.prove`; the answer that the
engine must give is here DuckDB's, over tables of what was written.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from time import monotonic

import click

from dsl import typed
from dsl.moments import Clock
from tests.asking import Question
from tests.duck.database import Duck
from tests.duck.translate import Untranslatable
from tests.oracle.evaluate import Oracle
from tests.properties.prove import Mismatch, Pace, Trial, in_processes
from tests.properties.tally import Tally
from tests.subject import Subject

AMPLE = Pace(states=(2, 3, 4), fresh=30, again=10, every_way=False, formatted=0.0)


@cache
def duck() -> Duck:
    """One in each process for all its worlds, which are loaded one after the other."""
    return Duck()


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

    @staticmethod
    def nothing() -> DuckTally:
        return DuckTally()

    def duck(self, subject: Subject) -> Duck:
        if duck().world is not subject.world or self.writes != len(self.history):
            duck().load(subject.world)
            self.writes = len(self.history)
        return duck()

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
@click.option("--first", default=0, show_default=True, help="The number of the first world.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Processes; the cores there are when absent.")
def main(pairs: int, seed: int | None, first: int, jobs: int) -> None:
    """Exits with 1 at the first mismatch, printed as a conformance case that DuckDB's answer stands in."""
    seed = random.randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}, from world {first} on, {jobs} processes")
    started = monotonic()
    try:
        tally = in_processes(pairs, seed, first, jobs, trial=DuckTrial, pace=AMPLE, teeming=0.0)
    except Mismatch as mismatch:
        click.echo(f"MISMATCH {mismatch}")
        sys.exit(1)
    click.echo(f"{tally}; {monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
