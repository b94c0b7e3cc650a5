"""Completion: what may come at a cursor of an expression, best first, whatever is wrong with the text before it.

The parser says what can follow the text before the cursor (`prefix`), and its stack what is open there (`slot`): the
field that is compared, the events a property is of. `offers` makes what fits: words from one table (`phrases`), names
from the schema, values from the data, which `Values` stands for. What is typed already orders and filters them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dsl.complete.items import Completion, Counted, Held, Item, Kind, Offer, Values
from dsl.complete.matching import Match, match
from dsl.complete.offers import Offers
from dsl.complete.place import Form, Place, place
from dsl.complete.prefix import reached
from dsl.complete.slot import slot_of
from dsl.complete.subject import Source
from dsl.folding import fold
from dsl.parse import LIMITS
from dsl.problems import DataError, ExpressionError, Problem, Span
from dsl.schema import Schema

__all__ = ["Completion", "Counted", "Held", "Item", "Kind", "Source", "Values", "complete"]

_PARAMETER = re.compile(r"\$([^\W\d]\w*)")
_FIRST_TERMINALS = {Form.TEXT: {"STRING"}, Form.NAME: {"NAME"}, Form.PARAMETER: {"PARAMETER"}}


def complete(
    text: str,
    cursor: int,
    schema: Schema,
    values: Values,
    *,
    segments: Mapping[str, str] | None = None,
    limit: int = 20,
) -> Completion:
    """At most `limit` items that may come at `cursor`, an offset in characters, best first.

    `segments` maps keys to names. DataError for a cursor outside the text, ExpressionError for a text too long to be
    an expression; anything else that is wrong with the text only means fewer or no items.
    """
    _refuse(text, cursor)
    here = place(text, cursor)
    if here.form is Form.CLOSED:
        return Completion(here.start, here.end, ())
    typed = fold(here.typed)
    found: dict[str, tuple[tuple[int, ...], Item]] = {}
    for offer in _offers(text, here, schema, values, segments or {}, typed, limit):
        how = _fit(typed, offer)
        if how is not None:
            key = (how, offer.rank, -(offer.item.count or 0), len(found))
            found[offer.item.text] = min(found.get(offer.item.text, (key, offer.item)), (key, offer.item), key=_key)
    items = _best(sorted(found.values(), key=_key))
    return Completion(here.start, here.end, tuple(_spaced(item, text, here) for item in items[:limit]))


def _refuse(text: str, cursor: int) -> None:
    if len(text) > LIMITS.length:
        message = f"the expression has {len(text):,} characters; at most {LIMITS.length:,} are taken"
        raise ExpressionError(text, [Problem("too-long", message, span=Span(LIMITS.length, len(text)))])
    if not 0 <= cursor <= len(text):
        message = f"the cursor stands at {cursor}, and the expression has {len(text)} characters"
        raise DataError([Problem("bad-value", message, "give an offset in characters, 0 the first", path="$.cursor")])


def _offers(
    text: str, here: Place, schema: Schema, values: Values, segments: Mapping[str, str], typed: str, limit: int
) -> Iterator[Offer]:
    """What the parser can take here, of the form that the cursor is in."""
    before, after = text[: here.start], text[here.end :]
    parameters = dict.fromkeys(_PARAMETER.findall(before) + _PARAMETER.findall(after))
    first = _FIRST_TERMINALS.get(here.form)
    for state in reached(before, lambda name: _is_declared(name, schema)):
        offers = Offers(state, slot_of(state, schema), schema, segments, values, typed, limit, after)
        for offer in offers.all(tuple(parameters)):
            if first is None or offer.terminals[0] in first:
                yield offer


def _is_declared(name: str, schema: Schema) -> bool:
    return name in schema.contacts or name in schema.events or any(name in fields for fields in schema.events.values())


def _fit(typed: str, offer: Offer) -> Match | None:
    """How well an offer fits what is typed; nobody looks for the middle of a keyword."""
    fits = [how for name in offer.names if (how := match(typed, name)) is not None]
    best = min(fits, default=None)
    return None if best is Match.INSIDE and offer.item.kind in _WORDS else best


_WORDS = frozenset({Kind.KEYWORD, Kind.OPERATOR, Kind.FUNCTION, Kind.SIGN})


def _key(found: tuple[tuple[int, ...], Item]) -> tuple[int, ...]:
    return found[0]


def _best(ordered: Iterable[tuple[tuple[int, ...], Item]]) -> list[Item]:
    """What is only near to what is typed is offered when nothing else is."""
    items = list(ordered)
    fitting = [item for key, item in items if key[0] is not Match.NEAR]
    return fitting or [item for _, item in items]


_TOUCHING = frozenset("\"'”»`)%")
"""Signs that a word would better not touch: it stands apart from them."""
_CLOSE = frozenset({")", ","})


_OFFSET = re.compile(r"\d[Tt][\d:.,]*[+-]\Z")
"""A datetime and a sign: digits that touch it would be read as its offset from UTC."""


def _is_wordy(character: str) -> bool:
    return character.isalnum() or character in "_$`\"'"


def _spaced(item: Item, text: str, here: Place) -> Item:
    """An item apart from the words and texts that it would touch."""
    touching = here.start and text[here.start - 1] in _TOUCHING and item.text not in _CLOSE
    glued = item.text[0].isdigit() and _OFFSET.search(text, 0, here.start)
    before = " " if touching or glued else ""
    after = " " if here.end < len(text) and _is_wordy(text[here.end]) and _is_wordy(item.text[-1]) else ""
    return replace(item, text=f"{before}{item.text}{after}") if before or after else item
