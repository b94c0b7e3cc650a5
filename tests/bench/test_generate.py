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
    assert pa.parquet.read_schema(files.contacts).names == ["id", *SCHEMA["contacts"]]
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
