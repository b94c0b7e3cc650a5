"""The generated data: the same every time, ordered, and shaped as its description says."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from bench.generate import NOW, SCHEMA, SHARES, Files, Size, generate


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return generate(Size.T, tmp_path_factory.mktemp("bench"))


def test_the_same_seed_gives_the_same_bytes(files: Files, tmp_path: Path) -> None:
    again = generate(Size.T, tmp_path)
    for path in sorted(files.folder.iterdir()):
        assert path.read_bytes() == (again.folder / path.name).read_bytes(), path.name


def test_another_seed_gives_other_data(files: Files, tmp_path: Path) -> None:
    assert files.contacts.read_bytes() != generate(Size.T, tmp_path, seed=2).contacts.read_bytes()


def test_the_columns_are_those_of_the_schema(files: Files) -> None:
    assert pa.parquet.read_schema(files.contacts).names == ["id", *SCHEMA["contacts"], "company"]
    assert pa.parquet.read_schema(files.companies).names == ["id", *SCHEMA["companies"]]
    for type in SHARES:
        assert pa.parquet.read_schema(files.events(type)).names == ["contact", "at", *SCHEMA["events"][type]]


def test_events_are_of_known_contacts_in_order_of_time_and_before_now(files: Files) -> None:
    known = pa.parquet.read_table(files.contacts)["id"]
    for type, share in SHARES.items():
        events = pa.parquet.read_table(files.events(type))
        at = events["at"].cast(pa.int64()).to_numpy()
        assert len(events) == int(Size.T.events * share)
        assert pc.all(pc.is_in(events["contact"], known)).as_py()
        assert (at[1:] >= at[:-1]).all()
        assert at[-1] < NOW.timestamp() * 1000


def test_france_leads_and_some_values_are_missing(files: Files) -> None:
    contacts = pa.parquet.read_table(files.contacts)
    counts = {row["values"]: row["counts"] for row in pc.value_counts(contacts["country"]).to_pylist()}
    assert max(counts, key=lambda name: counts[name]) == "FR"
    assert all(0 < contacts[name].null_count < len(contacts) for name in ("country", "email", "age", "points"))


def test_contacts_have_companies_of_all_sizes(files: Files) -> None:
    companies, links = pa.parquet.read_table(files.companies), pa.parquet.read_table(files.contacts)["company"]
    assert len(companies) == Size.T.companies == pc.count_distinct(companies["id"]).as_py()
    assert pc.all(pc.is_in(links.drop_null(), companies["id"])).as_py()
    assert 0.55 < 1 - links.null_count / len(links) < 0.65
    contacts = sorted(row["counts"] for row in pc.value_counts(links.drop_null()).to_pylist())
    assert contacts[-1] > 5 * contacts[len(contacts) // 2]


def test_opens_come_after_their_sends(files: Files) -> None:
    sent, opened = (pa.parquet.read_table(files.events(type)).to_pylist() for type in ("send", "open"))
    first = {(each["contact"], each["campaign"]): each["at"] for each in reversed(sent)}
    assert all(first[each["contact"], each["campaign"]] < each["at"] for each in opened)


def test_slices_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What large sizes are written in; the parts are as many as all in one, and still ordered by time."""
    monkeypatch.setattr("bench.generate.EVENTS_A_SLICE", 9_000)
    monkeypatch.setattr("bench.generate.ROWS_A_CHUNK", 700)
    files = generate(Size.T, tmp_path)
    test_events_are_of_known_contacts_in_order_of_time_and_before_now(files)
    test_opens_come_after_their_sends(files)
    assert pc.count_distinct(pa.parquet.read_table(files.contacts)["id"]).as_py() == Size.T.contacts
