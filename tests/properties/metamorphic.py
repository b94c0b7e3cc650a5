"""Laws and moves on random worlds, asked of the engine alone.

    python -m tests.properties.metamorphic --worlds 1000 --seed 7

In every world an example of each law of `laws` must hold, at a clock that is drawn. Random expressions must give the
same members in every way of asking, with each rewrite rule left out and with each alone, and at whatever time they are
asked about a clock; and so must the same data, brought in otherwise (`moves`).
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from unittest.mock import patch

import click
from pyroaring import BitMap

from dsl.moments import Clock
from dsl.problems import ExpressionError
from engine.plan import rewrite
from engine.plan.rewrites import RULES
from tests.asking import WAYS, Question
from tests.folders import brief_folder
from tests.oracle.calendar import iso
from tests.oracle.writes import Json, Write
from tests.properties import limits
from tests.properties.expressions import Writer
from tests.properties.laws import SAME, WITHIN, Law
from tests.properties.moves import MOVES, Move
from tests.properties.prove import segments
from tests.properties.worlds import SCHEMA, ZONES, Maker, Shape, landmarks
from tests.subject import Subject

POPULATIONS = (1, 5, 20, 60, 120)
EXPRESSIONS = 6
LATER_WRITES = 3


class Broken(AssertionError):
    """A law does not hold."""


@dataclass
class Trial:
    """One world, and how often each law held in it."""

    random: Random
    folder: Path
    held: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Broken."""
        schema: Json = {"timezone": self.random.choice(ZONES), **SCHEMA}
        with closing(Subject(self.folder / "plain", schema)) as plain:
            self.subject = plain
            self.maker = Maker.draw(
                self.random, plain.world.schema, self.random.choice(list(Shape)), self.random.choice(POPULATIONS)
            )
            writes = list(self.writes())
            self.keep_laws()
            self.keep_answers()
            for number, move in enumerate(self.random.sample(MOVES, 4)):
                with closing(move.written(self.folder / str(number), schema, writes, self.random)) as moved:
                    self.keep_members(move, moved)

    def writes(self) -> Iterator[Write]:
        """What is written, one by one, to the plain subject too."""
        for write in [*segments(self.writer()), *self.maker.first_writes()]:
            yield self.written(write)
        for _ in range(LATER_WRITES):
            yield self.written(self.maker.later_write(sorted(self.subject.world.contacts)))

    def written(self, write: Write) -> Write:
        self.subject.write(write)
        return write

    def writer(self) -> Writer:
        schema = self.subject.world.schema
        now = self.maker.now if self.random.random() < 0.7 else self.random.choice(landmarks(schema))
        return Writer(self.random, Clock(now, schema.zone))

    # --- what must hold -----------------------------------------------------------------------------------

    def keep_laws(self) -> None:
        for law in SAME:
            for (left, one), (right, other), clock in self.example(law):
                self.hold(one == other, law, f"{left}\n{right}", clock, one ^ other)
        for law in WITHIN:
            for (left, one), (right, other), clock in self.example(law):
                self.hold(one <= other, law, f"{left}\n{right}", clock, one - other)

    def example(self, law: Law) -> Iterator[tuple[tuple[str, set[str]], tuple[str, set[str]], Clock]]:
        """Both expressions of an example, with their members; none when the language refuses it."""
        writer = self.writer()
        left, right = law(writer)
        try:
            yield (left, self.members(left, writer.clock)), (right, self.members(right, writer.clock)), writer.clock
        except ExpressionError as error:
            self.refused[error.problems[0].code] += 1

    def keep_answers(self) -> None:
        """Every way of asking, whatever the rules that rewrite."""
        for expression, clock in self.expressions():
            question = self.question(self.subject, expression, clock)
            found = {way: ask(question) for way, ask in WAYS.items()}
            for rule in RULES:
                rest = tuple(other for other in RULES if other is not rule)
                found[f"without {rule.__name__}"] = question.executed(rewrite(question.logical, rest))
                found[f"{rule.__name__} alone"] = question.executed(rewrite(question.logical, (rule,)))
            found["asked at another time"] = self.asked_at_another_time(expression, clock)
            for way, rows in found.items():
                self.hold(rows == question.members, way, expression, clock, rows ^ question.members)

    def asked_at_another_time(self, expression: str, clock: Clock) -> BitMap:
        """An expression that is given its clock never looks at another."""
        with patch(
            "engine.questions.milliseconds_now", lambda: self.random.choice(landmarks(self.subject.world.schema))
        ):
            return self.subject.workspace.query(expression, at=clock.now).members

    def keep_members(self, move: Move, moved: Subject) -> None:
        for expression, clock in self.expressions():
            one, other = self.members(expression, clock), self.members(expression, clock, moved)
            self.hold(one == other, move.name, expression, clock, one ^ other)

    def expressions(self) -> Iterator[tuple[str, Clock]]:
        for _ in range(EXPRESSIONS):
            writer = self.writer()
            expression = writer.expression()
            try:
                self.subject.understand(expression)
            except ExpressionError as error:
                self.refused[error.problems[0].code] += 1
            else:
                yield expression, writer.clock

    def members(self, expression: str, clock: Clock, subject: Subject | None = None) -> set[str]:
        subject = subject or self.subject
        return subject.ids(self.question(subject, expression, clock).members)

    def question(self, subject: Subject, expression: str, clock: Clock) -> Question:
        return Question(subject.snapshot, subject.understand(expression), clock, self.random)

    def hold(self, holds: bool, law: Law | str, asked: str, clock: Clock, wrong: object) -> None:
        name = law if isinstance(law, str) else law.__name__
        if not holds:
            stated = "" if isinstance(law, str) else f" ({law.__doc__})"
            raise Broken(f"{name}{stated}, at {iso(clock.now)}:\n{asked}\ndiffers for {sorted(wrong)[:5]}")  # type: ignore[call-overload]
        self.held[name] += 1


def check_world(seed: int) -> Counter[str]:
    """How often each law held in the world of a seed. Broken."""
    source = Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(brief_folder()))
        small = stack.enter_context(limits.drawn(source))
        trial = Trial(source, folder)
        try:
            trial.run()
        except Exception as error:
            error.add_note(f"world {seed}, limits {small}")
            raise
    return trial.held


@click.command()
@click.option("--worlds", default=1_000, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
def main(worlds: int, seed: int | None) -> None:
    """Exits with 1 at the first law that does not hold."""
    seed = random.randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}")
    held, said = Counter[str](), monotonic()
    for number in range(worlds):
        try:
            held += check_world(seed * 1_000_003 + number)
        except Broken as broken:
            click.echo(f"BROKEN {broken}\n{' '.join(broken.__notes__)}")
            sys.exit(1)
        if monotonic() - said > 10:
            said = monotonic()
            click.echo(f"{held.total()} checks hold in {number + 1} worlds")
    click.echo(
        f"{held.total()} checks hold in {worlds} worlds: {', '.join(f'{n} {c}' for n, c in sorted(held.items()))}"
    )


if __name__ == "__main__":
    main()
