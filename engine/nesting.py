"""How deep conditions lie within one another, through parents and the segments they name.

What walks a plan goes one step deeper with each condition: the limit is what keeps every such walk within the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from types import MappingProxyType

from msgspec import Struct

from dsl import typed
from dsl.parse import LIMITS
from dsl.typed import Condition, InSegment, Selection

MOST_DEEP = LIMITS.depth
"""So many conditions and terms may lie within one another, those of the segments they rest on included."""

MOST_DEEP_SAVED = MOST_DEEP - 8
"""The same of saved segments, so that there is room for expressions that name them."""

OF_PARENT = 2
"""How deep a segment holds its parent: below itself, and what both have in common."""


class Nest(Struct, frozen=True):
    """How many nodes deep something is by itself, and how deep it names each segment: the deepest place, by key."""

    depth: int
    named: Mapping[str, int]

    def within(self, depths: Mapping[str, int]) -> int:
        """Its depth with the segments it names, whose own are given; one that is not given is not there."""
        if not self.named:
            return self.depth
        return max(self.depth, *(place + depths.get(key, 0) for key, place in self.named.items()), 0)

    def deepest(self, depths: Mapping[str, int]) -> str | None:
        """The segment it is deepest through; None when it is deepest by itself."""
        through = max(self.named, key=lambda key: self.named[key] + depths.get(key, 0), default=None)
        deep = through is not None and self.named[through] + depths.get(through, 0) >= self.depth
        return through if deep else None


NOTHING = Nest(0, {})

ROOM = 16
"""A condition or term takes a character or more to write, those that nothing has inside apart: few texts are so deep
that it must be measured."""


def is_shallow(text: str) -> bool:
    """Whether an expression surely is no deeper than it may be, and names no segment."""
    return len(text) + ROOM <= MOST_DEEP and "segment" not in text.lower()


def nest_of(whole: Selection | Condition | None, parent: str | None = None) -> Nest:
    """The nest of an expression, or of a segment with a parent. Level by level, so that it needs no stack itself."""
    level: list[Struct] = [] if whole is None else [whole]
    depth, named = 0, {} if parent is None else {parent: OF_PARENT}
    while level:
        depth += 1
        below: dict[int, Struct] = {}  # what a rule of the checker put in twice is one object, and counts once
        for node in level:
            for name in INSIDE[type(node)]:
                value = getattr(node, name)
                if type(value) is tuple:
                    below.update(zip(map(id, value), value, strict=True))
                elif value is not None:
                    below[id(value)] = value
            if type(node) is InSegment:
                named[node.segment] = max(depth, named.get(node.segment, 0))
        level = list(below.values())
    return Nest(depth, named)


INSIDE: Mapping[type[Struct], tuple[str, ...]] = MappingProxyType(
    {
        typed.Selection: ("condition",),
        typed.Everyone: (),
        typed.Nobody: (),
        typed.And: ("items",),
        typed.Or: ("items",),
        typed.Not: ("item",),
        typed.AtLeast: ("items",),
        typed.Test: ("term",),
        typed.Compare: ("left", "right"),
        typed.OfCompany: ("item",),
        typed.Did: ("selector",),
        typed.Regularity: ("selector",),
        typed.Sequence: ("steps",),
        typed.Step: ("selector",),
        typed.Selector: ("where",),
        typed.InSegment: (),
        typed.Sample: (),
        typed.FieldTerm: (),
        typed.Aggregate: ("selector",),
        typed.Constant: (),
        typed.Arithmetic: ("left", "right"),
        typed.DatePart: ("term",),
        typed.Bucket: (),
    }
)
"""The members of each kind of node that hold conditions, terms, selectors and steps."""


def depths_of(nests: Mapping[str, Nest]) -> Mapping[str, int]:
    """How deep each segment is, with all it rests on. graphlib.CycleError for one that rests on itself."""
    needs = {key: nest.named.keys() & nests.keys() for key, nest in nests.items()}
    depths: dict[str, int] = {}
    for key in TopologicalSorter(needs).static_order():
        depths[key] = nests[key].within(depths)
    return depths


def chain(nest: Nest, nests: Mapping[str, Nest], depths: Mapping[str, int]) -> list[str]:
    """The segments that something is deepest through, each resting on the next."""
    found = []
    while (through := nest.deepest(depths)) is not None:
        found.append(through)
        nest = nests.get(through, NOTHING)
    return found


def shown(keys: list[str]) -> str:
    """A chain, its middle left out when it is long."""
    return " -> ".join(keys if len(keys) <= 7 else [*keys[:3], "…", *keys[-3:]])
