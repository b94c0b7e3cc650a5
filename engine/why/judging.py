"""Whether conditions hold for one contact, from what is known of their parts."""

from __future__ import annotations

from collections.abc import Mapping

from dsl import typed
from engine.segments import Segment
from engine.why.answer import ByHand
from engine.why.contact import Contact


class Judge:
    """Asks the engine about what has no parts, each once, and puts the answers together itself.

    `known` holds truths by the ids of conditions, which whoever made them keeps.
    """

    def __init__(self, contact: Contact, known: Mapping[int, bool] | None = None) -> None:
        self.contact = contact
        self.truths = dict(known or {})
        self.kept: list[typed.Condition] = []
        self.chosen: dict[str, bool] = {}

    def holds(self, condition: typed.Condition) -> bool:
        key = id(condition)
        if key not in self.truths:
            self.kept.append(condition)  # so that no other condition gets its id
            self.truths[key] = self._judged(condition)
        return self.truths[key]

    def _judged(self, condition: typed.Condition) -> bool:
        match condition:
            case typed.And(items=items):
                return all(self.holds(item) for item in items)
            case typed.Or(items=items):
                return any(self.holds(item) for item in items)
            case typed.Not(item=item):
                return not self.holds(item)
            case typed.AtLeast(count=count, items=items):
                return sum(self.holds(item) for item in items) >= count
            case typed.InSegment(segment=key, rules_only=rules_only):
                return self._selected(key) if rules_only else self._belongs(key)
            case _:
                return self.contact.holds(condition)

    def _belongs(self, key: str) -> bool:
        """Membership: what was done by hand holds against the rules."""
        hand = self.by_hand(self.contact.snapshot.segments[key])
        return self._selected(key) if hand is None else hand is ByHand.ADDED

    def _selected(self, key: str) -> bool:
        """Whether the rules select the contact, among the members of the parent."""
        if key not in self.chosen:
            segment = self.contact.snapshot.segments[key]
            own = segment.condition is not None and self.holds(segment.condition)
            self.chosen[key] = own and (segment.parent is None or self._belongs(segment.parent))
        return self.chosen[key]

    def by_hand(self, segment: Segment) -> ByHand | None:
        if self.contact.row in segment.added:
            return ByHand.ADDED
        return ByHand.REMOVED if self.contact.row in segment.removed else None
