"""The question of the race with many constants, so that nothing is answered from a cache; and its SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from numpy.random import default_rng

from bench import words
from bench.generate import DAY, NOW_MS


@dataclass(frozen=True, slots=True)
class Question:
    """Who is of a country, did anything in the last days, and has more than some points."""

    country: str
    days: int
    points: int

    @property
    def expression(self) -> str:
        return f'country = "{self.country}" and did any event in last {self.days} days and points > {self.points}'

    @property
    def sql(self) -> str:
        """Over `contacts` and `events(contact, moment)`; days are 24 hours here, so ask where no clock changes."""
        since = NOW_MS - self.days * DAY
        return (
            f"select count(*) from contacts where country = '{self.country}' and points > {self.points} "
            f"and id in (select contact from events where moment >= {since} and moment < {NOW_MS})"
        )


THE_QUESTION = Question("FR", 90, 30)


def questions(count: int, seed: int = 1) -> Iterator[Question]:
    """`count` different ones, the first the question itself."""
    rng = default_rng([seed, 1000])
    seen = {THE_QUESTION}
    yield THE_QUESTION
    while len(seen) < count:
        question = Question(
            words.COUNTRIES[int(rng.integers(0, 8))], int(rng.integers(7, 365)), int(rng.integers(1, 200))
        )
        if question not in seen:
            seen.add(question)
            yield question
