"""Regularity: which of the spans that end now hold an event."""

from __future__ import annotations

from bisect import bisect_right

from dsl import typed
from dsl.moments import step_instant
from engine.why.contact import Contact


def spans_hit(contact: Contact, node: typed.Regularity) -> frozenset[int]:
    """The spans with a selected event, the newest being 0."""
    clock = contact.clock
    starts = [step_instant(clock.now, -back, node.unit, clock.zone) for back in range(node.spans, -1, -1)]
    places = (bisect_right(starts, event.at) - 1 for event in contact.events(node.selector))
    return frozenset(node.spans - 1 - place for place in places if 0 <= place < node.spans)
