"""Moves: ways of bringing the same data in that must not be told apart by any expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.oracle.writes import Companies, Contacts, Events, Json, Write
from tests.subject import Subject

SWAPS = 20
"""For each row: enough for every order that may be to come up."""


@dataclass(frozen=True)
class Move:
    """What becomes of each write, whether it is imported in bulk, and what follows it."""

    name: str
    changed: Callable[[Write, Random], list[Write]] = lambda write, random: [write]
    bulk: bool = False
    after: Callable[[Subject], None] = lambda subject: None
    at_last: Callable[[Subject], None] = lambda subject: None

    def written(self, folder: Path, schema: Json, writes: list[Write], random: Random) -> Subject:
        """A workspace of its own, holding the data so brought in."""
        subject = Subject(folder, schema)
        for write in writes:
            for changed in self.changed(write, random):
                subject.write(changed, bulk=self.bulk)
                self.after(subject)
        self.at_last(subject)
        return subject


def in_another_order(write: Write, random: Random) -> list[Write]:
    """Rows swapped wherever their order says nothing.

    It does say which value of a contact is the newest, which of two events at the same millisecond came first, and
    which of two with the same id is the duplicate.
    """
    match write:
        case Contacts(rows=rows) | Companies(rows=rows) | Events(rows=rows) if len(rows) > 1:
            rows = list(rows)
            for _ in range(SWAPS * len(rows)):
                i = random.randrange(len(rows) - 1)
                if not ordered(rows[i], rows[i + 1]):
                    rows[i], rows[i + 1] = rows[i + 1], rows[i]
            return [type(write)(rows)]
        case _:
            return [write]


def ordered(one: Json, other: Json) -> bool:
    """Whether the order of two rows says something."""
    if "id" in one and (one["id"], one.get("type")) == (other.get("id"), other.get("type")):
        return True
    return "at" in one and (one["contact"], one["at"]) == (other["contact"], other["at"])


def in_other_batches(write: Write, random: Random) -> list[Write]:
    match write:
        case Contacts(rows=rows) | Companies(rows=rows) | Events(rows=rows) if len(rows) > 1:
            cuts = sorted(random.sample(range(1, len(rows)), min(len(rows) - 1, 3)))
            return [type(write)(rows[a:b]) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
        case _:
            return [write]


def in_another_order_and_other_batches(write: Write, random: Random) -> list[Write]:
    return [batch for moved in in_another_order(write, random) for batch in in_other_batches(moved, random)]


def checkpointed_and_reopened(subject: Subject) -> None:
    subject.seal()
    subject.reopen()


MOVES = (
    Move("rows in another order", in_another_order),
    Move("other batches", in_other_batches),
    Move("another order, other batches, sealed in between", in_another_order_and_other_batches, after=Subject.seal),
    Move("imported in bulk", bulk=True),
    Move("imported in bulk, in other batches", in_other_batches, bulk=True),
    Move("sealed at last", at_last=Subject.seal),
    Move("reopened at last, from the journal", at_last=Subject.reopen),
    Move("checkpointed and reopened", at_last=checkpointed_and_reopened),
)
