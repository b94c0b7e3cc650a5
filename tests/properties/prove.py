"""Random (data, expression) pairs, each asked of the engine and of the oracle.

    python -m tests.properties.prove --pairs 1000000 --seed 7 --jobs 2

A *pair* is one expression, at one clock, asked of one state of one world's data. It agrees when the engine's rewritten
plan, asked about everyone, finds exactly the contacts that the oracle selects, and so does at least one other way of
asking, drawn for each pair: the count, rewrites off, one rule off, a double negation, a split over `within`, contacts
one by one, pages, a stream (`tests/asking.py`). `make test` asks fewer pairs, each in every way.

A world is a workspace of its own with random data in one of four shapes. It goes through several states: written by
single writes and imports, sealed, reopened, changed; after each, what reads back is compared with what was written.
Of each state new expressions are asked, and some that were asked of earlier states: no expression twice of one state.
The format round trip is checked for a sample of the expressions.

World `n` of a seed is always the same, whatever the number of processes: `--first n` goes on where a run ended.
A mismatch is cut down to one contact where that still shows it, and printed as a conformance case.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain, count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import monotonic

import click

from dsl import typed
from dsl.format import format
from dsl.moments import Clock
from dsl.parse import parse
from dsl.problems import ExpressionError
from dsl.schema import Schema
from tests.asking import WAYS, Disagreement
from tests.conformance.script import written
from tests.folders import brief_folder
from tests.oracle.calendar import iso
from tests.oracle.evaluate import Lives, Oracle, lives_in
from tests.oracle.kinds import Kinds, OracleOfKinds
from tests.oracle.writes import Companies, Contacts, Events, Json, Members, PutSegment, Write
from tests.properties import limits
from tests.properties.expressions import Writer
from tests.properties.rare import RareWriter
from tests.properties.tally import Tally
from tests.properties.worlds import SCHEMA, ZONES, Maker, Shape, landmarks
from tests.subject import Subject, contacts_of_world, events_of_world, stored_contacts, stored_events

POPULATIONS = {
    Shape.DENSE: (1, 3, 8, 20, 40, 60),
    Shape.SPARSE: (8, 20, 60, 150),
    Shape.RUNS: (8, 20, 60, 200, 600),
    Shape.MIXED: (1, 3, 8, 20, 20, 40, 60, 150),
}
CROWD, CROWDED_WORLDS = 2_500, 0.01
MULTITUDE, TEEMING_WORLDS = 70_000, 0.002
"""Contacts beyond one container of a bitmap, in few worlds: each takes minutes."""
ALIKE = 100
"""From this many contacts on, the oracle decides once for contacts that are alike."""


class Mismatch(AssertionError):
    """The engine and the oracle, or two ways of asking the engine, do not agree."""


@dataclass(frozen=True)
class Pace:
    """How much is asked of a world: in each state, `fresh` expressions and `again` at most of earlier ones."""

    states: tuple[int, ...]
    fresh: int
    again: int
    every_way: bool
    formatted: float
    """The share of fresh expressions whose format is checked."""


THOROUGH = Pace(states=(1, 2, 3, 4), fresh=20, again=0, every_way=True, formatted=1.0)
BROAD = Pace(states=(3, 5, 8), fresh=20, again=60, every_way=False, formatted=0.2)

SECOND_WAYS = {
    "counted": 25,
    "split over within": 25,
    "without rewrites": 14,
    "without one rule": 14,
    "not not": 8,
    "one by one": 7,
    "paged": 4,
    "streamed": 3,
}
"""How often each is the other way of a pair, in a hundred."""


@dataclass
class Trial:
    """One world: written, moved between layouts, and asked about in every state."""

    random: Random
    folder: Path
    schema: Json
    shape: Shape
    population: int
    pace: Pace = THOROUGH
    tally: Tally = field(default_factory=Tally)
    history: list[Write] = field(default_factory=list)
    asked: dict[str, typed.Selection] = field(default_factory=dict)
    subject: Subject = field(init=False)
    maker: Maker = field(init=False)
    kinds: Kinds | None = None
    lives: Lives = field(default_factory=dict)

    @classmethod
    def draw(cls, random: Random, folder: Path, pace: Pace, teeming: float) -> Trial:
        """`teeming` is the share of worlds with a multitude of contacts."""
        schema, shape = {"timezone": random.choice(ZONES), **SCHEMA}, random.choice(list(Shape))
        return cls(random, folder, schema, shape, population(random, shape, teeming), pace)

    @staticmethod
    def nothing() -> Tally:
        """What a proof has covered before its first world."""
        return Tally()

    def run(self, most: int | None = None) -> Tally:
        """Mismatch. At most `most` pairs."""
        self.tally.worlds += 1
        self.subject = Subject(self.folder, self.schema)
        try:
            self.maker = Maker.draw(self.random, self.subject.world.schema, self.shape, self.population)
            for write in [*segments(self.writer()), *self.maker.first_writes()]:
                self.write(write)
            for _ in range(self.random.choice(self.pace.states)):
                self.tally.states += 1
                self.check_stored()
                self.ask_several(most)
                self.change()
        finally:
            self.subject.close()
        return self.tally

    def writer(self) -> Writer:
        """Expressions look from where the data is, or from a landmark of the calendar."""
        schema: Schema = self.subject.world.schema
        now = self.maker.now if self.random.random() < 0.7 else self.random.choice(landmarks(schema))
        return RareWriter(self.random, Clock(now, schema.zone))

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

    def ask_several(self, most: int | None) -> None:
        world = self.subject.world
        self.kinds = Kinds.found(world) if len(world.contacts) >= ALIKE else None
        self.lives = lives_in(world) if self.kinds is None else self.kinds.lives
        earlier = self.random.sample(list(self.asked.items()), min(len(self.asked), self.pace.again))
        for text, selection in chain(earlier, self.fresh()):
            if most is not None and self.tally.pairs >= most:
                return
            self.ask(text, selection, self.writer().clock)

    def fresh(self) -> Iterator[tuple[str, typed.Selection]]:
        """Expressions that were not asked yet."""
        for _ in range(self.pace.fresh):
            text = self.writer().expression()
            if text in self.asked:
                continue
            try:
                selection = self.subject.understand(text)
            except ExpressionError as error:
                self.tally.refused[error.problems[0].code] += 1
                continue
            if self.random.random() < self.pace.formatted:
                check_format(text)
            self.tally.expressions += 1
            self.asked[text] = selection
            yield text, selection

    def ask(self, text: str, selection: typed.Selection, clock: Clock) -> None:
        ways = self.ways()
        try:
            differing, expected = self.compare(self.subject, selection, clock, ways)
        except Disagreement as error:
            raise Mismatch(f"{error}\n{text}\nat {iso(clock.now)}") from None
        if differing:
            raise Mismatch(self.report(text, clock, differing, expected))
        self.tally.agreed(self.shape, ways, len(expected), len(self.subject.world.contacts))

    def compare(
        self, subject: Subject, selection: typed.Selection, clock: Clock, ways: tuple[str, ...]
    ) -> tuple[dict[str, set[str]], set[str]]:
        """What differs from the oracle's answer, by way of asking; and that answer."""
        oracle = self.oracle(clock) if subject is self.subject else Oracle(subject.world, clock)
        expected = oracle.select(selection)
        return subject.ways_that_differ(selection, clock, self.random, expected, ways), expected

    def oracle(self, clock: Clock) -> Oracle:
        if self.kinds is None:
            return Oracle(self.subject.world, clock, self.lives)
        return OracleOfKinds(self.kinds, clock)

    def ways(self) -> tuple[str, ...]:
        if self.pace.every_way:
            return tuple(WAYS)
        return "whole", *self.random.choices(list(SECOND_WAYS), list(SECOND_WAYS.values()))

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
            with brief_folder() as folder:
                subject = Subject(Path(folder) / "data", self.schema)
                try:
                    for write in writes:
                        subject.write(write)
                    differing, expected = self.compare(subject, subject.understand(expression), clock, tuple(WAYS))
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


def population(random: Random, shape: Shape, teeming: float) -> int:
    roll = random.random()
    if roll < teeming:
        return MULTITUDE
    if roll < teeming + CROWDED_WORLDS:
        return CROWD
    return random.choice(POPULATIONS[shape])


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


def world(
    seed: int,
    number: int,
    trial: type[Trial] = Trial,
    pace: Pace = BROAD,
    teeming: float = 0.0,
    most: int | None = None,
) -> Tally:
    """World `number` of a seed. Whatever goes wrong says which one it was."""
    source = Random(seed * 1_000_003 + number)
    with brief_folder() as folder:
        drawn = trial.draw(source, Path(folder) / "data", pace, teeming)
        changed = limits.drawn(source) if drawn.population < MULTITUDE else nullcontext({})
        with changed as small:
            try:
                return drawn.run(most)
            except Mismatch as mismatch:
                raise Mismatch(f"seed {seed}, world {number}, limits {small}: {mismatch}") from None
            except Exception as error:
                error.add_note(f"seed {seed}, world {number}, limits {small}")
                raise


def prove(pairs: int, seed: int, *, trial: type[Trial] = Trial, report: bool = False) -> Tally:
    """Worlds asked thoroughly, one after the other, until `pairs` agree. Mismatch."""
    tally = world(seed, 0, trial, THOROUGH, most=pairs)
    said = monotonic()
    for number in count(1):
        if tally.pairs >= pairs:
            break
        tally += world(seed, number, trial, THOROUGH, most=pairs - tally.pairs)
        if report and monotonic() - said > 10:
            said = monotonic()
            click.echo(str(tally), err=True)
    return tally


def in_processes(
    pairs: int,
    seed: int,
    first: int,
    jobs: int,
    *,
    trial: type[Trial] = Trial,
    pace: Pace = BROAD,
    teeming: float = TEEMING_WORLDS,
) -> Tally:
    """The same over several processes, a world at a time, from world `first` on; told every ten seconds. Mismatch."""
    tally, said, numbers = trial.nothing(), monotonic(), count(first)
    done: set[int] = set()
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=gc.freeze) as pool:
        running: dict[Future[Tally], int] = {}
        try:
            while tally.pairs < pairs:
                while len(running) < 2 * jobs:
                    number = next(numbers)
                    running[pool.submit(world, seed, number, trial, pace, teeming)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    tally += future.result()
                while first in done:
                    first += 1
                if monotonic() - said > 10:
                    said = monotonic()
                    click.echo(f"{tally}; go on with --first {first}")
        finally:
            pool.shutdown(cancel_futures=True)
    return tally


@click.command()
@click.option("--pairs", default=10_000, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
@click.option("--first", default=0, show_default=True, help="The number of the first world.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Processes; the cores there are when absent.")
def main(pairs: int, seed: int | None, first: int, jobs: int) -> None:
    """Exits with 1 at the first mismatch, printed as a conformance case."""
    seed = random.randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}, from world {first} on, {jobs} processes")
    try:
        tally = in_processes(pairs, seed, first, jobs)
    except Mismatch as mismatch:
        click.echo(f"MISMATCH {mismatch}")
        sys.exit(1)
    click.echo(str(tally))


if __name__ == "__main__":
    main()
