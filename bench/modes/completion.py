"""How long completion takes at a keystroke: expressions as they are typed, letter by letter, over all the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from time import thread_time

from bench.course import Course, Result
from bench.modes.reading import line
from bench.peers.tamis import ready_directory
from bench.timing import Times
from engine.directory import Tamis
from engine.workspace import Workspace

TYPED = (
    'country = "FR" and did any event in last 90 days and points > 30',
    'email starts with "marie" or email contains "gmail" and city = "Villa"',
    'country in ("FR", "BE", "LU") and language != "fr" and newsletter = true',
    'interests has any ("ski", "vtt") and signup in last 30 days',
    'did purchase(amount > 50 and category in ("toys", "games") and product = "P00001") in last 90 days',
    'did send(campaign = "Spring 2") then open(campaign = same campaign) within 2 days',
    'did visit(url contains "pricing") at least 3 times in last 12 months',
    "sum(amount of purchase in last 365 days) / count(purchase) > 50 and country is set",
    'at least 2 of (did open, did click(url starts with "/p"), points between 10 and 20)',
    'contry == "FR" and points > and email matches /^m/ and city = "Vllia"',
)
"""The last is full of mistakes."""


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    """Milliseconds of each keystroke: `first` when nobody asked before, so that columns are read from disk; then
    once more. Times are of the thread's processor, so that a busy machine counts less."""
    tamis = Tamis.open(ready_directory(course.files, course.folder), cache_bytes=0)
    workspace, result = tamis.workspace("default"), Result()
    workspace.complete("")  # makes the parser
    for name in ("first", "again"):
        result[name] = asdict(keystrokes(workspace))
        yield line(f"completion at a keystroke, {name}", result[name]), result
    tamis.close()


def keystrokes(workspace: Workspace) -> Times:
    """A completion after each letter."""
    return Times.of([seconds(workspace, text[:end]) for text in TYPED for end in range(len(text) + 1)])


def seconds(workspace: Workspace, text: str) -> float:
    started = thread_time()
    workspace.complete(text)
    return thread_time() - started
