"""One selection asked of one state of the data, in every way that must give the same contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from random import Random

import numpy as np
from pyroaring import BitMap

from dsl import typed
from dsl.moments import Clock
from dsl.problems import NOWHERE
from engine.caches import Caches
from engine.membership import Facts, rules_of
from engine.plan import Operator, count, execute, lower, plan, rewrite
from engine.plan.logical import Plan
from engine.plan.rewrites import RULES
from engine.query import Query, bound
from engine.snapshot import Snapshot

ALONE = 12
"""Contacts that are asked about one by one."""
CHECKED = 20
PAGES = 5


class Disagreement(AssertionError):
    """Two ways of asking the engine contradict each other, whatever the right answer is."""


@dataclass
class Question:
    """A selection bound to a snapshot and a clock. It is planned once, however many ways it is asked."""

    snapshot: Snapshot
    selection: typed.Selection
    clock: Clock
    random: Random

    @cached_property
    def logical(self) -> Plan:
        return lower(self.selection, self.clock, self.snapshot.schema, self.snapshot.segments.segments)

    @cached_property
    def operator(self) -> Operator:
        return plan(rewrite(self.logical), self.snapshot.data)

    @cached_property
    def members(self) -> BitMap:
        """What the rewritten plan finds, asked about everyone."""
        return execute(self.operator, self.snapshot.data)

    @cached_property
    def query(self) -> Query:
        """What the server and the command line answer from."""
        return bound(Caches(0), self.snapshot, "", None, self.selection, self.clock, inf)

    def executed(self, logical: Plan) -> BitMap:
        return execute(plan(logical, self.snapshot.data), self.snapshot.data)

    def rows_of(self, ids: list[str]) -> BitMap:
        """Disagreement when an id comes twice, or is no contact's."""
        rows = [self.snapshot.data.contacts.row(id) for id in ids]
        found = BitMap(row for row in rows if row is not None)
        if len(found) != len(ids):
            raise Disagreement(f"{len(ids)} ids given, of {len(found)} contacts")
        return found


# --- ways ----------------------------------------------------------------------------------------------------


def whole(question: Question) -> BitMap:
    return question.members


def counted(question: Question) -> BitMap:
    """The count never builds the last bitmap."""
    number = count(question.operator, question.snapshot.data)
    if number != len(question.members):
        raise Disagreement(f"counted {number}, found {len(question.members)}")
    return question.members


def without_rewrites(question: Question) -> BitMap:
    return question.executed(question.logical)


def without_one_rule(question: Question) -> BitMap:
    """The other rules must do without what it does for them."""
    left_out = question.random.choice(RULES)
    return question.executed(rewrite(question.logical, tuple(rule for rule in RULES if rule is not left_out)))


def doubly_negated(question: Question) -> BitMap:
    selection = question.selection
    negated = typed.Not(NOWHERE, typed.Not(NOWHERE, selection.condition))
    again = Question(question.snapshot, typed.Selection(negated, selection.cut), question.clock, question.random)
    return again.members


def split(question: Question) -> BitMap:
    """Asked of random parts that make up all contacts; each answer lies within the part it was asked of."""
    found = BitMap()
    for part in partition(question.snapshot.data.contacts.alive, question.random):
        members = execute(question.operator, question.snapshot.data, part)
        if not members <= part:
            raise Disagreement(f"asked within some contacts, it answers others: rows {list(members - part)[:5]}")
        found |= members
    return found


def partition(rows: BitMap, random: Random) -> list[BitMap]:
    """One contact each when there are few; else two: drawn one by one, or cut in the middle."""
    if len(rows) <= ALONE:
        return [BitMap([row]) for row in rows]
    if random.random() < 0.3:
        middle = rows[random.randrange(len(rows))]
        return [part for part in (rows & BitMap(range(middle)), rows - BitMap(range(middle))) if part]
    share = random.choice((0.02, 0.5))
    some = np.array(rows.to_array(), np.uint32)
    drawn = BitMap(some[np.random.default_rng(random.randrange(1 << 32)).random(len(some)) < share])
    return [drawn, rows - drawn]


def alone(question: Question) -> BitMap:
    """Some contacts asked about one by one."""
    alive = question.snapshot.data.contacts.alive
    asked = BitMap(alive[question.random.randrange(len(alive))] for _ in range(ALONE if alive else 0))
    query = question.query
    return (question.members - asked) | BitMap(row for row in asked if query.has(row))


@dataclass(frozen=True)
class Asked:
    """A condition as if it were a saved segment."""

    condition: typed.Condition
    key: str = "what is asked"
    parent: str | None = None
    added: BitMap = field(default_factory=BitMap)
    removed: BitMap = field(default_factory=BitMap)


def checked(question: Question) -> BitMap:
    """Some contacts looked up and checked one by one; saved segments cannot end with a cut."""
    if question.selection.cut is not None:
        return question.members
    snapshot, asked = question.snapshot, Asked(question.selection.condition)
    rules = rules_of([*snapshot.segments, asked])
    alive = snapshot.data.contacts.alive
    rows = BitMap(alive[question.random.randrange(len(alive))] for _ in range(CHECKED if alive else 0))
    found = BitMap(question.members - rows)
    for row in rows:

        def planned(condition: typed.Condition, row: int = row) -> bool:
            logical = lower(typed.Selection(condition), question.clock, snapshot.schema, snapshot.segments.segments)
            return row in question.executed(rewrite(logical))

        if Facts(snapshot.data, row, question.clock, rules, planned).member(asked.key):
            found.add(row)
    return found


def paged(question: Question) -> BitMap:
    """Page after page, in an order that is drawn."""
    sort = question.random.choice((None, None, "country", "-points", "seen"))
    fields = question.random.choice((["id"], None))
    query = question.query
    if sort is not None and sort.removeprefix("-") not in question.snapshot.schema.contacts:
        sort = None
    limit = max(1, -(-len(query.members) // question.random.randrange(1, PAGES)))
    ids, cursor = list[str](), None
    while True:
        page = query.page(fields=fields, limit=min(limit, 10_000), cursor=cursor, sort=sort)
        ids += [str(contact["id"]) for contact in page.contacts]
        cursor = page.next
        if cursor is None:
            return question.rows_of(ids)


def streamed(question: Question) -> BitMap:
    """Read as a stream of batches, as an export does."""
    _, batches = question.query.stream(["id"], rows=question.random.choice((5, 8192)))
    return question.rows_of([id for batch in batches for id in batch.column(0).to_pylist()])


WAYS: dict[str, Callable[[Question], BitMap]] = {
    "whole": whole,
    "counted": counted,
    "without rewrites": without_rewrites,
    "without one rule": without_one_rule,
    "not not": doubly_negated,
    "split over within": split,
    "one by one": alone,
    "checked": checked,
    "paged": paged,
    "streamed": streamed,
}
