"""How many different values a property has among the selected events of each contact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.schema import EVENT_SYSTEM_FIELDS, Type
from engine.bitmaps import Words, set_rows, words_of
from engine.counting import Counts, add_at, count_type
from engine.deadline import still_wanted
from engine.native import kernel
from engine.plan.physical import costs
from engine.plan.physical.identities import Known, compact, text_identities
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Picked, Places, Selection
from engine.plan.physical.space import Domain, PartSpace, in_stretches
from engine.reading import Column, EventPart, Kept

WORDS_AT_MOST = 1 << 23
EVENTS_A_TEXT = 32
"""Going from text to text is worth it when each has so many events on average."""


def distinct(events: Selection, name: str, context: Context, domain: Domain) -> NDArray[np.signedinteger[Any]]:
    """The number at each place of the domain; 0 where no event has the property."""
    if domain.part is not None:
        return _of_people(events, name, domain.part, domain)
    if events.of_everyone(domain):
        parts = _with_texts(events, name, context)
        if parts is not None:
            return _texts_of_each(parts, events, name, domain)
    return _distinct_pairs(_identities(events, name, context, domain), domain)


def distinct_cost(events: Selection, name: str, context: Context, places: float) -> float:
    """About how many nanoseconds the selected events take."""
    columns = [part.column(name) for part in events.parts(context.version)]
    texts = sum(column.searched for column in columns if column is not None)
    by_text = events.where is None and 0 < texts * EVENTS_A_TEXT <= events.estimate(context)
    if by_text and not costs.is_few(places, context.space):
        return events.kept_cost(context, Kept.TEXTS, name, costs.KNOWN_TEXT)
    return costs.DIFFERENT * events.among(context, places)


# --- text by text -------------------------------------------------------------------------------------------

Texts = dict[EventPart, Collection[str]]
"""The parts with events in the window, each with the texts it may have."""


def _of_people(events: Selection, name: str, part: EventPart, domain: Domain) -> NDArray[np.int32]:
    """What a part counts by itself (`told_by_part`)."""
    ready, rows = part.text_counts(name, events.start, events.end), part.rows_between(events.start, events.end)
    assert ready is not None, "asked where it tells"
    assert isinstance(rows, range), "counts are at hand where rows are in order of time"
    counts = np.zeros(domain.size, count_type(ready.bound))
    ready.add(counts, rows.start, rows.stop)
    return counts.astype(np.int32)


def told_by_part(events: Selection, name: str, part: EventPart) -> bool:
    """Whether a part counts the different texts of its people by itself."""
    return events.where is None and part.text_counts(name, events.start, events.end) is not None


def _with_texts(events: Selection, name: str, context: Context) -> Texts | None:
    """None where the property is no text, or has too many of them."""
    if name in EVENT_SYSTEM_FIELDS:  # moments are no texts, and no two ids are equal
        return None
    found: Texts = {}
    for part in events.parts(context.version):
        texts = part.texts(name)
        if texts is None:
            return None
        if texts:
            found[part] = texts
    return None if sum(map(len, found.values())) * EVENTS_A_TEXT > events.estimate(context) else found


def _texts_of_each(parts: Texts, events: Selection, name: str, domain: Domain) -> NDArray[np.int32]:
    """What the parts count each by itself, but for texts that a contact has in several of them."""
    counts = np.zeros(domain.size, count_type(sum(map(len, parts.values()))))
    seen, own = np.zeros((2, words_of(domain.size)), np.uint64)
    for part, texts in parts.items():
        ready = part.text_counts(name, events.start, events.end)
        if ready is not None:
            rows = part.rows_between(events.start, events.end)
            assert isinstance(rows, range), "counts are at hand where rows are in order of time"
            mine = np.zeros(len(part.people), counts.dtype)
            ready.add(mine, rows.start, rows.stop)
            add_at(counts, part.people, mine)
            continue
        for _, contacts in part.contacts_by_text(name, events.start, events.end, texts):
            still_wanted()
            _count_once(counts, contacts, own)
            _forget(contacts, own)
    for pieces in _shared(parts, events, name):
        still_wanted()
        for contacts in pieces:
            _discount_seen(counts, contacts, seen, own)
            _forget(contacts, own)
            set_rows(contacts, seen)
        for contacts in pieces:
            _forget(contacts, seen)
    return counts.astype(np.int32)


def _shared(parts: Texts, events: Selection, name: str) -> Iterable[list[NDArray[np.uint32]]]:
    """The contacts of each text that several parts have, part by part."""
    times = Counter(text for texts in parts.values() for text in texts)
    shared = {text for text, count in times.items() if count > 1}
    found: defaultdict[str, list[NDArray[np.uint32]]] = defaultdict(list)
    for part, texts in parts.items():
        mine = shared.intersection(texts)
        for text, contacts in part.contacts_by_text(name, events.start, events.end, mine) if mine else ():
            if contacts.size:
                found[text].append(contacts)
    return (pieces for pieces in found.values() if len(pieces) > 1)


@kernel("out C[]", "u4[]", "out u8[]", C=("u1", "u2", "u4"))
def _count_once(counts: Counts, contacts: Places, own: Words) -> None:
    """Add one for each of `contacts`, however often it occurs; `own`, empty, tells which ones were met."""
    for contact in contacts:
        word, bit = contact >> np.uint32(6), np.uint64(1) << np.uint64(contact & np.uint32(63))
        if not own[word] & bit:
            own[word] |= bit
            counts[contact] += 1


@kernel("out C[]", "u4[]", "u8[]", "out u8[]", C=("u1", "u2", "u4"))
def _discount_seen(counts: Counts, contacts: Places, seen: Words, own: Words) -> None:
    """Take one for each of `contacts` that was seen before, however often it occurs here."""
    for contact in contacts:
        word, bit = contact >> np.uint32(6), np.uint64(1) << np.uint64(contact & np.uint32(63))
        if seen[word] & bit and not own[word] & bit:
            own[word] |= bit
            counts[contact] -= 1


@kernel("u4[]", "out u8[]")
def _forget(contacts: Places, words: Words) -> None:
    """Empty all words that any of `contacts` is in."""
    for contact in contacts:
        words[contact >> np.uint32(6)] = 0


# --- pairs of place and value -------------------------------------------------------------------------------


def _identities(events: Selection, name: str, context: Context, domain: Domain) -> list[tuple[Places, Array]]:
    """The places and values, where texts became numbers that stand for the same folded text in every part."""
    known = Known()
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
    identities = [texts.of(fold(tag)) for _, tag in tags]
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
