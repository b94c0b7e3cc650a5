"""Numbers by contact in any stretch of a part are those that counting its rows one by one gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.schema import Field, Type
from engine.counting import CAP
from engine.histories import by_contact
from engine.tables import tallies
from engine.tables.amounts import Amounts
from engine.tables.by_text import TextCounts
from engine.tables.dictionary import GrowingDictionary, Prefix
from engine.tables.loose import LooseText
from engine.tables.tallies import Tallies, TalliesToTheEnd
from engine.tables.text import SealedText

WIDTH = 12
NONE = -128
"""What stands for no value in a column of int8."""

rows = st.lists(st.tuples(st.integers(0, WIDTH - 1), st.integers(-127, 127) | st.just(NONE)), min_size=1, max_size=60)
ends = st.tuples(st.integers(0, 60), st.integers(0, 60))


@pytest.fixture(params=[0, 1, 3, 5], autouse=True)
def marks(request, monkeypatch) -> None:
    monkeypatch.setattr(tallies, "MARKS", request.param)
    monkeypatch.setattr(tallies, "BYTE_MARKS", request.param)
    monkeypatch.setattr(tallies, "CELLS_A_ROW", 1000)
    monkeypatch.setattr(tallies, "BYTES_A_ROW", 1000)


def stretch(ends: tuple[int, int], size: int) -> tuple[int, int]:
    low, high = sorted(min(end, size) for end in ends)
    return low, high


@settings(max_examples=60, deadline=None)
@given(rows, ends)
def test_events_are_counted(rows, ends):
    contacts = np.array([contact for contact, _ in rows], np.uint32)
    low, high = stretch(ends, len(rows))
    expected = np.bincount(contacts[low:high], minlength=WIDTH)
    found = np.zeros(WIDTH, np.uint16)
    Tallies(contacts, len(rows)).add(found, low, high)
    assert found.tolist() == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(rows, ends, st.integers(1, 200), st.integers(0, CAP))
def test_capped_counts_stay_at_the_cap(rows, ends, times, before):
    contacts = np.repeat(np.array([contact for contact, _ in rows], np.uint32), times)
    low, high = stretch(tuple(end * times for end in ends), len(contacts))
    expected = np.minimum(np.bincount(contacts[low:high], minlength=WIDTH) + before, CAP)
    found = np.full(WIDTH, before, np.uint8)
    Tallies(contacts, len(contacts)).add_capped(found, low, high)
    assert found.tolist() == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(0, 60), st.integers(1, 200), st.integers(0, CAP))
def test_counts_to_the_end_and_what_is_yet_to_be_added(rows, low, times, before):
    contacts = np.repeat(np.array([contact for contact, _ in rows], np.uint32), times)
    low = min(low, len(rows)) * times
    found = np.full(WIDTH, before, np.uint8)
    more = TalliesToTheEnd(contacts).add(found, low)
    added = found.astype(int)
    added[: len(more)] += more
    expected = np.bincount(contacts[low:], minlength=WIDTH) + before
    assert np.minimum(added, CAP).tolist() == np.minimum(expected, CAP).tolist()


@settings(max_examples=60, deadline=None)
@given(rows, ends, st.sampled_from([np.int8, np.int16, np.int32, np.int64]), st.booleans())
def test_amounts_are_summed_counted_and_compared(rows, ends, kind, greatest):
    contacts = np.array([contact for contact, _ in rows], np.uint32)
    values = np.array([np.iinfo(kind).min if value == NONE else value for _, value in rows], kind)
    amounts = Amounts(contacts, values, Tallies(contacts, len(rows)))
    low, high = stretch(ends, len(rows))
    held: dict[int, list[int]] = {}
    for contact, value in rows[low:high]:
        if value != NONE:
            held.setdefault(contact, []).append(value)

    sums, counts = np.zeros(WIDTH, np.int64), np.zeros(WIDTH, np.uint8)
    assert amounts.totals is not None
    amounts.totals.add(sums, low, high)
    amounts.held.add(counts, low, high)
    assert sums.tolist() == [sum(held.get(contact, ())) for contact in range(WIDTH)]
    assert counts.tolist() == [len(held.get(contact, ())) for contact in range(WIDTH)]
    assert amounts.bound >= max(map(abs, sums.tolist()))

    for wide in (amounts.type, np.int64):
        none = np.iinfo(wide).min
        extremes = np.full(WIDTH, none, wide)
        amounts.extremes(greatest).add(extremes, low, high)
        edge = max if greatest else min
        expected = {contact: edge(values) for contact, values in held.items()}
        assert extremes.tolist() == [
            (expected[contact] if greatest else -expected[contact]) if contact in expected else none
            for contact in range(WIDTH)
        ]


def test_sums_that_int64_may_not_hold_are_left_alone():
    contacts = np.zeros(4, np.uint32)
    amounts = Amounts(contacts, np.full(4, 1 << 61), Tallies(contacts, 4))
    assert amounts.totals is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "A", "b", "c", None])), min_size=1, max_size=60), ends
)
def test_texts_are_counted_once_however_they_are_written(rows, ends):
    contacts = np.array([contact for contact, _ in rows], np.uint32)
    dictionary = GrowingDictionary()
    codes = np.array(dictionary.encode([text for _, text in rows]), np.int32)
    column = SealedText.of(LooseText(Field("x", Type.TEXT), Prefix(dictionary, len(dictionary.exact)), codes))
    starts, ordered, _ = by_contact(contacts)
    low, _ = stretch(ends, len(rows))
    found = np.zeros(WIDTH, np.uint8)
    TextCounts(column, contacts, starts, ordered).add(found, low, len(rows))
    assert found.tolist() == [
        len({text.lower() for owner, text in rows[low:] if owner == contact and text is not None})
        for contact in range(WIDTH)
    ]
