"""What a proof has covered so far, so that parts of it can be added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from tests.properties.worlds import Shape

CONTAINER = 65_536
"""Rows of one container of a Roaring bitmap."""


@dataclass
class Tally:
    """`pairs` counts what was evaluated and agreed; the rest was refused by the language."""

    worlds: int = 0
    states: int = 0
    expressions: int = 0
    pairs: int = 0
    selective: int = 0
    beyond: int = 0
    """Pairs over more contacts than one container holds."""
    shapes: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def agreed(self, shape: Shape, ways: tuple[str, ...], found: int, contacts: int) -> None:
        self.pairs += 1
        self.selective += 0 < found < contacts
        self.beyond += contacts > CONTAINER
        self.shapes[shape.value] += 1
        self.ways.update(ways)

    def __add__(self, other: Tally) -> Self:
        return type(self)(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def __str__(self) -> str:
        return (
            f"{self.pairs} pairs agree ({listed(self.shapes)}; {self.beyond} beyond {CONTAINER} contacts): "
            f"{self.expressions} expressions over {self.states} states of {self.worlds} worlds; "
            f"{self.selective} selected some but not all; asked {listed(self.ways)}; "
            f"refused by the checker: {listed(self.refused) or 'none'}"
        )


def listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())
