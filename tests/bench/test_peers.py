"""Peers are in processes of their own: what one breaks is told, and all else goes on; what they load is kept."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Timer

import pytest

from bench.constants import Data
from bench.generate import Files, Size, generate
from bench.peers import Absent, Crashed, Failed, TooLong, apart, start_of
from bench.peers.apart import Apart
from bench.peers.kept import kept
from bench.peers.postgres import reachable
from bench.workload import Ask, Query

ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 1"
MOST_SECONDS = 20.0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return generate(Size.T, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def duck(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    peer = Apart("duckdb", files, tmp_path_factory.mktemp("kept"), MOST_SECONDS)
    yield peer
    peer.close()


def ask(sql: str) -> Ask:
    return Ask(Query("made up", "any", "points > 1", sql, {}), {})


EVERYONE = ask("select count(*) from contacts")


def test_a_peer_counts_and_takes_its_times_in_its_own_process(duck: Apart) -> None:
    assert duck.pid != os.getpid()
    counted = duck.count(EVERYONE)
    assert counted.count == Size.T.contacts
    assert 0 < counted.seconds < MOST_SECONDS
    times = duck.times([EVERYONE] * 5, 60)
    assert len(times) == 5
    assert all(0 < each < MOST_SECONDS for each in times)


def test_what_a_peer_says_of_a_question_is_told(duck: Apart) -> None:
    before = duck.pid
    with pytest.raises(Failed, match="nothing_here"):
        duck.count(ask("select count(*) from nothing_here"))
    assert duck.pid == before
    assert duck.count(EVERYONE).count == Size.T.contacts


def test_a_peer_that_crashes_is_told_and_begun_again(duck: Apart) -> None:
    before = duck.pid
    Timer(0.3, os.kill, [before, signal.SIGSEGV]).start()
    with pytest.raises(Crashed, match=r"crashed \(SIGSEGV\)"):
        duck.count(ask(ENDLESS))
    assert duck.count(EVERYONE).count == Size.T.contacts
    assert duck.pid != before


def test_a_peer_that_does_not_end_its_work_is_ended(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, it cannot even hear of its limit."""
    monkeypatch.setattr(apart, "GRACE", 0.2)
    duck = Apart("duckdb", files, tmp_path, 0.2)
    os.kill(duck.pid, signal.SIGSTOP)
    with pytest.raises(TooLong):
        duck.count(EVERYONE)
    monkeypatch.setattr(apart, "GRACE", 60.0)
    assert duck.count(EVERYONE).count == Size.T.contacts
    duck.close()


def test_a_peer_that_crashes_while_it_loads_is_absent(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="ended with exit code 1 while it was made ready"):
        Apart("duckdb", Files(tmp_path / "nowhere"), tmp_path, MOST_SECONDS)


def test_the_floor_knows_what_it_has_a_program_for(files: Files, tmp_path: Path) -> None:
    floor, data = Apart("floor", files, tmp_path, MOST_SECONDS), Data(files)
    query = Query("attributes", "one attribute", "country = {country}", "", {})
    assert floor.knows(query)
    assert not floor.knows(Query("made up", "none", "country = {country}", "", {}))
    assert len(floor.times(list(islice(query.asks(data), 7)), 60)) == 7
    floor.close()


def test_what_is_loaded_is_found_again_until_it_would_be_made_otherwise(tmp_path: Path) -> None:
    loaded: list[Path] = []

    def load(place: Path) -> None:
        loaded.append(place)
        (place / "rows").write_text("1")

    first = kept(tmp_path, "peer", ["create table a", "create table b"], load)
    assert (first.place / "rows").read_text() == "1"
    assert kept(tmp_path, "peer", ["create table a", "create table b"], load) == first
    assert len(loaded) == 1
    other = kept(tmp_path, "peer", ["create table a", "create table c"], load)
    assert other.place != first.place
    assert len(loaded) == 2


def test_what_was_not_loaded_whole_is_loaded_again(tmp_path: Path) -> None:
    def half(place: Path) -> None:
        (place / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, "peer", ["a"], half)
    found = kept(tmp_path, "peer", ["a"], lambda place: (place / "whole").touch())
    assert {path.name for path in found.place.iterdir()} == {"whole", "loading-seconds"}


@pytest.mark.skipif(os.geteuid() != 0, reason="anyone but root runs PostgreSQL as themselves")
def test_a_place_that_the_user_of_postgresql_cannot_get_to_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Absent, match=r"chmod o\+x"):
        reachable(closed)


def test_a_peer_whose_library_is_missing_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "bench.peers.duck", raising=False)
    with pytest.raises(Absent, match=r"duckdb is not installed: pip install 'tamis\[bench\]'"):
        start_of("duckdb")
