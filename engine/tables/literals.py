"""What a text must hold to match a pattern: literals that are searched before the pattern is tried."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ATOM = re.compile(
    r"""(?P<literal>[^\\.\[\](){}|^$*+?] | \\[^a-zA-Z0-9])
      | (?P<class>\\[dDwWsS] | \. | \[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\])
      | (?P<edge>\\[bB] | \$)""",
    re.VERBOSE,
)
_REPEAT = re.compile(r"(?:(?P<once>\+)|[*?]|\{[^}]*\})\??")


@dataclass(frozen=True, slots=True)
class Literals:
    """Every text that matches folds to one that begins with `start`, and has `inside` somewhere."""

    start: str = ""
    inside: str = ""


def of_like(pattern: str) -> Literals:
    """Of a folded pattern, in which `%` stands for any characters and `_` for one."""
    pieces = re.split("[%_]", pattern)
    return Literals(pieces[0], max(pieces[1:], key=len, default=""))


def of_regex(pattern: str) -> Literals:
    """Of a regular expression, as RE2 reads it, whether or not it ignores case.

    It is read until the first group; with alternatives, or other than ASCII letters, nothing is known. ASCII literals
    fold to their small letters whatever stands beside them, as do the other letters that RE2 takes for them.

    >>> of_regex("^ab.*[0-9]{2}@x+y")
    Literals(start='ab', inside='@x')
    """
    if "|" in pattern or not pattern.isascii():
        return Literals()
    anchored = pattern.startswith("^")
    runs, place = [""], int(anchored)
    while found := _ATOM.match(pattern, place):
        repeat = _REPEAT.match(pattern, found.end())
        place = repeat.end() if repeat else found.end()
        if repeat and _REPEAT.match(pattern, place):
            break
        if found["literal"] and (repeat is None or repeat["once"]):
            runs[-1] += found["literal"][-1].lower()
        if repeat or not found["literal"]:
            runs.append("")
    return Literals(runs[0] if anchored else "", max(runs[anchored:], key=len, default=""))
