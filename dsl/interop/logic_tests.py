"""The tests of JsonLogic: what one of them means, and what it takes for granted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dsl import tree
from dsl.bounds import FLIPPED
from dsl.interop.fields import Fields, Place
from dsl.interop.json_logic import FLOATING, MOMENTS, ORDERS, Guard, guards, is_set, null_starts, units, zero_holds
from dsl.interop.literals import NUMERAL, bad, literal, number, plain_number, said
from dsl.interop.logic_operands import Constant, Operand, Operands, Part
from dsl.interop.report import TEXT_DIFFERS, Report
from dsl.problems import NOWHERE, Flaw
from dsl.schema import Type
from dsl.tree import Comparator, TextTest

EQUALITIES: Mapping[str, tuple[bool, bool]] = MappingProxyType(
    {"==": (False, False), "!=": (False, True), "===": (True, False), "!==": (True, True)}
)
"""Whether each is strict, and whether it is negated."""

TAG = {"var": ""}
"""The tag in question, inside `some` and `none`."""

COUNTERPART = {Comparator.GREATER: Comparator.GREATER_EQUAL, Comparator.LESS_EQUAL: Comparator.LESS}
"""A day as a text comes before every moment of that day: `> day` takes the day in, `<= day` leaves it out."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a condition means, if the `guards` hold; `otherwise` is its exact meaning alone, when that can be said.

    `absorbs`: the node is false where a guard is, so that saying the guard too adds nothing.
    """

    node: tree.Expression
    guards: tuple[Guard, ...] = ()
    otherwise: tree.Expression | None = None
    absorbs: bool = True

    def negated(self) -> Meaning:
        otherwise = None if self.otherwise is None else negation(self.otherwise)
        return Meaning(negation(self.node), self.guards, otherwise, absorbs=False)


@dataclass(slots=True)
class Tests:
    """Reads tests of values. Flaw where one has no meaning here."""

    fields: Fields
    report: Report
    operands: Operands = field(init=False)

    def __post_init__(self) -> None:
        self.operands = Operands(self.fields, self.report)

    def _truth(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """A variable alone: anything but null, false, 0, an empty text and an empty list."""
        place = self.operands.place(given)
        there = is_set(place.node)
        match place.type:
            case Type.BOOLEAN:
                return Meaning(place.node)
            case Type.TEXT:
                empty = tree.Exactly(NOWHERE, place.node, tree.Text(NOWHERE, ""), negated=True)
                return Meaning(tree.Both(NOWHERE, (there, empty)))
            case Type.NUMBER | Type.FLOAT:
                zero = tree.Number(NOWHERE, Decimal(0))
                other = tree.Comparison(NOWHERE, Comparator.UNEQUAL, place.node, zero)
                return Meaning(tree.Both(NOWHERE, (there, other)))
            case _:
                return Meaning(there)

    # --- missing values ---

    def _missing(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """True when any of the named is missing."""
        absent = [_absent(self.operands.named(item)) for item in _names(given)]
        return Meaning(absent[0] if len(absent) == 1 else tree.Either(NOWHERE, tuple(absent)))

    def _missing_some(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """True when fewer than so many of the named are there."""
        count, items = exactly(2, given)
        named = _names(list(items)) if isinstance(items, list | tuple) else []
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= len(named):
            raise bad(f"found {said(count)} of {said(items)}, where a count from 1 and as many names are needed")
        there = tuple(negation(_absent(self.operands.named(item))) for item in named)
        bound = tree.Frequency(NOWHERE, tree.Bound.AT_LEAST, tree.Number(NOWHERE, Decimal(count)))
        return Meaning(tree.Not(NOWHERE, tree.Quorum(NOWHERE, bound, there)))

    # --- comparisons ---

    def _equality(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        strict, negated = EQUALITIES[name]
        left, right = (self.operands.operand(item, depth) for item in exactly(2, given))
        if isinstance(left, Constant):
            left, right = right, left
        found = self._equal(left, right, strict, path)
        return found.negated() if negated else found

    def _equal(self, left: Operand, right: Operand, strict: bool, path: str) -> Meaning:
        match left, right:
            case Constant(), _:
                raise _two_constants()
            case Place() as place, Constant(value=None):
                return Meaning(tree.IsSet(NOWHERE, place.node, negated=True))
            case Place() as place, Constant(value=value):
                return self._equal_literal(place, value, strict, path)
            case Part() as part, Constant(value=value):
                return self._part_is(part, value, path)
            case _:
                return self._between_terms(Comparator.EQUAL, left, right, path)

    def _equal_literal(self, place: Place, value: object, strict: bool, path: str) -> Meaning:
        if strict and isinstance(value, str) and place.type in (Type.TEXT, Type.CHOICE):
            exact = tree.Exactly(NOWHERE, place.node, tree.Text(NOWHERE, value))
            return self._fitting(Meaning(exact), path)
        return self._compared(Comparator.EQUAL, place, value, path, strict)

    def _part_is(self, part: Part, value: object, path: str) -> Meaning:
        """`substr` of a text against a literal of the same length: how the text begins or ends."""
        if not isinstance(value, str) or units(value) != part.length:
            hint = f"compare {part.length} characters with a text of as many"
            raise bad("only a text that begins or ends with another can be said with `substr`", hint)
        return self._textual(part.test, part.place, value, path)

    def _order(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        comparator = ORDERS[name]
        if len(given) == 3 and comparator in (Comparator.LESS, Comparator.LESS_EQUAL):
            low, item, high = (self.operands.operand(operand, depth) for operand in given)
            return self._chain(comparator, low, item, high, path)
        left, right = (self.operands.operand(item, depth) for item in exactly(2, given))
        return self._ordered(comparator, left, right, path)

    def _ordered(self, comparator: Comparator, left: Operand, right: Operand, path: str) -> Meaning:
        if isinstance(left, Constant):
            left, right, comparator = right, left, FLIPPED[comparator]
        match left, right:
            case Constant(), _:
                raise _two_constants()
            case Place() as place, Constant(value=value):
                return self._compared(comparator, place, value, path)
            case _:
                return self._between_terms(comparator, left, right, path)

    def _chain(self, comparator: Comparator, low: Operand, item: Operand, high: Operand, path: str) -> Meaning:
        """`a <= x <= b`: `between` where the ends are literals, or else two comparisons."""
        if comparator is Comparator.LESS_EQUAL and isinstance(item, tree.Arithmetic | tree.Negative):
            between = tree.Between(NOWHERE, item, self.operands.term(low), self.operands.term(high))
            self.report.note(FLOATING)
            return self._fitting(Meaning(between, guards(item, between.low, between.high)), path)
        parts = [self._ordered(comparator, low, item, path), self._ordered(comparator, item, high, path)]
        if isinstance(item, Place) and isinstance(low, Constant) and isinstance(high, Constant):
            return self._ranged(item, parts)
        asked = guards(*(self.operands.term(operand) for operand in (low, item, high)))
        return Meaning(tree.Both(NOWHERE, tuple(part.node for part in parts)), asked)

    def _ranged(self, place: Place, parts: list[Meaning]) -> Meaning:
        """A missing value is in when 0 lies between the ends."""
        low, high = (part.node for part in parts)
        assert isinstance(low, tree.Comparison), "a field beside a literal"
        assert isinstance(high, tree.Comparison)
        if (low.comparator, high.comparator) == (Comparator.GREATER_EQUAL, Comparator.LESS_EQUAL):
            node: tree.Expression = tree.Between(NOWHERE, place.node, low.right, high.right)
        else:
            node = tree.Both(NOWHERE, (low, high))
        return _or_missing(node, place) if all(part.guards for part in parts) else Meaning(node)

    def _compared(
        self, comparator: Comparator, place: Place, value: object, path: str, strict: bool = False
    ) -> Meaning:
        """A field beside a literal of its type; JavaScript reads a text beside a number as one."""
        if value is None:
            raise bad("nothing comes before or after null", 'ask with {"==": [x, null]} whether it is missing')
        if place.type is Type.DATETIME:
            return self._fitting(Meaning(self._moment(comparator, place, value)), path)
        _alike(place, value, strict)
        right = literal(place.field, value, self.fields.schema.zone)
        node = tree.Comparison(NOWHERE, comparator, place.node, right)
        self._folds(place)
        taken = isinstance(right, tree.Number | tree.Negative) and zero_holds(comparator, plain_number(right))
        return self._fitting(_or_missing(node, place) if taken else Meaning(node), path)

    def _moment(self, comparator: Comparator, place: Place, value: object) -> tree.Expression:
        """A moment in UTC; a day alone is the moment it begins, which only order can be asked of."""
        found = literal(place.field, value, self.fields.schema.zone)
        self.report.note(MOMENTS)
        if isinstance(found, tree.Day):
            if comparator is Comparator.EQUAL:
                raise bad("a day equals no moment", "write both ends: the day and the next one")
            at = tree.Instant(NOWHERE, f"{found.text}T00:00:00Z")
            return tree.Comparison(NOWHERE, COUNTERPART.get(comparator, comparator), place.node, at)
        assert isinstance(found, tree.Instant)
        if not found.text.endswith("Z"):
            raise bad(f"{said(value)} is not in UTC", 'write it as "2026-06-30T14:00:05.000Z"')
        return tree.Comparison(NOWHERE, comparator, place.node, found)

    def _between_terms(self, comparator: Comparator, left: Operand, right: Operand, path: str) -> Meaning:
        """Two values that vary: missing ones would count as 0, so that guards are needed for all."""
        first, last = self.operands.term(left), self.operands.term(right)
        for term in (left, right):
            if isinstance(term, Place):
                self._folds(term)
            elif isinstance(term, tree.Arithmetic | tree.Negative):
                self.report.note(FLOATING)
        return self._fitting(Meaning(tree.Comparison(NOWHERE, comparator, first, last), guards(first, last)), path)

    # --- lists, texts and tags ---

    def _in(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """A text in a text, a tag among tags, or a field among literals."""
        needle, heap = exactly(2, given)
        if isinstance(heap, list | tuple):
            return self._among(self.operands.operand(needle, depth), list(heap), path)
        place = self.operands.operand(heap, depth)
        if not isinstance(place, Place):
            raise bad("only a list, a text or tags can be looked in")
        if not isinstance(needle, str):
            raise bad(f"found {said(needle)}, where a text is needed")
        if place.type is Type.TAGS:
            self._folds(place)
            has = tree.Has(NOWHERE, place.node, None, self._text(place, needle))
            return self._fitting(Meaning(has), path)
        return self._textual(TextTest.CONTAINS, place, needle, path)

    def _among(self, item: Operand, heap: list[object], path: str) -> Meaning:
        if not heap:
            raise bad("nothing is in an empty list", "give it a value, or write false")
        if isinstance(item, tree.Arithmetic | tree.Negative):
            self.report.note(FLOATING)
            values = tuple(number(value, self.fields.schema.zone) for value in heap)
            found = tree.Among(NOWHERE, item, tree.Values(NOWHERE, values))
            return self._fitting(Meaning(found, guards(item)), path)
        if not isinstance(item, Place):
            raise bad("only a field can be looked for in a list")
        literals = tuple(self._listed(item, value) for value in heap)
        self._folds(item)
        among = tree.Among(NOWHERE, item.node, tree.Values(NOWHERE, literals))
        return self._fitting(Meaning(among), path)

    def _listed(self, place: Place, value: object) -> tree.Expression:
        """`in` is strict: a text is no number, and null is not looked for."""
        if value is None:
            raise bad("null stands in a list", 'ask with {"==": [x, null]} whether it is missing, joined by "or"')
        if place.type is Type.DATETIME:
            found = self._moment(Comparator.EQUAL, place, value)
            assert isinstance(found, tree.Comparison)
            return found.right
        _alike(place, value, strict=True)
        return literal(place.field, value, self.fields.schema.zone)

    def _affix(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """`startsWith` and `endsWith`, which react-querybuilder adds; a missing text does neither."""
        item, text = exactly(2, given)
        place = self.operands.operand(item, depth)
        if not isinstance(place, Place) or not isinstance(text, str):
            raise bad(f"'{name}' takes a field and a text")
        test = TextTest.STARTS if name == "startsWith" else TextTest.ENDS
        return Meaning(self._textual(test, place, text, path).node)

    def _textual(self, test: TextTest, place: Place, text: str, path: str) -> Meaning:
        self._folds(place)
        node = tree.Textual(NOWHERE, test, place.node, self._text(place, text))
        taken = test is not TextTest.CONTAINS and null_starts(test, text)
        return self._fitting(_or_missing(node, place) if taken else Meaning(node), path)

    def _text(self, place: Place, value: str) -> tree.Text:
        found = literal(place.field, value, self.fields.schema.zone)
        if not isinstance(found, tree.Text):
            raise bad(f"{place.name!r} holds no text")
        return found

    def _any_tag(self, name: str, given: list[Any], path: str, depth: int) -> Meaning:
        """`some` and `none` of the tags are this one, or one of these."""
        item, test = exactly(2, given)
        place = self.operands.operand(item, depth)
        if not isinstance(place, Place) or place.type is not Type.TAGS:
            raise bad(f"'{name}' asks about the tags of a field, and this is none")
        self._folds(place)
        texts = tuple(self._text(place, text) for text in _tags_asked(test))
        values = tree.Values(NOWHERE, texts)
        return self._fitting(Meaning(tree.Has(NOWHERE, place.node, tree.Quantifier.ANY, values, name == "none")), path)

    # --- types ---

    def _fitting(self, found: Meaning, path: str) -> Meaning:
        """The meaning, or Flaw when the test makes no sense of its field's type."""
        if not self.fields.fits(found.node, path, self.report):
            raise Flaw(None)
        return found

    def _folds(self, place: Place) -> None:
        if place.folded:
            self.report.note(TEXT_DIFFERS)


Test = Callable[[Tests, str, list[Any], str, int], Meaning]

TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "var": Tests._truth,
        "missing": Tests._missing,
        "missing_some": Tests._missing_some,
        **dict.fromkeys(EQUALITIES, Tests._equality),
        **dict.fromkeys(ORDERS, Tests._order),
        "in": Tests._in,
        "startsWith": Tests._affix,
        "endsWith": Tests._affix,
        "some": Tests._any_tag,
        "none": Tests._any_tag,
    }
)
"""The operations that test values."""


def negation(node: tree.Expression) -> tree.Expression:
    """The negation of a condition, said inside it where there is a way."""
    match node:
        case tree.Comparison(comparator=Comparator.EQUAL, left=left, right=right):
            return tree.Comparison(NOWHERE, Comparator.UNEQUAL, left, right)
        case tree.IsSet(item=item, negated=negated):
            return tree.IsSet(NOWHERE, item, not negated)
        case tree.Among(item=item, values=values, negated=False):
            return tree.Among(NOWHERE, item, values, True)
        case tree.Between(item=item, low=low, high=high, negated=False):
            return tree.Between(NOWHERE, item, low, high, True)
        case tree.Textual(test=test, item=item, text=text, negated=False):
            return tree.Textual(NOWHERE, test, item, text, True)
        case tree.Exactly(item=item, text=text, negated=False):
            return tree.Exactly(NOWHERE, item, text, True)
        case tree.Has(item=item, quantifier=quantifier, values=values, negated=False):
            return tree.Has(NOWHERE, item, quantifier, values, True)
        case _:
            return tree.Not(NOWHERE, node)


def _or_missing(node: tree.Expression, place: Place) -> Meaning:
    """A test that a missing value passes in JsonLogic, and not here."""
    missing = tree.IsSet(NOWHERE, place.node, negated=True)
    return Meaning(node, (is_set(place.node),), tree.Either(NOWHERE, (node, missing)))


def _absent(place: Place) -> tree.Expression:
    """What `missing` calls missing: null, and an empty text."""
    unset = tree.IsSet(NOWHERE, place.node, negated=True)
    if place.type is not Type.TEXT:
        return unset
    return tree.Either(NOWHERE, (unset, tree.Exactly(NOWHERE, place.node, tree.Text(NOWHERE, ""))))


def _names(given: list[Any]) -> list[Any]:
    """The names of `missing`, which may also stand in a list of their own."""
    names = list(given[0]) if given and isinstance(given[0], list | tuple) else given
    if not names:
        raise bad("no names are given")
    return names


def exactly(count: int, given: list[Any]) -> list[Any]:
    if len(given) != count:
        raise bad(f"found {len(given)} arguments, where {count} are needed")
    return given


def _two_constants() -> Flaw:
    return bad("two constants are compared", 'a field is {"var": "its name"}')


def _alike(place: Place, value: object, strict: bool) -> None:
    """Flaw where JavaScript finds a literal unlike every value of the field."""
    if isinstance(value, str) and place.type in (Type.NUMBER, Type.FLOAT):
        if strict or not NUMERAL.fullmatch(value):
            raise bad(f"{said(value)} is a text, and {place.name!r} holds numbers", "write the number without quotes")
    elif isinstance(value, str) and place.type is Type.BOOLEAN:
        raise bad(f"{said(value)} is a text, and {place.name!r} is true or false", "write it without quotes")


def _tags_asked(test: object) -> list[Any]:
    """The texts in `{"==": [{"var": ""}, "ski"]}` or `{"in": [{"var": ""}, ["ski", "vtt"]]}`."""
    match test:
        case {"==": [left, right], **others} | {"===": [left, right], **others} if not others:
            if left == TAG and isinstance(right, str):
                return [right]
            if right == TAG and isinstance(left, str):
                return [left]
        case {"in": [left, [*texts]], **others} if not others and left == TAG and texts:
            return texts
    hint = '{"==": [{"var": ""}, "ski"]} or {"in": [{"var": ""}, ["ski", "vtt"]]}'
    raise bad("only which tags are there can be asked", f"write {hint}")
