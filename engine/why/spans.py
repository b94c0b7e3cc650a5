"""Regularity: which of the spans that end now hold an event."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from dsl import typed
from dsl.moments import Clock, step_instant
from engine.why.contact import Contact


def spans_hit(contact: Contact, node: typed.Regularity) -> frozenset[int]:
    """The spans with a selected event, the newest being 0."""
    return spans_of((event.at for event in contact.events(node.selector)), node, contact.clock)


def spans_of(moments: Iterable[int], node: typed.Regularity, clock: Clock) -> frozenset[int]:
    """The spans that hold one of these moments."""
    starts = [step_instant(clock.now, -back, node.unit, clock.zone) for back in range(node.spans, -1, -1)]
    places = (bisect_right(starts, at) - 1 for at in moments)
    return frozenset(node.spans - 1 - place for place in places if 0 <= place < node.spans)
