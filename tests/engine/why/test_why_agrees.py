"""Whatever the data and the expression: `why` agrees with membership, and what it calls deciding is enough."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from datetime import date, datetime
from fractions import Fraction
from random import Random
from typing import Any

import msgspec
import pytest

from dsl import typed
from dsl.describe import Code
from dsl.folding import fold
from dsl.measure import measure
from dsl.moments import Clock
from dsl.problems import ExpressionError
from dsl.schema import Type
from engine.why import Change, Kind, Node, Turn, Why
from engine.why.answer import Stretch
from tests.oracle.evaluate import Oracle
from tests.oracle.writes import Contacts, Events
from tests.properties.prove import Trial, prove

PAIRS = 500
CONTACTS_ASKED = 3
"""Of how many contacts why is asked, for each expression."""


class Asked(Trial):
    """Asks why of some contacts, in place of how many there are."""

    def ask(self, text: str, selection: typed.Selection, clock: Clock) -> None:
        living = sorted(self.subject.world.contacts)
        for id in self.random.sample(living, min(CONTACTS_ASKED, len(living))):
            oracle = Oracle(self.subject.world, clock)  # afresh: a change may have been tried
            members = oracle.select(selection)
            code = self.random.choice(list(Code))
            answer = self.subject.workspace.why(id, text, at=clock.now, language=code)
            assert answer.holds is (id in members), f"{text} of {id}"
            self.check(answer, text)
            check_values(oracle, selection, answer)
            self.check_flips(answer)
            self.check_turn(answer.turn, text, id, clock)
            self.check_change(answer.root, text, id, clock)
            self.tally.pairs += 1

    def check(self, answer: Why, expression: str) -> None:
        assert answer.root.deciding
        assert answer.root.holds is answer.holds
        assert "{" not in answer.text.replace("{{", "") or "{" in expression
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Why).root.text == answer.root.text
        for _ in range(4):
            assert judged(answer.root, self.random) is answer.holds, f"not enough to decide: {expression}"

    def check_change(self, root: Node, expression: str, id: str, clock: Clock) -> None:
        """A value to set, or an event to add, does what is said: tried on one leaf, in a world of the same history."""
        if root.kind is not Kind.LEAF or root.change is None or self.random.random() > 0.3:
            return
        change = msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(root.change), type=Change)
        writes = [Contacts([{"id": id, **change.set}])] if change.set is not None else []
        writes += [Events([change.add] * change.times)] if change.add is not None else []
        if writes:
            for write in writes:
                self.write(write)
            assert self.holds(expression, id, clock.now) is not root.holds, f"{change} does not turn {expression}"

    def check_flips(self, answer: Why) -> None:
        """When they turn, the answer does; segments that are opened twice are left out, for they turn twice."""
        turned = {(flip.text, flip.span, flip.segment) for flip in answer.flips}
        named = [node.key for node in nodes(answer.root) if node.key is not None]
        if turned and len(set(named)) == len(named):
            assert judged(answer.root, self.random, turned) is not answer.holds

    def check_turn(self, turn: Turn | None, expression: str, id: str, clock: Clock) -> None:
        """The turn is one, and before it there was none. Where clocks change, periods may move back for an hour."""
        if turn is None or clock.zone.key != "UTC":
            return
        now, at = self.holds(expression, id, clock.now), milliseconds(turn.at)
        if turn.turns:
            assert self.holds(expression, id, at) is not now, f"{turn} is no turn of {expression}"
        for moment in (at - 1, self.random.randint(clock.now, at - 1)):
            assert self.holds(expression, id, moment) is now, f"{expression} turned before {turn}"

    def holds(self, expression: str, id: str, at: int) -> bool:
        query = self.subject.workspace.query(expression, at=at)
        row = self.subject.snapshot.data.contacts.row(id)
        assert row is not None
        return query.has(row)


def milliseconds(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for item in node.items:
        yield from nodes(item)


Place = tuple[str, Stretch | None, str | None]


def judged(node: Node, random: Random, turned: Collection[Place] = ()) -> bool:
    """The tree worked out again from its leaves: those that do not decide are drawn, or else some are turned."""
    if (node.text, node.span, node.segment) in turned:
        return not node.holds
    parts = [judged(item, random, turned) for item in node.items]
    match node.kind:
        case Kind.AND | Kind.OR | Kind.QUORUM:
            assert node.least is not None
            assert node.most is not None
            return node.least <= sum(parts) <= node.most
        case Kind.NOT:
            return not parts[0]
        case Kind.CUT:
            return parts[0] and (
                bool(turned) or random.random() < 0.5 if node.rank is None else node.rank.rank <= node.rank.kept
            )
        case Kind.SEGMENT | Kind.RULES if node.by_hand is None and parts:
            return all(parts)
        case _:
            return node.holds if node.deciding or turned else random.random() < 0.5


def check_values(oracle: Oracle, selection: typed.Selection, answer: Why) -> None:
    """What is shown of a value, or how many events are counted, is what the oracle has."""
    row = oracle.contact_row(answer.contact)
    match selection.condition, answer.root.kind:
        case typed.Test(term=term), Kind.LEAF:
            expected = oracle.exact(term, row)
            assert same(answer.root.values[0].value, expected, term), f"{answer.root.values[0]} is not {expected}"
        case typed.Did(selector=selector), Kind.LEAF:
            assert answer.root.events[0].count == len(oracle.selected(selector, row))
        case typed.Sequence(), Kind.LEAF:
            assert all(step.holds for step in answer.root.steps) is answer.holds
        case _:
            pass


def same(shown: Any, expected: Any, term: typed.Term) -> bool:
    """A value in JSON is the oracle's, which has moments as numbers and texts folded."""
    match expected:
        case None:
            return shown is None
        case str():
            return isinstance(shown, str) and fold(shown) == expected
        case tuple():
            return isinstance(shown, list) and tuple(sorted({fold(tag) for tag in shown})) == expected
        case bool():
            return shown is expected
        case _ if measure(term).type is Type.DATETIME:
            return milliseconds(shown) == expected
        case _ if measure(term).type is Type.DATE:
            return (date.fromisoformat(shown) - date(1970, 1, 1)).days == expected
        case _ if isinstance(shown, float):
            return bool(shown == pytest.approx(float(expected), rel=1e-12, abs=1e-12))
        case _:
            return bool(Fraction(shown) == expected)


def test_why_agrees_with_membership() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    tally = prove(PAIRS, seed, trial=Asked)
    print(tally)
    assert tally.pairs >= PAIRS


class Following(Asked):
    """Asks of sequences alone."""

    def fresh(self) -> Iterator[tuple[str, typed.Selection]]:
        for _ in range(self.pace.fresh):
            text = self.writer().sequence()
            try:
                yield text, self.subject.understand(text)
            except ExpressionError:
                self.tally.refused["refused"] += 1


def test_the_steps_found_are_those_of_the_engine() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    assert prove(PAIRS // 2, seed, trial=Following).pairs >= PAIRS // 2
