"""What is wanted at a cursor, read off the parser's stack: whatever is open lies there, innermost last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from dsl import tree
from dsl.complete.prefix import Reached, last_of
from dsl.complete.subject import TEMPORAL, UNKNOWN, Subject, subject_of
from dsl.constants import NAMES
from dsl.lexing import Token
from dsl.names import COMPANY, CONTACTS, Ground
from dsl.schema import Schema
from dsl.typed import Scope

Stack = Sequence[Any]


class Want(Enum):
    """What may stand at the cursor."""

    CONDITION = "a condition"
    TEST = "what is asked of the subject before it"
    VALUE = "what the subject is compared with"
    OPERAND = "a number or a duration, combined with the subject"
    EVENT = "an event type"
    MEASURE = "what a function takes: events, or a property of events"
    SEGMENT = "a segment"
    EARLIER = "a property of an earlier step"
    DATED = "a field that has a date"
    RANKED = "a value to rank by"
    TIME = "a bound in time of events"
    SPAN = "a length of time"
    REST = "what goes on with what is there"
    WHOLE = "what joins a whole condition with others"
    SUM = "what is combined with a value in parentheses"
    NOTHING = "something of the user's own"


@dataclass(frozen=True, slots=True)
class Slot:
    """`verb` is the terminal that compares the subject with the value wanted; `listed` are the texts that its list
    has already, `steps` the event types of the steps before, when there are any; `function` and `property` what is
    measured or read of a date; `owned` whether `company.` stands before the cursor."""

    want: Want
    ground: Ground = CONTACTS
    subject: Subject = UNKNOWN
    verb: str = ""
    in_list: bool = False
    listed: tuple[str, ...] = ()
    steps: tuple[str | None, ...] | None = None
    function: str | None = None
    property: str | None = None
    around: Slot | None = None
    """What is wanted of the function or the sum that the cursor is in."""
    owned: bool = False
    timed: bool = False
    """Whether the number before the cursor may be that of a duration."""
    grouped: bool = False
    """Whether the innermost parenthesis that is open only groups."""


COMPARATORS = frozenset({"EQUAL", "UNEQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "COLON"})
_TIMED = frozenset({"IN", "SINCE", "BEFORE", "AFTER", "ON", "BETWEEN"})
_TEXTUAL = frozenset({"CONTAINS", "STARTS", "ENDS", "LIKE", "MATCHES", "HAS", "EXACTLY"})
_SIGNS = frozenset({"PLUS", "MINUS", "TIMES_SIGN", "DIVIDE"})
_QUANTIFIERS = frozenset({"ANY", "ALL", "NONE"})
_BEGINNINGS = frozenset({"AND", "OR", "EXCEPT", "NOT"})
_BOUNDED = (tree.Selector, tree.Frequency, tree.Step)
"""What a bound in time can follow."""
_NUMBERS = frozenset({"NUMBER", "PARAMETER"})
_OWNERS = frozenset({"FUNCTION", "BUCKET", "OF", "EVENT", "IN", *_QUANTIFIERS})
"""What makes a parenthesis after it more than a group."""
_BETWEEN_WORDS = frozenset({"NOT", "IS", "ANNIVERSARY"})
"""What may stand between a subject and its verb."""


def slot_of(reached: Reached, schema: Schema) -> Slot:
    """What is wanted where the parser is."""
    stack = reached.stack
    ground = ground_of(stack, schema)
    reader = _Reader(schema, ground)
    if reached.allows(("IS",)):
        return reader.test(stack, reached.before("IS"))
    found = reader.slot(stack)
    timed = reached.allows(("UNIT",)) and type_at(stack, -1) in _NUMBERS and _is_timed(reader.slot(stack[:-1]))
    return replace(found, steps=_steps(stack), timed=timed)


def _is_timed(slot: Slot) -> bool:
    return slot.want in (Want.TIME, Want.SPAN) or slot.subject.type in TEMPORAL


def type_at(stack: Stack, place: int) -> str:
    """The terminal at a place of the stack counted from its end, -1 the last; nothing for nodes and beyond."""
    if -place > len(stack):
        return ""
    entry = stack[place]
    return entry.type if isinstance(entry, Token) else ""


def ground_of(stack: Stack, schema: Schema) -> Ground:
    """The rows in scope: those of the innermost selector whose parentheses are open."""
    for place in _open_parentheses(stack):
        owner = stack[place - 1] if place else None
        if isinstance(owner, tree.Identifier):
            return Ground(Scope.EVENTS, owner.name)
        if isinstance(owner, Token) and owner.type == "EVENT":
            return Ground(Scope.EVENTS)
    return CONTACTS


def _open_parentheses(stack: Stack) -> Iterator[int]:
    """Where the parentheses that are open stand on the stack, innermost first."""
    closed = 0
    for place in range(len(stack) - 1, -1, -1):
        match getattr(stack[place], "type", None):
            case "RPAR":
                closed += 1
            case "LPAR" if closed:
                closed -= 1
            case "LPAR":
                yield place


@dataclass(frozen=True, slots=True)
class _Reader:
    schema: Schema
    ground: Ground

    def test(self, stack: Stack, node: tree.Node) -> Slot:
        """The slot after a subject. In a group that is itself a value nothing is asked of it, nor of a condition."""
        subject = subject_of(node, self.schema, self.ground)
        if type(node) not in NAMES:
            return self._wanting(Want.WHOLE)
        place = next(_open_parentheses(stack), None)
        owner = stack[place - 1] if place else None
        if place is None or (owner is not None and (not isinstance(owner, Token) or owner.type in _OWNERS)):
            return Slot(Want.TEST, self.ground, subject)
        outer = self.slot(stack[:place])
        return Slot(Want.TEST if outer.want is Want.CONDITION else Want.SUM, self.ground, subject, grouped=True)

    def slot(self, stack: Stack) -> Slot:
        """The slot after what lies on the stack."""
        top = type_at(stack, -1)
        match top:
            case "" if not stack:
                return self._wanting(Want.CONDITION)
            case "LPAR":
                return self._opened(stack)
            case "COMMA":
                return self._listed(stack)
            case "AND" if type_at(stack, -3) == "BETWEEN":
                return self._compared(stack[:-2])
            case "NOT" if type_at(stack, -2) in ("DID", "THEN"):
                return self._wanting(Want.EVENT)
            case "NOT" | "IS" | "ANNIVERSARY" if self._subject_below(stack) is not None:
                return Slot(Want.TEST, self.ground, self._subject_below(stack) or UNKNOWN)
            case "DID" | "THEN":
                return self._wanting(Want.EVENT)
            case "SINCE" if type_at(stack, -2) == "YEARS":
                return self._dated(stack)
            case "DOT":
                return self._owned(stack)
            case "OF":
                return self._of(stack)
            case "FUNCTION" | "PART" | "YEARS" | "BUCKET":
                return Slot(Want.REST, self.ground, around=self.slot(stack[:-1]))
            case _ if top in _BEGINNINGS:
                return self._wanting(Want.CONDITION)
            case _ if top in _SIGNS:
                return self._combined(stack)
            case _ if top in _WANTS:
                return self._wanting(_WANTS[top])
            case _:
                return self._compared(stack)

    def _wanting(self, want: Want) -> Slot:
        return Slot(want, self.ground)

    def _compared(self, stack: Stack) -> Slot:
        """After a verb: the value it compares with. After anything else: the rest."""
        verb, place = type_at(stack, -1), -1
        if verb in ("WITH", *_QUANTIFIERS):
            verb, place = type_at(stack, -2), -2
        if verb not in COMPARATORS | _TIMED | _TEXTUAL:
            return self._wanting(Want.REST)
        below = stack[: len(stack) + place]
        subject = self._subject_below(below, itself=True)
        if subject is not None:
            return Slot(Want.VALUE, self.ground, subject, verb)
        timed = verb in _TIMED and below and isinstance(last_of(below[-1]), _BOUNDED)
        return self._wanting(Want.TIME if timed else Want.REST)

    def _subject_below(self, stack: Stack, itself: bool = False) -> Subject | None:
        """The operand that the words at the end of the stack are said of; None when they are said of none."""
        place = -1 if itself else -2
        while type_at(stack, place) in _BETWEEN_WORDS:
            place -= 1
        node = stack[place] if -place <= len(stack) else None
        return subject_of(node, self.schema, self.ground) if _is_operand(node) else None

    def _opened(self, stack: Stack) -> Slot:
        """After an opening parenthesis."""
        owner = type_at(stack, -2)
        match owner:
            case "FUNCTION":
                around = self.slot(stack[:-2])
                return Slot(Want.MEASURE, self.ground, function=stack[-2].value.lower(), around=around)
            case "BUCKET":
                return self._wanting(Want.NOTHING)
            case "OF" | "EVENT":
                return self._wanting(Want.CONDITION)
            case "IN" | "ANY" | "ALL" | "NONE":
                return replace(self._compared(stack[:-1]), in_list=True)
            case "" if len(stack) > 1:  # the parentheses of an event type
                return self._wanting(Want.CONDITION)
            case _:
                return self.slot(stack[:-1])

    def _listed(self, stack: Stack) -> Slot:
        """After a comma: one more of what the list is of."""
        place = len(stack) - 1
        while place >= 0 and type_at(stack[: place + 1], -1) != "LPAR":
            place -= 1
        opened = self._opened(stack[: place + 1])
        if opened.want is not Want.VALUE:
            return opened if opened.want is Want.CONDITION else self._wanting(Want.NOTHING)
        texts = tuple(node.value for entry in stack[place + 1 :] for node in _texts(entry))
        return replace(opened, listed=texts)

    def _owned(self, stack: Stack) -> Slot:
        """After `company.`: where it stands says what its field is wanted for."""
        owner = stack[-2]
        if not (isinstance(owner, tree.Identifier) and owner.name == COMPANY and self.ground == CONTACTS):
            return self._wanting(Want.NOTHING)
        return replace(self.slot(stack[:-2]), owned=True)

    def _of(self, stack: Stack) -> Slot:
        if type_at(stack, -2) == "PART":
            return self._dated(stack)
        if type_at(stack, -4) == "FUNCTION":
            return Slot(Want.EVENT, self.ground, function=stack[-4].value.lower(), property=stack[-2].name)
        return self._wanting(Want.REST)

    def _dated(self, stack: Stack) -> Slot:
        """After `month of` or `years since`: a date of whatever row the value around is of."""
        scope = self.slot(stack[:-2]).subject.scope
        return Slot(Want.DATED, self.ground, Subject(None, scope=scope), function=stack[-2].value.lower())

    def _combined(self, stack: Stack) -> Slot:
        """After a sign: a number, or a duration that moves a moment. One sum is of one kind of rows."""
        place = len(stack) - 1
        while place and not isinstance(stack[place - 1], Token):
            place -= 1
        around = self.slot(stack[:place])
        operands = [subject_of(node, self.schema, self.ground) for node in _operands(stack[place:-1])]
        scopes = (subject.scope for subject in (*operands, around.subject))
        scope = next((scope for scope in scopes if scope is not None), None)
        last = operands[-1] if operands else UNKNOWN
        return Slot(Want.OPERAND, self.ground, replace(last, scope=scope), around=around)


def _operands(entries: Stack) -> Iterator[tree.Node]:
    """The operands among entries of the stack, those still in a run of them too."""
    for entry in entries:
        if _is_operand(entry):
            yield entry
        yield from _operands(getattr(entry, "children", ()))


_WANTS = {
    "SEGMENT": Want.SEGMENT,
    "SAME": Want.EARLIER,
    "BY": Want.RANKED,
    "LAST": Want.SPAN,
    "NEXT": Want.SPAN,
    "THIS": Want.SPAN,
    "WITHIN": Want.SPAN,
    "SEED": Want.NOTHING,
}


def _is_operand(node: object) -> bool:
    """Whether a node is something that can be compared."""
    return isinstance(node, tree.Node) and not isinstance(
        node, tree.Selector | tree.Step | tree.Timing | tree.Identifier | tree.Frequency
    )


def _texts(entry: Any) -> list[tree.Text]:
    """The texts in a list that is still being read: the parser keeps all but the first in a branch of its own."""
    if isinstance(entry, tree.Text):
        return [entry]
    return [text for child in getattr(entry, "children", ()) for text in _texts(child)]


def _steps(stack: Stack) -> tuple[str | None, ...] | None:
    """The event types of the steps before this one, where a later step of a sequence is being said."""
    places = [place for place, entry in enumerate(stack) if isinstance(entry, Token) and entry.type == "THEN"]
    if not places:
        return None
    return tuple(event for entry in stack[: places[-1]] for event in _events(entry))


def _events(entry: Any) -> list[str | None]:
    match entry:
        case tree.Selector(event=event):
            return [event.name if event else None]
        case tree.Step(selector=selector):
            return [] if entry.absent else _events(selector)
        case _:
            return [event for child in getattr(entry, "children", ()) for event in _events(child)]
