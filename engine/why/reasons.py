"""The tree of reasons: which conditions hold for a contact, and which of them decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from msgspec import structs

from dsl import tree, typed
from dsl.describe import describe
from dsl.format import format, one_line
from dsl.measure import measure
from dsl.parse import parse
from dsl.problems import Span
from dsl.tree import Quantifier
from engine.plan import lower, plan, rewrite
from engine.plan.logical import Cut
from engine.plan.physical.cut import RandomCut, Standing, TopCut
from engine.plan.physical.operator import Context
from engine.segments import Segment
from engine.values import iso_datetime
from engine.why.answer import ByHand, Change, Flip, Kind, Node, Rank, Turn, Why
from engine.why.contact import Contact, number_at
from engine.why.flipping import fewest, place
from engine.why.judging import Judge
from engine.why.leaves import Leaves, json_value, said
from engine.why.rendering import rendered
from engine.why.texts import Texts
from engine.why.turning import first_turning
from engine.why.words import Phrase, Words


def why(contact: Contact, text: str, selection: typed.Selection, words: Words) -> Why:
    """Why a contact matches a checked expression, or does not; `text` is what it was read from."""
    surface = parse(text)
    reasons = _Reasons(contact, words, Judge(contact))
    root = reasons.whole(_Read(Texts.of(text, surface), None), surface, selection)
    flipping = fewest(root, reasons.opened) or ()
    answer = Why(
        contact.id,
        format(surface).rstrip("\n"),
        root.holds,
        iso_datetime(contact.clock.now),
        contact.snapshot.seq,
        "",
        (),
        "",
        root,
        tuple(Flip(node.text, node.span, node.segment, node.change) for node in flipping if node.change),
        None if selection.cut else reasons.turn(selection.condition),
    )
    return rendered(answer, words)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which `low` to `high` must hold: what every and, or and quorum comes to."""

    kind: Kind
    items: tuple[typed.Condition, ...]
    low: int
    high: int

    def holds(self, held: int) -> bool:
        return self.low <= held <= self.high

    def deciding(self, truths: Sequence[bool]) -> list[bool]:
        """Which items are enough: those that keep the number from falling below, and from rising above."""
        held = sum(truths)
        if held < self.low:
            return [not truth for truth in truths]
        if held > self.high:
            return list(truths)
        return [self.low > 0 if truth else self.high < len(truths) for truth in truths]


@dataclass(frozen=True, slots=True)
class _Read:
    """The expression that is being walked: its texts, and the segment whose rules it is."""

    texts: Texts
    segment: str | None


@dataclass(slots=True)
class _Reasons:
    contact: Contact
    words: Words
    judge: Judge
    opened: dict[tuple[str | None, Kind, bool], Node] = field(default_factory=dict)
    leaves: dict[int, typed.Condition] = field(default_factory=dict)

    # --- the whole ---

    def whole(self, read: _Read, surface: tree.Selection, selection: typed.Selection) -> Node:
        if selection.cut is None:
            return self.node(read, surface.condition, selection.condition, True)
        return self.cut(read, surface, selection, selection.cut)

    def cut(self, read: _Read, surface: tree.Selection, selection: typed.Selection, cut: typed.Cut) -> Node:
        """A cut decides alone when it leaves out what its condition selects."""
        chosen, kept = self.judge.holds(selection.condition), self.contact.matches(selection)
        item = self.node(read, surface.condition, selection.condition, kept or not chosen)
        text = format(structs.replace(surface, comments=()))
        node = Node(Kind.CUT, text, read.texts.stretch(surface.span), read.segment, kept, True, items=(item,))
        if not chosen:
            return node
        rank, found = self.ranked(selection, cut)
        change = None if kept else Change(
            self.words.say(Phrase.HIGHER_RANK, kept=self.whole_number(rank.kept), rank=self.whole_number(rank.rank))
        )  # fmt: skip
        return replace(node, rank=rank, found=found, change=change)

    def ranked(self, selection: typed.Selection, cut: typed.Cut) -> tuple[Rank, str]:
        """Where the contact stands among those it competes with, and that in words."""
        snapshot, clock = self.contact.snapshot, self.contact.clock
        logical = lower(selection, clock, snapshot.schema, snapshot.segments.segments)
        assert isinstance(logical, Cut), "the selection has a cut"
        operator = plan(structs.replace(logical, item=rewrite(logical.item)), snapshot.data)
        assert isinstance(operator, TopCut | RandomCut), "cuts are planned as they are"
        standing = operator.standing(Context.of_contacts(snapshot.data), self.contact.row)
        slots = {
            "rank": self.whole_number(standing.rank),
            "members": self.whole_number(standing.members),
            "kept": self.whole_number(cut.count),
        }
        if cut.term is None or standing.numbers is None:
            rank = Rank(standing.rank, standing.members, cut.count, None, None)
            return rank, self.words.say(Phrase.RANKED, **slots)
        own, edge = self.of_rank(standing, cut.term)
        rank = Rank(standing.rank, standing.members, cut.count, own[0], edge[0])
        return rank, self.words.say(Phrase.RANKED_BY, value=own[1], edge=edge[1], **slots)

    def of_rank(self, standing: Standing, term: typed.Term) -> list[tuple[Any, str]]:
        """What the contact, and the last one kept, are ranked by: in JSON and in words."""
        assert standing.numbers is not None
        found, zone = measure(term), self.contact.clock.zone
        values = [number_at(standing.numbers, place, found) for place in (standing.own, standing.edge)]
        return [(json_value(v, found), "∅" if v is None else self.words.value(v, found, zone)) for v in values]

    def whole_number(self, number: int) -> str:
        return self.words.language.number(Decimal(number))

    # --- nodes ---

    def node(self, read: _Read, surface: tree.Expression, condition: typed.Condition, deciding: bool) -> Node:
        match surface, condition:
            case ((tree.Both() | tree.Either() | tree.Quorum()), _) if group := grouped(surface, condition):
                return self.group(read, surface, group, deciding)
            case ((tree.Not(item=inner) | tree.Except(item=inner)), typed.Not(item=item)):
                node = self.bare(Kind.NOT, read, surface, self.judge.holds(condition), deciding)
                return replace(node, items=(self.node(read, inner, item, deciding),))
            case _, typed.InSegment():
                return self.segment(read, surface, condition, deciding)
            case _:
                node = self.bare(Kind.LEAF, read, surface, self.judge.holds(condition), deciding)
                self.leaves[id(condition)] = condition
                schema, asked = self.contact.snapshot.schema, tree.Selection(surface.span, surface)
                node = replace(node, needed=describe(asked, self.words.language, schema=schema))
                return Leaves(self.contact, read.texts, self.words).completed(node, condition)

    def bare(self, kind: Kind, read: _Read, surface: tree.Expression, holds: bool, deciding: bool) -> Node:
        text = f"except {one_line(surface.item)}" if isinstance(surface, tree.Except) else one_line(surface)
        return Node(kind, text, read.texts.stretch(surface.span), read.segment, holds, deciding)

    def group(self, read: _Read, surface: tree.Both | tree.Either | tree.Quorum, group: Group, deciding: bool) -> Node:
        truths = [self.judge.holds(item) for item in group.items]
        held, decides = sum(truths), group.deciding(truths)
        node = self.bare(group.kind, read, surface, group.holds(held), deciding)
        parts = zip(surface.items, group.items, decides, strict=True)
        items = tuple(self.node(read, part, item, deciding and decided) for part, item, decided in parts)
        node = replace(node, items=items, least=group.low, most=group.high)
        if group.kind is not Kind.QUORUM:
            return node
        return replace(node, found=self.words.counted(Phrase.HELD, held, total=str(len(truths))))

    # --- time ---

    def turn(self, condition: typed.Condition) -> Turn | None:
        """When time alone turns the whole."""
        turned = first_turning(self.judge, tuple(self.leaves.values()), condition)
        return None if turned is None else said(turned, self.contact, self.judge.holds(condition), self.words)

    # --- segments ---

    def segment(self, read: _Read, surface: tree.Expression, named: typed.InSegment, deciding: bool) -> Node:
        """A segment opened up: its parent, its rules, and what was done by hand."""
        kind = Kind.RULES if named.rules_only else Kind.SEGMENT
        node = self.bare(kind, read, surface, self.judge.holds(named), deciding)
        return self.opened_up(node, self.contact.snapshot.segments[named.segment])

    def opened_up(self, node: Node, segment: Segment) -> Node:
        hand = self.judge.by_hand(segment) if node.kind is Kind.SEGMENT else None
        node = replace(node, by_hand=hand, key=segment.key)
        if place(node) in self.opened:
            return replace(node, opened_before=True, found=self.words.say(Phrase.SEEN_BEFORE))
        self.opened[place(node)] = node
        # What was done by hand decides alone: against the rules, or whatever they say.
        items = self.rules(segment, node.deciding and hand is None)
        found, change = self.of_segment(segment, hand), self.by_hand_change(segment, node)
        self.opened[place(node)] = replace(node, items=items, found=found, change=change)
        return self.opened[place(node)]

    def of_segment(self, segment: Segment, hand: ByHand | None) -> str | None:
        match hand:
            case ByHand.ADDED:
                return self.words.say(Phrase.BY_HAND_IN)
            case ByHand.REMOVED:
                return self.words.say(Phrase.BY_HAND_OUT)
            case None:
                return None if segment.condition is not None else self.words.say(Phrase.NOT_BY_HAND)

    def by_hand_change(self, segment: Segment, node: Node) -> Change | None:
        """What a hand can do; rules change by themselves."""
        name = self.words.language.quoted(segment.name)
        match node.by_hand:
            case ByHand.ADDED:
                return Change(self.words.say(Phrase.HAND_REMOVE, segment=name))
            case ByHand.REMOVED:
                return Change(self.words.say(Phrase.HAND_ADD, segment=name))
            case None if segment.condition is None and node.kind is Kind.SEGMENT:
                return Change(self.words.say(Phrase.HAND_ADD, segment=name))
            case None:
                return None

    def rules(self, segment: Segment, deciding: bool) -> tuple[Node, ...]:
        """The parent's membership and the segment's own rules: both must hold."""
        if segment.condition is None or segment.expression is None:
            return ()
        surface = parse(segment.expression)
        read = _Read(Texts.of(segment.expression, surface), segment.key)
        above = () if segment.parent is None else (typed.InSegment(_NO_PLACE, segment.parent),)
        truths = [self.judge.holds(condition) for condition in (*above, segment.condition)]
        decides = Group(Kind.AND, (), len(truths), len(truths)).deciding(truths)
        parents = tuple(self.parent(segment, item, deciding and decides[0]) for item in above)
        return (*parents, self.node(read, surface.condition, segment.condition, deciding and decides[-1]))

    def parent(self, child: Segment, named: typed.InSegment, deciding: bool) -> Node:
        segment = self.contact.snapshot.segments[named.segment]
        text = one_line(tree.InSegment(_NO_PLACE, tree.Text(_NO_PLACE, segment.name)))
        node = Node(Kind.SEGMENT, text, None, child.key, self.judge.holds(named), deciding)
        return self.opened_up(node, segment)


_NO_PLACE = Span(0, 0)


def grouped(surface: tree.Both | tree.Either | tree.Quorum, condition: typed.Condition) -> Group | None:
    """The parts of a group and how many must hold; None when that is no question of its parts."""
    match surface, condition:
        case tree.Both(), typed.And(items=items):
            return Group(Kind.AND, items, len(items), len(items))
        case tree.Either(), typed.Or(items=items):
            return Group(Kind.OR, items, 1, len(items))
        case tree.Quorum(how=Quantifier.ANY), typed.Or(items=items):
            return Group(Kind.QUORUM, items, 1, len(items))
        case tree.Quorum(how=Quantifier.ALL), typed.And(items=items):
            return Group(Kind.QUORUM, items, len(items), len(items))
        case tree.Quorum(how=Quantifier.NONE), typed.Not(item=typed.Or(items=items)):
            return Group(Kind.QUORUM, items, 0, 0)
        case tree.Quorum(), typed.AtLeast(count=low, items=items):
            return Group(Kind.QUORUM, items, low, len(items))
        case tree.Quorum(), typed.Not(item=typed.AtLeast(count=above, items=items)):
            return Group(Kind.QUORUM, items, 0, above - 1)
        case tree.Quorum(), typed.And(
            items=(typed.AtLeast(count=low, items=items), typed.Not(item=typed.AtLeast(count=above)))
        ):
            return Group(Kind.QUORUM, items, low, above - 1)
        case _:
            return None
