"""A short run of the crash cycles; `python -m tests.crash.cycles` is the long one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.batches import SIZE
from tests.crash.cycles import Broken, Cycles, Promises

CYCLES = 8
SLOWEST_START = 2.0


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    tally = Cycles(tmp_path / "data", random.Random(seed)).run(CYCLES)
    print(tally)
    assert tally.kills == CYCLES
    assert tally.batches > CYCLES
    assert max(tally.seconds) < SLOWEST_START


def report(rows: dict[str, int], seq: int = 9) -> dict[str, object]:
    return {"rows": rows, "seq": seq, "seconds": 0.0}


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ({"0-0": SIZE, "0-1": SIZE - 1}, "half there"),
        ({"0-0": SIZE}, "writer 0: 0 there, 1 acknowledged, 2 sent"),
        ({"0-0": SIZE, "0-2": SIZE}, "not a prefix"),
        ({f"0-{n}": SIZE for n in range(5)}, "writer 0: 4 there"),
        ({"0-0": SIZE, "0-1": SIZE, "1-0": SIZE}, "writer 1: 0 there"),
    ],
)
def test_a_broken_promise_is_noticed(rows: dict[str, int], what: str) -> None:
    promises = Promises()
    for line in ("sent 0 0", "ack 0 0 1", "sent 0 1", "ack 0 1 2", "sent 0 2"):
        promises.hear(line)
    promises.check(report({"0-0": SIZE, "0-1": SIZE, "0-2": SIZE}))
    promises.acked[0], promises.sent[0] = 1, 2
    with pytest.raises(Broken, match=what):
        promises.check(report(rows))
