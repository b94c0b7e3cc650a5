"""Texts found by their hashes, against Python's dictionaries and hashlib."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tables.hashing import TextTable, digests, distinct, quick_hashes

texts = st.lists(st.text(max_size=4) | st.sampled_from(["", "a", "b", "é" * 70, "x" * 127, "x" * 128, "x" * 129]))
quick = settings(max_examples=100, deadline=None)


def arrow(values):
    """The texts as a slice of a longer array, as batches are."""
    return pa.array(["before", *values, "after"], pa.string())[1:-1]


@quick
@given(texts, st.sampled_from([8, 16]))
def test_digests_are_those_of_the_standard_library(values, size):
    first, second = digests(arrow(values), size)
    expected = [blake2b(value.encode(), digest_size=size).digest() for value in values]
    assert [int(word) for word in first] == [int.from_bytes(digest[:8], "little") for digest in expected]
    if size == 16:
        assert [int(word) for word in second] == [int.from_bytes(digest[8:], "little") for digest in expected]


@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 255, 256, 257, 1000])
def test_digests_of_any_length(length):
    [first], _ = digests(pa.array(["y" * length]), 8)
    assert int(first) == int.from_bytes(blake2b(b"y" * length, digest_size=8).digest(), "little")


@quick
@given(texts)
def test_different_texts_are_numbered_as_they_appear(values):
    firsts, numbers = distinct(arrow(values))
    order = list(dict.fromkeys(values))
    assert [values[place] for place in firsts] == order
    assert firsts.tolist() == [values.index(text) for text in order]
    assert [order[number] for number in numbers] == values


@quick
@given(st.lists(st.text(max_size=3), unique=True), texts, st.integers(1, 8), st.data())
def test_rows_are_found_even_where_few_hashes_are_shared_by_many(held, asked, kinds, data):
    def hashes(values):
        return quick_hashes(arrow(values)) % np.uint64(kinds)

    kept = np.array([data.draw(st.booleans()) for _ in held], np.bool_)
    table = TextTable(arrow(held), hashes(held), kept)
    expected = {text: row for row, text in enumerate(held) if kept[row]}
    assert table.find(arrow(asked), hashes(asked)).tolist() == [expected.get(text, -1) for text in asked]


@quick
@given(st.lists(st.text(max_size=3), unique=True, min_size=1), st.data())
def test_a_table_that_grew_finds_what_it_held_and_what_came(held, data):
    size = data.draw(st.integers(0, len(held)))
    before = TextTable(arrow(held[:size]), quick_hashes(arrow(held[:size])))
    hashes = quick_hashes(arrow(held))
    after = before.followed(arrow(held), hashes, np.ones(len(held), np.bool_))
    assert after.find(arrow(held), hashes).tolist() == list(range(len(held)))
    assert before.find(arrow(held), hashes).tolist() == [row if row < size else -1 for row in range(len(held))]
    gone = data.draw(st.integers(0, len(held) - 1))
    fewer = np.where(np.arange(len(held)) == gone, np.uint64(0), hashes)
    left = before.followed(arrow(held), fewer, fewer != 0)
    assert left.find(arrow(held), hashes).tolist() == [row if row != gone else -1 for row in range(len(held))]
