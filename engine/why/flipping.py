"""The fewest conditions that would have to turn for the whole answer to turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.why.answer import Kind, Node

Opened = Mapping[tuple[str | None, Kind, bool], Node]
"""Segments where they were opened, by key, kind, and whether they decide."""


def fewest(node: Node, opened: Opened) -> tuple[Node, ...] | None:
    """Leaves, and segments to be changed by hand, that turn `node` when each of them turns; None when nothing can."""
    match node.kind:
        case Kind.NOT:
            return fewest(node.items[0], opened)
        case Kind.CUT if node.rank is None or node.holds:
            return fewest(node.items[0], opened)
        case Kind.SEGMENT | Kind.RULES if node.opened_before:
            return fewest(opened[place(node)], opened)
        case Kind.SEGMENT | Kind.RULES if node.items and node.by_hand is None:
            return _of_group(node.items, len(node.items), len(node.items), opened)
        case Kind.AND | Kind.OR | Kind.QUORUM:
            assert node.least is not None, "groups say how many must hold"
            assert node.most is not None, "groups say how many may hold"
            return _of_group(node.items, node.least, node.most, opened)
        case _:
            return (node,) if node.change is not None and node.change.possible else None


def place(node: Node) -> tuple[str | None, Kind, bool]:
    """Where a segment is opened: once where it decides, and once where it does not."""
    return node.key, node.kind, node.deciding


def _of_group(items: Sequence[Node], least: int, most: int, opened: Opened) -> tuple[Node, ...] | None:
    """Of conditions of which `least` to `most` must hold."""
    held = [item for item in items if item.holds]
    missing = [item for item in items if not item.holds]
    if len(held) < least:
        return _cheapest(missing, least - len(held), opened)
    if len(held) > most:
        return _cheapest(held, len(held) - most, opened)
    fewer = _cheapest(held, len(held) - least + 1, opened)
    more = _cheapest(missing, most - len(held) + 1, opened)
    return min((way for way in (fewer, more) if way is not None), key=len, default=None)


def _cheapest(items: Sequence[Node], count: int, opened: Opened) -> tuple[Node, ...] | None:
    """What turns `count` of `items`; None when so many cannot turn."""
    ways = sorted((way for item in items if (way := fewest(item, opened)) is not None), key=len)
    if len(ways) < count:
        return None
    return tuple(node for way in ways[:count] for node in way)
