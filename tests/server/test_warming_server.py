"""A server's own warming: it gets to the end, begins again after an import, and can be stopped at once."""

import io
import time
from datetime import UTC, datetime, timedelta

import pytest

from engine.directory import Tamis
from formats import Kind, infer, read
from server.meters import Meters
from server.warming import Warming


def load(workspace, rows, kind=Kind.CONTACTS):
    text = "\n".join(rows).encode()
    inferred = infer(io.BytesIO(text), kind, workspace.schema)
    batches = read(io.BytesIO(text), inferred, workspace.grown(inferred.patch))
    if kind is Kind.EVENTS:
        return workspace.bulk_events(batches, create_contacts=True, patch=inferred.patch)
    return workspace.bulk_contacts(batches, companies=False, patch=inferred.patch)


def contacts(count):
    return ["id,points", *(f"c{i},{i}" for i in range(count))]


def events(count):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = (start + timedelta(days=i) for i in range(count))
    return ["contact,type,at,amount", *(f"c{i},buy,{day.isoformat()},{i}" for i, day in enumerate(days))]


@pytest.fixture
def tamis(tmp_path):
    tamis = Tamis.open(tmp_path / "data")
    load(tamis.workspace("default"), contacts(10))
    yield tamis
    tamis.close()


@pytest.fixture
def meters(tamis):
    return Meters(tamis)


@pytest.fixture
def warming(tamis, meters):
    warming = Warming(tamis, 1 << 30, meters)
    yield warming
    warming.close()


def gauge(meters, name, workspace="default"):
    return meters.registry.get_sample_value(name, {"workspace": workspace})


def becomes(wanted, what):
    deadline = time.monotonic() + 20
    while what() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert what() == wanted


def warmings(monkeypatch, workspace):
    """The expressions of every warming of a workspace, a list for each."""
    told = []
    genuine = workspace.warm

    def warm(most_bytes):
        told.append([])
        for text in genuine(most_bytes):
            told[-1].append(text)
            yield text

    monkeypatch.setattr(workspace, "warm", warm)
    return told


def test_every_workspace_with_data_is_warmed_once(tamis, warming, meters, monkeypatch):
    other = tamis.create("other")
    load(other, contacts(5))
    tamis.create("empty")
    told = {name: warmings(monkeypatch, tamis.workspace(name)) for name in tamis.workspaces()}
    warming.start()
    becomes((1.0, 1.0), lambda: (gauge(meters, "tamis_warm"), gauge(meters, "tamis_warm", "other")))
    time.sleep(1.5)
    assert {name: len(times) for name, times in told.items()} == {"default": 1, "empty": 0, "other": 1}
    assert gauge(meters, "tamis_warming_seconds_total") > 0
    assert gauge(meters, "tamis_warming_bytes") >= 0
    assert gauge(meters, "tamis_warm", "empty") is None


def test_after_an_import_it_is_done_again(tamis, warming, meters, monkeypatch):
    told = warmings(monkeypatch, tamis.workspace("default"))
    warming.start()
    becomes(1.0, lambda: gauge(meters, "tamis_warm"))
    load(tamis.workspace("default"), events(30), Kind.EVENTS)
    becomes(2, lambda: len(told))
    becomes(1.0, lambda: gauge(meters, "tamis_warm"))
    assert not any("buy" in text for text in told[0])
    assert any("sum(amount of buy" in text for text in told[1])


def test_few_writes_are_no_reason_to_begin_again(tamis, warming, meters, monkeypatch):
    told = warmings(monkeypatch, tamis.workspace("default"))
    warming.start()
    becomes(1.0, lambda: gauge(meters, "tamis_warm"))
    tamis.workspace("default").upsert_contacts([{"id": "c1", "points": 7}]).result()
    time.sleep(1.5)
    assert len(told) == 1


def test_closing_ends_it_early(tamis, meters, monkeypatch):
    taken = []

    def endless(most_bytes):
        while True:
            taken.append(most_bytes)
            yield "everyone"

    monkeypatch.setattr(tamis.workspace("default"), "warm", endless)
    warming = Warming(tamis, 5, meters)
    warming.start()
    becomes(True, lambda: len(taken) > 3)
    warming.close()
    assert not warming._thread.is_alive()
    assert gauge(meters, "tamis_warm") == 0.0


def test_without_memory_nothing_is_made(tamis, meters):
    warming = Warming(tamis, 0, meters)
    warming.start()
    warming.close()
    assert gauge(meters, "tamis_warm") is None
