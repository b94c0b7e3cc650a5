"""The events of a part contact by contact: made, narrowed and kept in blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.schema import Field, Type
from engine.histories import Histories, by_contact
from engine.tables.dictionary import GrowingDictionary, Prefix
from engine.tables.loose import LooseText
from engine.tables.loose_events import LooseEvents
from engine.tables.parts import SealedPart
from engine.tables.prints import NO_PRINTS

FIELD = Field("campaign", Type.TEXT)
ends = st.none() | st.integers(-5, 105)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 100)), max_size=200),
    st.sets(st.integers(0, 40) | st.just(4000), max_size=20),
    ends,
    ends,
)
def test_stretches_are_the_events_in_a_window(events, asked, start, end):
    ordered = sorted(events, key=lambda event: event[1])
    contacts, at = np.array(ordered, np.int64).reshape(-1, 2).T
    histories = Histories.of(contacts.astype(np.uint32), np.ascontiguousarray(at))
    contacts_asked = np.array(sorted(asked), np.uint32)
    begins, stops = histories.stretches(contacts_asked, start, end)
    for contact, begin, stop in zip(sorted(asked), begins.tolist(), stops.tolist(), strict=True):
        rows = histories.rows[begin:stop].tolist()
        assert rows == [
            row
            for row, (owner, moment) in enumerate(ordered)
            if owner == contact and (start is None or start <= moment) and (end is None or moment < end)
        ]
        assert histories.at[begin:stop].tolist() == [ordered[row][1] for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, (1 << 32) - 1000), st.lists(st.integers(0, 12) | st.integers(0, 999), max_size=80))
def test_rows_contact_by_contact_whether_contacts_lie_close_or_far_apart(least, beyond):
    owners = [least + each for each in beyond]
    starts, rows, who = by_contact(np.array(owners, np.uint32))
    assert who.tolist() == sorted(set(owners))
    for contact, first, last in zip(who.tolist(), starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        assert rows[first:last].tolist() == [row for row, owner in enumerate(owners) if owner == contact]
    assert starts[-1] == len(owners)


def part_of(events: list[tuple[int, int, str | None]]) -> SealedPart:
    dictionary = GrowingDictionary()
    codes = np.array(dictionary.encode([text for *_, text in events]), np.int32)
    column = LooseText(FIELD, Prefix(dictionary, len(dictionary.exact)), codes)
    contacts, at = (np.array([event[i] for event in events]) for i in (0, 1))
    order = np.arange(len(events), dtype=np.int64)
    return SealedPart.of(LooseEvents(contacts.astype(np.uint32), at, order, {"campaign": column}), 0, NO_PRINTS)


def texts_of(part: SealedPart) -> list[str | None]:
    told = part.told("campaign", None)
    assert told is not None
    return [None if code < 0 else told.texts[code] for code in told.codes.tolist()]


def test_blocks_of_earlier_releases_lack_what_is_kept_by_contact() -> None:
    events = [(2, 30, "Spring"), (1, 20, "toys"), (2, 10, "toys"), (1, 40, None), (2, 30, "spring")]
    part = part_of(events)
    assert part.histories.at.tolist() == [20, 40, 10, 30, 30]
    assert texts_of(part) == ["toys", None, "toys", "spring", "spring"]
    arrays = part.arrays()
    earlier = {name: array for name, array in arrays.items() if not name.endswith("_by_contact")}
    assert set(arrays) - set(earlier) == {"at_by_contact", "0/codes_by_contact"}
    for opened in (SealedPart.opened(some, ["campaign"], {"campaign": FIELD}, 0) for some in (arrays, earlier)):
        assert opened.histories.at.tolist() == part.histories.at.tolist()
        assert texts_of(opened) == texts_of(part)
        few = opened.told("campaign", np.array([0, 4], np.uint32))
        assert few is not None
        assert [few.texts[code] if code >= 0 else None for code in few.codes] == ["toys", None]
