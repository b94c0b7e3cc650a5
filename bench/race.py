"""The race: every query of the workloads, asked of Tamis and of its peers with constants of its own each time.

Answers come first: all must count the same over several constants before any is timed. Then each is asked for a while,
Tamis and the peers one after the other for each query, so that a machine that changes its speed changes all of theirs.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from math import exp, log
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.constants import Data
from bench.generate import Files, Size
from bench.machine import facts
from bench.peers import Absent, Open, Peer
from bench.peers.click import ClickHouse
from bench.peers.duck import DuckDB
from bench.peers.floor import Floor
from bench.peers.postgres import Postgres
from bench.peers.tamis import InProcess
from bench.timing import Times, timed
from bench.workload import Ask, Dialect, Query

Result = dict[str, Any]

PEERS: Mapping[str, Open] = {
    "duckdb": DuckDB.open,
    "chdb": ClickHouse.open,
    "postgres": Postgres.open,
    "floor": Floor.open,
}
"""By the name that `--peers` takes."""
COMPARED = 5
"""Constants over which answers are compared; they warm up, too."""
LEAST = 5
"""Times of each query, however long they take."""
MOST = 20_000


class Disagreement(Exception):
    """Tamis and a peer count differently: no time counts then."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is raced over, and for how long: `seconds` for each query and each contender."""

    size: Size
    files: Files
    queries: Sequence[Query]
    seconds: float
    work: Path | None = None


def race(course: Course, names: Sequence[str], told: Callable[[Result], None]) -> Result:
    """`told` hears of every query as soon as it is measured. Raises Disagreement."""
    with folder(course) as work, ExitStack() as closing:
        contenders, absent, loading = opened(course.files, work, names, closing)
        gc.collect()
        gc.freeze()
        closing.callback(gc.unfreeze)
        data, measured = Data(course.files), []
        for query in course.queries:
            measured.append(run(query, contenders, data, course.seconds))
            told(measured[-1])
    return {
        "size": course.size.name,
        "seconds": course.seconds,
        "machine": facts(),
        "contenders": {name: {"version": peer.version, **loading[name]} for name, peer in contenders.items()},
        "absent": absent,
        "queries": measured,
        "summary": {name: summary(measured, name) for name in contenders if name != "tamis"},
    }


@contextmanager
def folder(course: Course) -> Iterator[Path]:
    """Where the contenders keep their data: for the next run if there is a place for that, else for this one."""
    if course.work is not None:
        kept = course.work / course.files.folder.name
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="tamis-race-") as temporary:
            yield Path(temporary)


def opened(
    files: Files, work: Path, names: Sequence[str], closing: ExitStack
) -> tuple[dict[str, Peer], dict[str, str], dict[str, dict[str, float]]]:
    """(contenders by name with Tamis first, why others are absent, how long each took to be ready).

    `closing` will close them.
    """
    contenders: dict[str, Peer] = {}
    absent: dict[str, str] = {}
    loading: dict[str, dict[str, float]] = {}
    every: dict[str, Open] = {"tamis": InProcess.open} | {name: PEERS[name] for name in names}
    for name, open_peer in every.items():
        try:
            seconds, contenders[name] = timed(partial(open_peer, files, work))
            closing.callback(contenders[name].close)
            loading[name] = {"ready_seconds": seconds}
        except Absent as reason:
            absent[name] = str(reason)
    return contenders, absent, loading


def run(query: Query, contenders: Mapping[str, Peer], data: Data, seconds: float) -> Result:
    """One query: its answers compared, then its times. Raises Disagreement."""
    able = {name: peer for name, peer in contenders.items() if peer.knows(query)}
    first = list(islice(query.asks(data), COMPARED))
    counts = [agreed(ask, able) for ask in first]
    times = {name: repeated(peer, islice(query.asks(data), COMPARED, None), seconds) for name, peer in able.items()}
    ours = times["tamis"].p50
    return {
        "family": query.family,
        "name": query.name,
        "expression": first[0].expression,
        "counts": counts,
        "times": {name: asdict(each) for name, each in times.items()},
        "ratios": {name: each.p50 / ours for name, each in times.items() if name != "tamis"},
    }


def agreed(ask: Ask, contenders: Mapping[str, Peer]) -> int:
    """The one count that all give. Raises Disagreement, with what was asked and what each answered."""
    counts = {name: peer.count(ask) for name, peer in contenders.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} counts {count:,}" for name, count in counts.items())
        raise Disagreement(
            f"{ask.query.family}, {ask.query.name}: {said}\n  {ask.expression}\n  {ask.sql(Dialect.DUCKDB)}"
        )
    return counts["tamis"]


def repeated(peer: Peer, asks: Iterator[Ask], seconds: float) -> Times:
    """Times of one ask after the other until `seconds` are over."""
    taken: list[float] = []
    stop_at = perf_counter() + seconds
    for ask in islice(asks, MOST):
        if len(taken) >= LEAST and perf_counter() >= stop_at:
            break
        taken.append(timed(partial(peer.count, ask))[0])
    return Times.of(taken)


def summary(measured: Sequence[Result], name: str) -> Result:
    """How many times faster Tamis is than a peer, by the median of each query: the least, and the geometric mean."""
    ratios = {f"{each['family']}, {each['name']}": each["ratios"][name] for each in measured if name in each["ratios"]}
    if not ratios:
        return {"queries": 0}
    least = min(ratios, key=lambda which: ratios[which])
    mean = geometric_mean(list(ratios.values()))
    return {"queries": len(ratios), "smallest": ratios[least], "smallest_at": least, "geometric_mean": mean}


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive ones, at least one."""
    return exp(sum(map(log, values)) / len(values))
