"""The engine gives what the oracle gives, whatever the data, the expression, the layout and the way of asking."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.folders import brief_folder
from tests.properties.limits import SMALL, exists
from tests.properties.prove import Trial, in_processes, prove, world
from tests.properties.worlds import SCHEMA, ZONES, Shape

PAIRS, PARTS = 1_250, 4


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_oracle_agree_on_thousands_of_pairs(part: int) -> None:
    """In parts, which several processes can share."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    tally = prove(PAIRS, seed)
    print(tally)
    assert tally.pairs >= PAIRS
    assert tally.selective > PAIRS // 10, "most expressions select nobody or everyone"
    assert sum(tally.refused.values()) < PAIRS // 20, f"too many random expressions are refused: {tally.refused}"


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from(ZONES))
def test_they_agree_on_small_worlds_that_shrink(source: random.Random, zone: str) -> None:
    with brief_folder() as folder:
        schema = {"timezone": zone, **SCHEMA}
        Trial(source, Path(folder) / "data", schema, source.choice(list(Shape)), population=3).run(most=6)


def test_processes_ask_what_one_asks() -> None:
    alone = world(3, 1)
    together = in_processes(1, seed=3, first=1, jobs=1)
    assert together.pairs >= alone.pairs > 0
    assert together.worlds > 1 or together == alone, "world 1 of seed 3 is always the same"


def test_every_limit_that_is_drawn_small_is_one_of_the_engine() -> None:
    assert [name for name in SMALL if not exists(name)] == [], "moved or gone: change tests/properties/limits.py"
