"""Which segments one contact is in: every segment's rules asked of that contact alone.

Sets of contacts are the way to count them, and a long one to ask about one of them: even a bitmap of one row costs
microseconds. Here the rules of all segments become checks once, equal parts shared; for a contact they are asked what
was looked up of it, each value and each event once. What no check knows is planned, and run within that one row.
"""

from engine.membership.facts import Check, Facts
from engine.membership.rules import Rules, rules_of

__all__ = ["Check", "Facts", "Rules", "rules_of"]
