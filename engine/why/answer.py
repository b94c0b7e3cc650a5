"""Answers to `why`: plain data, ready to be encoded. Sentences are in the language that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of characters of an expression: 0-based offsets, and the 1-based line and column of its start."""

    start: int
    end: int
    line: int
    column: int


class Kind(StrEnum):
    """What a node of the reason is."""

    AND = "and"
    OR = "or"
    NOT = "not"
    QUORUM = "quorum"
    SEGMENT = "segment"
    RULES = "rules"
    CUT = "cut"
    LEAF = "leaf"


class ByHand(StrEnum):
    """What was done by hand with a contact and a segment."""

    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Value:
    """What a term is for the contact: its canonical text, its value in JSON (null when missing) and in words."""

    name: str
    value: Any
    shown: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the contact. `fails` says why it does not count; it is empty for those that do."""

    type: str
    at: str
    id: str | None
    properties: dict[str, Any]
    fails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Events:
    """The events that a selector names: how many, and the newest of them.

    `missed` counts the other events of its type, of which `nearest` are those that fail the least, newest first.
    """

    selector: str
    count: int
    newest: tuple[Happening, ...]
    missed: int
    nearest: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class StepFound:
    """A step of a sequence, and the event that matched it.

    Steps after the one where the sequence stopped are not reached. A step that must not occur matches no event; if
    it did occur, `event` is what broke the sequence there.
    """

    text: str
    holds: bool
    reached: bool
    event: Happening | None


@dataclass(frozen=True, slots=True)
class Change:
    """What would have to change for a leaf to turn out otherwise.

    `set` holds values of fields of the contact that do it, in the form of an upsert; `add` an event that does it when
    it is added `times` times. Both are null where nothing so plain does. Nothing can change what is not `possible`.
    """

    sentence: str
    possible: bool = True
    set: dict[str, Any] | None = None
    add: dict[str, Any] | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """What time alone does to a leaf: it turns at `at` or, when not `turns`, stays as it is until then at least."""

    at: str
    turns: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Rank:
    """Where the contact stands among the `members` that a cut chooses from, and what the last one kept has."""

    rank: int
    members: int
    kept: int
    value: Any
    edge: Any


@dataclass(frozen=True, slots=True)
class Node:
    """A condition, whether it holds for the contact, and what it is made of.

    `text` is its canonical text. `span` is its place in the expression that was asked about or, when `segment` is
    given, in the expression of that segment; null for a parent, which stands in none. `key` is that of the segment
    that is named (kind "rules" for its rules alone). `deciding` conditions are enough for the answer: whatever the
    others were, it would be the same. `needed` says in a sentence for whom a leaf holds. Of the `items` of a group,
    `least` to `most` must hold. A segment that was opened before, and decided as much there, is not opened again.
    """

    kind: Kind
    text: str
    span: Stretch | None
    segment: str | None
    holds: bool
    deciding: bool
    key: str | None = None
    least: int | None = None
    most: int | None = None
    found: str | None = None
    needed: str | None = None
    change: Change | None = None
    turn: Turn | None = None
    values: tuple[Value, ...] = ()
    events: tuple[Events, ...] = ()
    steps: tuple[StepFound, ...] = ()
    rank: Rank | None = None
    by_hand: ByHand | None = None
    opened_before: bool = False
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """A condition that would have to turn, and what makes it."""

    text: str
    span: Stretch | None
    segment: str | None
    change: Change


@dataclass(frozen=True, slots=True)
class Why:
    """Why a contact matches an expression, or does not, at `at` in the state `seq`.

    `verdict` says it in a few words, `conclusion` what would turn it, line by line, and `text` all of it for people.
    `flips` are the fewest conditions that, if they all turned, would turn the answer; none where nothing can. `turn` is
    when time alone turns it; null when it does not, or when a cut makes it depend on others.
    """

    contact: str
    expression: str
    holds: bool
    at: str
    seq: int
    verdict: str
    conclusion: tuple[str, ...]
    text: str
    root: Node
    flips: tuple[Flip, ...]
    turn: Turn | None
