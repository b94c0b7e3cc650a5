"""A few seconds of what `make fuzz` does for an hour, and everything it ever found."""

import json
from pathlib import Path
from random import Random, randrange

import pytest

from dsl.parse import LIMITS
from tests.cli.running_tamis import start_server
from tests.fuzz import by_grammar, over_http
from tests.fuzz.arena import Arena, Finds

SECONDS = 4
FINDS = [json.loads(line) for line in Path(__file__).with_name("finds.txt").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    arena = Arena(tmp_path_factory.mktemp("arena"))
    yield arena
    arena.close()


@pytest.mark.parametrize("text", FINDS)
def test_what_was_found_once_survives(arena, text):
    arena.survive(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 40 + "points > 1" + ")" * 40,
        "points > 1 or " * 500 + "vip",
        "é" * LIMITS.length,
        "(" * 60 + ", " * 30_000,
        "at least 2 of (" * 30 + "a b , " * 9_000,
    ],
)
def test_large_texts_survive(arena, text):
    arena.survive(text)


def test_texts_from_the_grammar_survive(arena):
    seed = randrange(1 << 32)
    print(f"seed {seed}")
    finds = Finds()
    tally = by_grammar.fuzz(arena, Random(seed), SECONDS, finds)
    assert finds.texts == {}
    assert tally["sound"] > 10, "too few texts mean anything: what is evaluated is hardly tried"
    assert tally["refused"] > 10, "too few texts are refused: the problems are hardly tried"


def test_no_request_gives_a_500(tmp_path):
    seed = randrange(1 << 32)
    print(f"seed {seed}")
    writer = over_http.furnish(tmp_path / "data")
    process, url = start_server(tmp_path / "data")
    try:
        tally = over_http.fuzz(url, Random(seed), writer, SECONDS)
    finally:
        process.terminate()
        process.wait(30)
    assert tally[200] > 10
    assert tally[422] > 10
