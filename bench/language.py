"""How long reading an expression takes: typical texts, the largest legal ones, and texts made to be slow.

Times are of the thread's processor, so that a busy machine counts less. `read` is asked past its cache.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from time import thread_time
from typing import Any

from bench.timing import Times
from dsl.lexing import END, next_token
from dsl.parse import LIMITS, read


def largest(piece: str, joint: str, opening: str = "", closing: str = "") -> str:
    """As many pieces as the limits of length and of nodes leave legal; `{}` in a piece is its number."""
    once, twice = (nodes(joined(piece, joint, count, opening, closing)) for count in (1, 2))
    by_nodes = 1 + (LIMITS.nodes - once) // (twice - once) if twice > once else LIMITS.nodes
    by_length = (LIMITS.length - len(opening + closing)) // len(piece.format(LIMITS.nodes) + joint)
    return joined(piece, joint, min(by_nodes, by_length), opening, closing)


def joined(piece: str, joint: str, count: int, opening: str, closing: str) -> str:
    return opening + joint.join(piece.format(number) for number in range(count)) + closing


def nodes(text: str) -> int:
    """Words, values, signs and comments."""
    count, token = text.count("#"), next_token(text, 0, ())
    while token.type != END:
        count, token = count + 1, next_token(text, token.end, ())
    return count


uncached: Callable[[str], Any] = read.__wrapped__


TYPICAL = (
    'country = "France"',
    'country = "France" and did any event in last 90 days and points > 30',
    'country in ("FR", "BE") and email ends with "@gmail.com" and not newsletter',
    'did purchase(amount > 50 and category in ("toys", "games")) at least 3 times in last 90 days',
    "sum(amount of purchase in last 365 days) / count(purchase in last 365 days) > 50 and points between 18 and 25",
    'did visit(url contains "/pricing") then purchase within 7 days and birthdate anniversary in next 7 days',
    '(active or plan = "FR") except did open in last 30 days and at least 2 of (did open, did click, points > 5)',
    'in segment "Clients" and not in segment femmes and signup since 2026-01-01 and interests has any ("ski", "vtt")',
)
"""What people write: one to six conditions."""

LARGEST: Mapping[str, str] = {
    "flags": largest("a{}", " or "),
    "comparisons": largest("a{} = 1", " or "),
    "a list": largest('"FR{}"', ", ", "country in (", ")"),
    "events": largest("did open(a = {}) in last 7 days", " or "),
    "sequences": largest("did open then visit then buy within {} days", " and "),
    "aggregates": largest("count(a{}) > 1", " and "),
    "a sum": largest("1", " + ", "a > "),
    "parentheses": largest("(a{})", " or "),
    "nested": largest("a{} = 1", " or ", "not (" * 30, ")" * 30),
    "exceptions": largest("a{} except b", " and "),
    "quorums": largest("any of (a{})", " or "),
    "moments": largest("{} days ago", ", ", "signup in (", ")"),
    "comments": largest("a # {}\n", "or "),
    "escapes": largest("\\n", "", 'a = "', '"'),
}
"""Legal texts at the limits."""

SIZE = LIMITS.length

_UNITS = {
    "operators": "<",
    "equals": "=",
    "exclamations": "!",
    "minuses": "-",
    "commas": ",",
    "dots": "a.",
    "quotes": '"',
    "single quotes": "'",
    "unclosed quotes": '"\n',
    "unclosed quotes and text": 'a = "x\n',
    "curly quotes": "“",
    "backticks": "`",
    "unclosed backticks": "`\n",
    "slashes": "/",
    "regexes": "a matches /",
    "digits": "9",
    "digits and marks": "1_",
    "days cut short": "2026-",
    "instants": "2026-01-01T",
    "parentheses": "(",
    "closing parentheses": ")",
    "open lists": "a in (",
    "open events": "did a(",
    "negations": "not ",
    "parts of parts": "month of ",
    "joined": "a or ",
    "foreign": "a == 1 && ",
    "hashes": "#",
    "comments": "# x\n",
    "short comments": "#\n",
    "commented": "a or #\n",
    "spaces": " ",
    "letters": "é",
    "emoji": "😀",
    "control characters": "\x00",
    "dollars": "$",
    "last": "last ",
    "any": "any ",
    "same": "same ",
    "at": "at ",
    "first and a comment": "first #\n",
    "years and spaces": "year" + " " * 100,
    "did": "did ",
    "then": "then ",
    "commas and conjunctions": "and , ",
}

_WHOLE = {
    "an unclosed text": "a = '" + "x" * SIZE,
    "backslashes": "a = '" + "\\" * SIZE,
    "bad escapes": "a = '" + "\\q" * (SIZE // 2 - 3) + "'",
    "an unclosed regex": "a matches /" + "x" * SIZE,
    "a list without an end": "a has any (" + '"x",' * SIZE,
    "last and spaces": "last" + " " * SIZE,
    "any and spaces": "any" + " " * (SIZE - 4) + "x",
    "same and comments": "same" + "#\n" * SIZE,
    "sample, spaces and a comment": "sample" + " " * (SIZE // 2) + "#" + "x" * SIZE,
    "a long sum": "a = 1" + "+1" * SIZE,
    "half a character at the end": "a" * (SIZE - 1) + "\ud800",
}

HOSTILE: Mapping[str, str] = {
    **{name: (unit * SIZE)[:SIZE] for name, unit in _UNITS.items()},
    **{name: text[:SIZE] for name, text in _WHOLE.items()},
}
"""Texts of the greatest length, each made to be slow to read or to refuse."""


def measure(runs: int = 5) -> dict[str, Any]:
    """Milliseconds for each kind of text; of the texts made to be slow, the slowest has its name told."""
    uncached("everyone")  # the grammar is built at the first reading
    gc.collect()
    gc.freeze()  # as the server does once it has started
    hostile = {name: times(text, runs) for name, text in HOSTILE.items()}
    return {
        "typical": asdict(Times.of([time for text in TYPICAL for time in times(text, runs * 50)])),
        "largest": asdict(Times.of([time for text in LARGEST.values() for time in times(text, runs)])),
        "hostile": asdict(Times.of([time for many in hostile.values() for time in many])),
        "slowest": max(hostile, key=lambda name: max(hostile[name])),
    }


def rows(measured: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(what, measured, target)."""
    yield "reading a typical expression", shown(measured["typical"]), "1 ms"
    yield "reading the largest legal ones", shown(measured["largest"]), "50 ms"
    yield f"reading hostile texts; slowest: {measured['slowest']}", shown(measured["hostile"]), "50 ms"


def shown(times: Mapping[str, float]) -> str:
    return f"p50 {times['p50']:.2f}, p99 {times['p99']:.2f}, worst {times['worst']:.2f} ms"


def times(text: str, runs: int) -> list[float]:
    """Seconds of processor time that each of `runs` readings takes."""
    return [time_of(text) for _ in range(runs)]


def time_of(text: str) -> float:
    started = thread_time()
    uncached(text)
    return thread_time() - started
