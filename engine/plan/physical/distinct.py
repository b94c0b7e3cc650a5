"""How many different values a property has among the selected events of each contact."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.schema import EVENT_SYSTEM_FIELDS, Type
from engine.counting import Counts, count_type
from engine.plan.physical import costs
from engine.plan.physical.identities import Known, compact, text_identities
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Picked, Places, Selection
from engine.plan.physical.space import Domain, PartSpace, in_stretches
from engine.reading import Column

WORDS_AT_MOST = 1 << 23
EVENTS_A_TEXT = 32
"""Going from text to text is worth it when each has so many events on average."""


def distinct(events: Selection, name: str, context: Context, domain: Domain) -> NDArray[np.int64]:
    """The number at each place of the domain; 0 where no event has the property."""
    if events.where is None and domain.bitmap is None:
        by_text = _by_text(events, name, context)
        if by_text is not None:
            return _texts_of_each(by_text, domain).astype(np.int64)
    return _distinct_pairs(_identities(events, name, context, domain), domain)


def distinct_cost(events: Selection, name: str, context: Context, places: float) -> float:
    """About how many nanoseconds an event takes."""
    columns = [part.column(name) for part in events.parts(context.version)]
    texts = sum(column.searched for column in columns if column is not None)
    by_text = events.where is None and 0 < texts * EVENTS_A_TEXT <= events.estimate(context)
    return costs.KNOWN_TEXT if by_text and not costs.is_few(places, context.space) else costs.DIFFERENT


# --- text by text -------------------------------------------------------------------------------------------

ByText = list[list[NDArray[np.uint32]]]
"""For each text the contacts of its events, part by part."""


def _by_text(events: Selection, name: str, context: Context) -> ByText | None:
    """None where the property is no text, or has too many of them."""
    if name in EVENT_SYSTEM_FIELDS:  # moments are no texts, and no two ids are equal
        return None
    contacts: defaultdict[str, list[NDArray[np.uint32]]] = defaultdict(list)
    for part in events.parts(context.version):
        found = part.contacts_by_text(name, events.start, events.end)
        if found is None:
            return None
        for text, whose in found:
            contacts[text].append(whose)
    pieces = sum(map(len, contacts.values()))
    selected = sum(whose.size for pieces in contacts.values() for whose in pieces)
    return None if pieces * EVENTS_A_TEXT > selected else list(contacts.values())


def _texts_of_each(by_text: ByText, domain: Domain) -> Counts:
    counts = np.zeros(domain.size, count_type(len(by_text)))
    for pieces in by_text:
        places = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        # A place that occurs several times here is raised once: all of its sums are made before any is stored.
        counts[places.astype(np.intp)] += 1
    return counts


# --- pairs of place and value -------------------------------------------------------------------------------


def _identities(events: Selection, name: str, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
    """The places and values, where texts became numbers that stand for the same folded text in every part."""
    known: Known = {}
    found = []
    for picked in events.picked(context, domain):
        column = PartSpace(picked.part).column(name)
        if column is not None:
            found.append(_of_part(picked, name, column, known))
    return [piece for piece in found if piece[0].size]


def _of_part(picked: Picked, name: str, column: Column, known: Known) -> tuple[Places, Array]:
    match column.field.type:
        case Type.TEXT | Type.CHOICE:
            values, present = text_identities(column, picked.row_numbers(), known)
            return picked.places[present], values[present]
        case Type.TAGS:
            return _tag_identities(picked, column, known)
        case _:
            return picked.held(name)


def _tag_identities(picked: Picked, column: Column, texts: Known) -> tuple[Places, Array]:
    """One place and identity for each tag of each row."""
    values = column.values(picked.row_numbers())
    tags = [(place, str(tag)) for place, tags in zip(picked.places, values, strict=True) for tag in _tags(tags)]
    identities = [texts.setdefault(fold(tag), len(texts)) for _, tag in tags]
    return np.array([place for place, _ in tags], np.int64), np.array(identities, np.int64)


def _tags(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _distinct_pairs(pieces: list[tuple[Places, Array]], domain: Domain) -> NDArray[np.int64]:
    """How many different values each place has."""
    if not pieces:
        return np.zeros(domain.size, np.int64)
    places = np.concatenate([places for places, _ in pieces]).astype(np.int64)
    values = np.concatenate([values for _, values in pieces])
    counts = np.zeros(domain.size, np.int64)
    for [chosen] in in_stretches([places], domain.size):
        found = _distinct_of_some(places[chosen], values[chosen], domain.size)
        counts[: found.size] += found
    return counts


def _distinct_of_some(places: NDArray[np.int64], values: Array, size: int) -> NDArray[np.int64]:
    """The same for all pairs of some of the places, the last of which ends the array."""
    if not places.size:
        return np.zeros(0, np.int64)
    values = compact(values)
    width = int(values.max()) + 1
    words = -(-width // 64)
    if size * words <= WORDS_AT_MOST:
        return _distinct_by_bits(places * words + (values >> 6), values & 63, size, words)
    pairs: NDArray[np.int64] = np.unique(places * width + values)
    return np.bincount(pairs // width).astype(np.int64, copy=False)


def _distinct_by_bits(cells: NDArray[np.int64], bits: NDArray[np.int64], size: int, words: int) -> NDArray[np.int64]:
    """A set of bits for each place, in `words` words: `cells` says which word, `bits` which bit of it."""
    sets = np.zeros(size * words, np.uint64)
    np.bitwise_or.at(sets, cells, np.left_shift(np.uint64(1), bits.astype(np.uint64)))
    return np.asarray(np.bitwise_count(sets).reshape(size, words).sum(axis=1), np.int64)
