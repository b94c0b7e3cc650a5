"""Texts made to be slow to read take no longer than their length accounts for."""

import pytest

from bench.language import HOSTILE, LARGEST, SIZE, TYPICAL, nodes, time_of, uncached
from dsl.parse import LIMITS

GENEROUS = 0.5
"""Seconds of processor time: ten times what is aimed at, and far less than anything quadratic would take."""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_or_refused_in_time(name):
    uncached("a = 1")  # builds the parser
    assert len(HOSTILE[name].encode("utf-8", "replace")) >= SIZE - 1
    assert time_of(HOSTILE[name]) < GENEROUS


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_legal_texts_are_legal_and_read_in_time(name):
    text = LARGEST[name]
    assert uncached(text).problems == ()
    assert nodes(text) > LIMITS.nodes * 0.99 or len(text) > LIMITS.length * 0.9 or name == "escapes"
    assert time_of(text) < GENEROUS


@pytest.mark.parametrize("text", TYPICAL)
def test_typical_texts_are_read_without_a_problem(text):
    assert uncached(text).problems == ()
