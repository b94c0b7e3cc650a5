"""The workloads: every query is asked with constants that vary, and counts what its SQL counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import monotonic

import pytest

from bench.constants import KINDS, Data, Ours, Sql, kind
from bench.course import COMPARED, FIRST, Course, first_asked, timed_asked
from bench.generate import Files, Size, generate
from bench.modes.inprocess import Disagreement, compare, is_slow
from bench.peers import Failed, Peer, TooLong
from bench.peers.apart import Count, Counted, answered
from bench.peers.duck import DuckDB
from bench.peers.floor import BY_HAND
from bench.peers.tamis import InProcess
from bench.workload import Ask, Query, families, placeholders, queries

CONSTANTS = 3
FAMILIES = """
attributes negation ranges dates tags text windows frequency zero aggregates distinct first_last regularity sequences
correlation company nested k_of_n cuts
"""

each_query = pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.family}: {query.name}")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return generate(Size.T, tmp_path_factory.mktemp("race"))


@pytest.fixture(scope="module")
def data(files: Files) -> Data:
    return Data(files)


@pytest.fixture(scope="module")
def course(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(Size.T, files, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def contenders(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Peer]]:
    folder = tmp_path_factory.mktemp("contenders")
    peers: dict[str, Peer] = {"tamis": InProcess.open(files, folder), "duckdb": DuckDB.open(files, folder)}
    yield peers
    for peer in peers.values():
        peer.close()


class Here:
    """A peer that is asked in this process."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def knows(self, query: Query) -> bool:
        return self.peer.knows(query)

    def count(self, ask: Ask) -> Counted:
        counted = answered(self.peer, Count(ask))
        assert isinstance(counted, Counted)
        return counted

    def times(self, asks: Sequence[Ask], seconds: float) -> list[float]:
        return [self.count(ask).seconds for ask in asks]


def test_there_are_enough_queries_and_every_family() -> None:
    assert len(queries()) >= 40
    assert sorted(families()) == sorted(FAMILIES.split())
    assert len({(query.family, query.name) for query in queries()}) == len(queries())


def test_every_family_has_several_queries() -> None:
    assert all(sum(query.family == family for query in queries()) >= 2 for family in families())
    assert {(query.family, query.name) for query in queries()} >= BY_HAND.keys()


@each_query
def test_counts_are_those_of_duckdb(query: Query, data: Data, contenders: dict[str, Peer], course: Course) -> None:
    for ask in islice(query.asks(data), CONSTANTS):
        compare("duckdb", Here(contenders["duckdb"]), [ask], [contenders["tamis"].count(ask)], course)


@each_query
def test_constants_vary_and_are_the_same_for_the_same_seed(query: Query, data: Data) -> None:
    asked = [ask.expression for ask in islice(query.asks(data), 20)]
    assert len(set(asked)) > 5
    assert asked == [ask.expression for ask in islice(query.asks(data), 20)]
    assert asked != [ask.expression for ask in islice(query.asks(data, seed=2), 20)]


@each_query
def test_the_sql_of_every_dialect_has_no_placeholder_of_its_own(query: Query) -> None:
    known = placeholders(query.expression)
    assert {kind(name) for name in known} <= KINDS.keys()
    for template in (query.sql, *query.dialects.values()):
        assert placeholders(template) <= known | {"now"}


def test_other_peers_agree_and_those_that_are_not_here_are_named(files: Files, tmp_path: Path) -> None:
    """In the families where a dialect differs, and in a process of its own, of which ClickHouse takes hold."""
    target, asked = tmp_path / "run.json", {"chdb", "postgres", "floor"}
    places = ["--files", str(files.folder.parent), "--json", str(target)]
    chosen = [query for query in queries() if query.dialects or query.family == "attributes"]
    some = [part for family in {query.family for query in chosen} for part in ("--family", family)]
    options = ["--size", "T", "--modes", "inprocess", "--peers", ",".join(asked), "--seconds", "0", *some]
    command = [sys.executable, "-m", "bench", "run", *options, *places]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(target.read_text())["inprocess"]
    assert result["absent"].keys() | result["versions"].keys() == asked | {"tamis"}
    for name, reason in result["absent"].items():
        assert f"{name} is absent: {reason}" in told.stdout
    for query in result["queries"]:
        able = {name for name in asked & result["versions"].keys() if name != "floor" or known_by_hand(query)}
        assert query["times"].keys() == able | {"tamis"}
        assert query["untimed"] == {}


def known_by_hand(query: dict[str, str]) -> bool:
    return (query["family"], query["name"]) in BY_HAND


def test_a_disagreement_tells_the_query_the_constants_and_both_counts(
    data: Data, contenders: dict[str, Peer], course: Course
) -> None:
    wrong = Query("made up", "wrong", "points > {points}", "select count(*) from contacts where points < {points}", {})
    ask = next(wrong.asks(data))
    with pytest.raises(Disagreement) as raised:
        compare("duckdb", Here(contenders["duckdb"]), [ask], [contenders["tamis"].count(ask)], course)
    assert f"points > {ask.constants['points']}" in str(raised.value)
    assert f"tamis counts {contenders['tamis'].count(ask):,}" in str(raised.value)
    assert f"duckdb counts {contenders['duckdb'].count(ask):,}" in str(raised.value)


def test_constants_of_one_kind_differ_and_ascend(data: Data) -> None:
    asks = Query("made up", "pairs", "{age_2} {age} {country} {country_2}", "", {}).asks(data)
    for ask in islice(asks, 50):
        assert ask.constants["age"] < ask.constants["age_2"]
        assert ask.constants["country"] != ask.constants["country_2"]


def test_frequent_values_are_drawn_often(data: Data) -> None:
    asks = Query("made up", "one", "{country}", "", {}).asks(data)
    drawn = [ask.constants["country"] for ask in islice(asks, 300)]
    assert drawn.count("FR") > drawn.count("PT")
    assert len(set(drawn)) > 15


def test_constants_are_written_as_each_language_does() -> None:
    quoted, elided = Ours('a"b'), Sql("it's")
    assert f"{quoted}" == r'"a\"b"'
    assert f"{elided} like '%{elided:bare}%'" == "'it''s' like '%it''s%'"
    assert f"{Sql(1):ago}" == "1795219200000"  # 2026-11-21T00:00Z
    assert f"{Sql(2):day} {Sql(1):days} {Sql(2):hours}" == "date '2026-11-20' 86400000 7200000"


class Slow:
    """Counts right, and says that it took its time; notes how often it is asked."""

    def __init__(self, counts: list[int], seconds: float) -> None:
        self.counts, self.seconds, self.asked = counts, seconds, 0

    def knows(self, query: Query) -> bool:
        return True

    def count(self, ask: Ask) -> Counted:
        self.asked += 1
        return Counted(self.counts[self.asked - 1], self.seconds)

    def times(self, asks: Sequence[Ask], seconds: float) -> list[float]:
        raise AssertionError("nobody asks for times here")


@pytest.mark.parametrize(("seconds", "asked"), [(0.06, 3), (0.03, 4), (0.01, 5)])
def test_a_slow_peer_is_asked_no_more_than_it_takes_to_know_but_thrice(
    data: Data, course: Course, seconds: float, asked: int
) -> None:
    asks, brief = list(islice(queries()[0].asks(data), 5)), replace(course, most_seconds=0.5)
    slow = Slow([1, 2, 3, 4, 5], seconds)
    taken = compare("slow", slow, asks, [1, 2, 3, 4, 5], brief)
    assert len(taken) == slow.asked == asked
    assert is_slow(taken, brief) == (asked < 5)


def test_what_takes_longer_than_it_may_is_ended(files: Files, contenders: dict[str, Peer], tmp_path: Path) -> None:
    """Of DuckDB, which has no limit of its own, and asks again afterwards as if nothing had been."""
    endless = "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 1"
    ask = Ask(Query("made up", "endless", "points > 1", endless, {}), {})
    other = DuckDB.open(files, tmp_path)
    other.limit(0.3)
    started = monotonic()
    with pytest.raises(TooLong):
        other.count(ask)
    assert 0.3 <= monotonic() - started < 10
    plain = Ask(Query("made up", "plain", "points > 1", "select count(*) from contacts", {}), {})
    assert other.count(plain) == Size.T.contacts
    with pytest.raises(Failed, match="nothing_here"):
        other.count(Ask(Query("made up", "wrong", "points > 1", "select count(*) from nothing_here", {}), {}))
    other.close()


def test_what_is_compared_asked_first_and_timed_are_different_constants(files):
    data = Data(files)
    for query in queries():
        compared = [ask.constants for ask in islice(query.asks(data), COMPARED)]
        first = [ask.constants for ask in first_asked(query, data)]
        timed = [ask.constants for ask in islice(timed_asked(query, data), 10)]
        assert [ask.constants for ask in islice(query.asks(data), COMPARED + FIRST + 10)] == compared + first + timed
        assert len(first) == FIRST
