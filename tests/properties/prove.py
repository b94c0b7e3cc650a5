"""Random (data, expression) pairs, each asked of the engine in every way and of the oracle.

    python -m tests.properties.prove --pairs 1000000 --seed 7

A mismatch is cut down to one contact where that still shows it, and printed as a conformance case.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

import click

from dsl.format import format
from dsl.moments import Clock
from dsl.parse import parse
from dsl.problems import ExpressionError
from dsl.schema import Schema
from tests.conformance.script import written
from tests.oracle.calendar import iso
from tests.oracle.evaluate import Oracle
from tests.oracle.writes import Companies, Contacts, Events, Json, Members, PutSegment, Write
from tests.properties import limits
from tests.properties.expressions import Writer
from tests.properties.worlds import SCHEMA, ZONES, Maker, landmarks
from tests.subject import Subject, contacts_of_world, events_of_world, stored_contacts, stored_events

POPULATIONS = (1, 3, 8, 20, 20, 40, 60, 150)
CROWD, CROWDED_WORLDS = 2_500, 0.01
MULTITUDE, TEEMING_WORLDS = 70_000, 0.0003
"""Contacts beyond one container of a bitmap, in few worlds: the oracle takes a minute for each."""
EXPRESSIONS_A_STAGE = 12
STAGES = (1, 2, 3, 4)


class Mismatch(AssertionError):
    """The engine and the oracle, or two ways of asking the engine, do not agree."""


@dataclass
class Tally:
    """`pairs` counts what was evaluated and agreed; the rest was refused by the language."""

    worlds: int = 0
    pairs: int = 0
    selective: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        refused = ", ".join(f"{code} {count}" for code, count in self.refused.most_common(5))
        return (
            f"{self.pairs} pairs over {self.worlds} worlds agree; {self.selective} selected some but not all; "
            f"refused by the checker: {refused or 'none'}"
        )


@dataclass
class Trial:
    """One world: written, moved between layouts, and asked about at every stage."""

    random: Random
    folder: Path
    tally: Tally
    schema: Json
    population: int
    history: list[Write] = field(default_factory=list)
    subject: Subject = field(init=False)
    maker: Maker = field(init=False)

    @classmethod
    def draw(cls, random: Random, folder: Path, tally: Tally, teeming: float = 0.0) -> Trial:
        """`teeming` is the share of worlds with a multitude of contacts."""
        return cls(random, folder, tally, {"timezone": random.choice(ZONES), **SCHEMA}, population(random, teeming))

    def run(self, most: int | None = None) -> None:
        """Mismatch. At most `most` pairs."""
        self.tally.worlds += 1
        self.subject = Subject(self.folder, self.schema)
        try:
            self.maker = Maker.draw(self.random, self.subject.world.schema, self.population)
            for write in [*segments(self.writer()), *self.maker.first_writes()]:
                self.write(write)
            goal = None if most is None else self.tally.pairs + most
            for _ in range(self.random.choice(STAGES)):
                self.ask_several(goal)
                self.check_stored()
                self.change()
        finally:
            self.subject.close()

    def writer(self) -> Writer:
        """Expressions look from where the data is, or from a landmark of the calendar."""
        schema: Schema = self.subject.world.schema
        now = self.maker.now if self.random.random() < 0.7 else self.random.choice(landmarks(schema))
        return Writer(self.random, Clock(now, schema.zone))

    def write(self, write: Write) -> None:
        self.history.append(write)
        self.subject.write(write, bulk=self.random.random() < 0.3)
        roll = self.random.random()
        if roll < 0.25:
            self.subject.seal()
        elif roll < 0.32:
            self.subject.reopen()

    def change(self) -> None:
        for _ in range(self.random.randrange(1, 4)):
            self.write(self.maker.later_write(sorted(self.subject.world.contacts)))

    def ask_several(self, goal: int | None) -> None:
        for _ in range(EXPRESSIONS_A_STAGE):
            if goal is not None and self.tally.pairs >= goal:
                return
            writer = self.writer()
            self.ask(writer.expression(), writer.clock)

    def ask(self, expression: str, clock: Clock) -> None:
        try:
            differing, expected = self.compare(self.subject, expression, clock)
        except ExpressionError as error:
            self.tally.refused[error.problems[0].code] += 1
            return
        if differing:
            raise Mismatch(self.report(expression, clock, differing, expected))
        check_format(expression)
        self.tally.pairs += 1
        self.tally.selective += 0 < len(expected) < len(self.subject.world.contacts)

    def check_stored(self) -> None:
        """What reads back is what was written, wherever it lies by now."""
        snapshot, world = self.subject.snapshot, self.subject.world
        for found, expected in (
            (stored_contacts(snapshot), contacts_of_world(world)),
            (stored_events(snapshot), events_of_world(world)),
        ):
            if found != expected:
                wrong = [key for key in found | expected if found.get(key) != expected.get(key)]
                shown = [f"{key}: {found.get(key)} stored, {expected.get(key)} written" for key in wrong[:3]]
                raise Mismatch("what is stored is not what was written:\n" + "\n".join(shown))

    def compare(self, subject: Subject, expression: str, clock: Clock) -> tuple[dict[str, set[str]], set[str]]:
        """What differs from the oracle's answer, by way of asking; and that answer."""
        selection = subject.understand(expression)
        expected = Oracle(subject.world, clock).select(selection)
        return subject.ways_that_differ(selection, clock, Random(self.tally.pairs), expected), expected

    # --- a find becomes a case --------------------------------------------------------------------------

    def report(self, expression: str, clock: Clock, differing: dict[str, set[str]], expected: set[str]) -> str:
        wrong = sorted(set[str]().union(*(found ^ expected for found in differing.values())))
        ways = ", ".join(f"{way} has {sorted(found ^ expected)[:3]} wrong" for way, found in differing.items())
        writes, members = self.smallest(expression, clock, wrong) or (self.history, sorted(expected))
        case = written(self.schema, writes, iso(clock.now).replace("Z", "+00:00"), expression, members)
        return f"{ways}\n\n{case}"

    def smallest(self, expression: str, clock: Clock, wrong: list[str]) -> tuple[list[Write], list[str]] | None:
        """The writes that concern one wrong contact alone, if the ways still differ on them."""
        for id in wrong[:3]:
            writes = [kept for write in self.history if (kept := about(write, id)) is not None]
            with tempfile.TemporaryDirectory() as folder:
                subject = Subject(Path(folder) / "data", self.schema)
                try:
                    for write in writes:
                        subject.write(write)
                    differing, expected = self.compare(subject, expression, clock)
                except ExpressionError:
                    continue
                finally:
                    subject.close()
            if differing:
                return writes, sorted(expected)
        return None


def check_format(expression: str) -> None:
    """Mismatch unless the canonical text says the same and is a fixed point."""
    formatted = format(parse(expression))
    if parse(formatted) != parse(expression) or format(parse(formatted)) != formatted:
        raise Mismatch(f"format changes the meaning, or is no fixed point:\n{expression}\n{formatted}")


def population(random: Random, teeming: float) -> int:
    roll = random.random()
    if roll < teeming:
        return MULTITUDE
    return CROWD if roll < teeming + CROWDED_WORLDS else random.choice(POPULATIONS)


def segments(writer: Writer) -> Iterator[PutSegment]:
    """One by hand, one by rules, and a child that narrows it. Rules name no segments, and have no cut."""
    yield PutSegment("hand", {"name": "By hand", "expression": None})
    yield PutSegment("rules", {"name": "By rules", "expression": writer.did()})
    expression = writer.field_test(SCHEMA["contacts"], "")
    yield PutSegment("child", {"name": "Child", "parent": "rules", "expression": expression})


def about(write: Write, id: str) -> Write | None:
    """The part of a write that concerns one contact, its company and the segments."""
    match write:
        case Contacts(rows=rows):
            return Contacts(mine) if (mine := [row for row in rows if row["id"] == id]) else None
        case Events(rows=rows):
            return Events(mine) if (mine := [row for row in rows if row["contact"] == id]) else None
        case Members(key=key):
            kept = [[member for member in group if member == id] for group in (write.add, write.remove, write.reset)]
            return Members(key, *kept) if any(kept) else None
        case Companies() | PutSegment():
            return write
        case _:
            return write if write.id == id else None


def prove(
    pairs: int,
    seed: int,
    *,
    teeming: float = 0.0,
    report: bool = False,
    trial: type[Trial] = Trial,
    tally: Tally | None = None,
) -> Tally:
    """Worlds, one after the other, until `pairs` agree. Mismatch names the seed of its world."""
    tally = Tally() if tally is None else tally
    said = monotonic()
    while tally.pairs < pairs:
        world_seed = seed * 1_000_003 + tally.worlds
        with tempfile.TemporaryDirectory(prefix="tamis-prove-") as folder:
            source = Random(world_seed)
            with limits.drawn(source) as small:
                try:
                    trial.draw(source, Path(folder) / "data", tally, teeming).run(pairs - tally.pairs)
                except Mismatch as mismatch:
                    raise Mismatch(f"seed {seed}, world {tally.worlds - 1}, limits {small}: {mismatch}") from None
        if report and monotonic() - said > 10:
            said = monotonic()
            click.echo(str(tally), err=True)
    return tally


@click.command()
@click.option("--pairs", default=10_000, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
def main(pairs: int, seed: int | None) -> None:
    """Exits with 1 at the first mismatch, printed as a conformance case."""
    seed = random.randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}")
    try:
        tally = prove(pairs, seed, teeming=TEEMING_WORLDS, report=True)
    except Mismatch as mismatch:
        click.echo(f"MISMATCH {mismatch}")
        sys.exit(1)
    click.echo(str(tally))


if __name__ == "__main__":
    main()
