"""A reason as plain text for people: the tree, with what decides marked by an arrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.why.answer import Events, Happening, Kind, Node, StepFound, Why
from engine.why.words import Phrase, Words

INDENT = "  "
MARKS = {True: "yes", False: "no "}
DECIDING, NOT_DECIDING = "→", " "


def rendered(why: Why, words: Words) -> Why:
    """The answer with what it says for people: every condition on a line, what was found and would change below it."""
    verdict = words.say(Phrase.MATCHES if why.holds else Phrase.DOES_NOT_MATCH, contact=why.contact)
    conclusion = tuple(_conclusion(why, words))
    text = "\n".join([verdict, *_lines(why.root, 0), *conclusion])
    return replace(why, verdict=verdict, conclusion=conclusion, text=text)


def _conclusion(why: Why, words: Words) -> Iterator[str]:
    """What would turn the whole, where that is not said of its only condition."""
    if not why.root.items:
        return
    if why.flips:
        changes = words.language.all_of([flip.change.sentence for flip in why.flips])
        yield f"⇄ {words.say(Phrase.IN_ALL, changes=changes)}"
    else:
        yield f"⇄ {words.say(Phrase.NOTHING)}"
    if why.turn is not None:
        yield f"◷ {why.turn.sentence}"


def _lines(node: Node, depth: int) -> Iterator[str]:
    arrow = DECIDING if node.deciding else NOT_DECIDING
    title, *below = described(node)
    yield f"{INDENT * depth}{arrow} {MARKS[node.holds]} {title}"
    yield from (f"{INDENT * (depth + 3)}{line}" for line in below)
    for item in node.items:
        yield from _lines(item, depth + 1)


def described(node: Node) -> list[str]:
    """A node without its items: what it asks and what was found, what is behind it and, if it decides, what changes."""
    found = f": {node.found}" if node.found else ""
    lines = [f"{' '.join(_title(node).split())}{found}", *_behind(node)]
    if node.deciding and node.change is not None:
        lines.append(f"⇄ {node.change.sentence}")
    if node.deciding and node.turn is not None:
        lines.append(f"◷ {node.turn.sentence}")
    return lines


def _title(node: Node) -> str:
    """Groups are shown by their word alone, for their parts follow."""
    return node.kind.value if node.kind in (Kind.AND, Kind.OR, Kind.NOT) else node.text


def _behind(node: Node) -> Iterator[str]:
    if node.steps:
        yield from map(_step, node.steps)
        return
    for events in node.events:
        yield from map(_event, _shown(events))


def _shown(events: Events) -> tuple[Happening, ...]:
    return events.newest or events.nearest


def _step(step: StepFound) -> str:
    mark = MARKS[step.holds] if step.reached else "…  "
    return f"{mark} {step.text}" + (f": {_event(step.event)}" if step.event else "")


def _event(event: Happening) -> str:
    """`open 2026-11-01T10:00:00Z campaign=Spring`"""
    said = [event.type, event.at, *(f"{name}={value}" for name, value in event.properties.items())]
    fails = f" ({'; '.join(event.fails)})" if event.fails else ""
    return " ".join(said) + fails
