"""How well a name fits what is typed."""

from __future__ import annotations

from enum import IntEnum

from dsl.folding import fold

NEAR_LEAST = 3
"""Fewer characters than this are near to everything."""


class Match(IntEnum):
    """Best first."""

    START = 0
    WORD = 1
    INSIDE = 2
    NEAR = 3


def match(typed: str, name: str) -> Match | None:
    """How `name` fits `typed`, which is folded; None when it does not.

    >>> match("fr", "France"), match("zel", "New Zealand"), match("zea", "New Zealand"), match("farn", "France")
    (<Match.START: 0>, None, <Match.WORD: 1>, <Match.NEAR: 3>)
    """
    folded = fold(name)
    place = folded.find(typed)
    if place == 0:
        return Match.START
    while place > 0:
        if not folded[place - 1].isalnum():
            return Match.WORD
        following = folded.find(typed, place + 1)
        if following < 0:
            return Match.INSIDE
        place = following
    return Match.NEAR if near(typed, folded) else None


def near(typed: str, folded: str) -> bool:
    """Whether one slip of the hand made `typed` of the beginning of `folded`: a letter too many, one missing, another
    in its place, or two the wrong way round.

    >>> near("contry", "country"), near("cuontry", "country"), near("coumtr", "country"), near("cntr", "count")
    (True, True, True, False)
    """
    if len(typed) < NEAR_LEAST:
        return False
    same = 0
    for a, b in zip(typed, folded, strict=False):
        if a != b:
            break
        same += 1
    rest, other = typed[same:], folded[same:]
    return (
        other.startswith(rest[1:])
        or other[1:].startswith(rest)
        or other[1:].startswith(rest[1:])
        or (rest[:2] == other[1::-1] and len(rest) > 1 and other[2:].startswith(rest[2:]))
    )
