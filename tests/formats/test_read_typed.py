"""NDJSON and Parquet read into batches."""

import io
import json
from datetime import date, datetime
from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from dsl.problems import DataError
from dsl.schema import Field, Schema, Type
from formats import Format, Kind, OnError, ReadOptions, from_ndjson, infer, read

PARIS = Schema("Europe/Paris")


def ndjson(*rows):
    return io.BytesIO("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode())


def load(file, kind=Kind.CONTACTS, schema=PARIS, **options):
    inferred = infer(file, kind, schema, ReadOptions(**options))
    assert not inferred.problems
    rejects = []
    return inferred, list(read(file, inferred, schema, on_error=OnError.SKIP, rejects=rejects.append)), rejects


def as_parquet(table, **options):
    file = io.BytesIO()
    parquet.write_table(table, file, **options)
    return file


def test_types_of_json_values():
    inferred, (batch,), rejects = load(
        ndjson(
            {"id": "a", "age": 3, "paid": 19.99, "vip": True, "tags": ["x", "x", "y"], "on": "2026-01-02", "zip": "01"},
            {"id": 12, "age": None, "paid": 5, "at": "2026-01-02T10:00:00+02:00", "tags": [], "company": "acme"},
        )
    )
    assert not rejects
    assert inferred.format is Format.NDJSON
    assert inferred.patch == {
        "contacts": {
            "age": {"type": "number", "decimals": 0},
            "paid": {"type": "number", "decimals": 2},
            "vip": {"type": "boolean"},
            "tags": {"type": "tags"},
            "on": {"type": "date"},
            "zip": {"type": "text"},
            "at": {"type": "datetime"},
        }
    }
    assert batch.keys.to_pylist() == ["a", "12"]
    assert batch.company.to_pylist() == [None, "acme"]
    assert {name: array.to_pylist() for name, array in batch.columns.items()} == {
        "age": [3, None],
        "paid": [1999, 500],
        "vip": [True, None],
        "tags": [["x", "y"], None],
        "on": [(date(2026, 1, 2) - date(1970, 1, 1)).days, None],
        "zip": ["01", None],
        "at": [None, 1767340800000],
    }


def test_bad_lines_and_wrong_types_keep_their_line(monkeypatch):
    rows = (
        {"id": "a", "age": 1, "name": "x"},
        "",
        '{"id": "b", "age": ',
        "[1]",
        {"id": "c", "age": "12", "name": "x"},
        {"id": "d", "name": 5},
        {"id": "e", "age": 1.5},
        {"age": 4},
        {"id": "f", "age": 10**30},
        {"id": "g", "other": 1},
        {"id": "h", "age": 9, "name": ""},
    )
    schema = Schema(contacts={"age": Field("age", Type.NUMBER, decimals=0), "name": Field("name", Type.TEXT)})
    inferred = infer(ndjson(rows[0]), Kind.CONTACTS, schema)
    for block in (from_ndjson.BLOCK, 64):
        monkeypatch.setattr(from_ndjson, "BLOCK", block)
        rejects = []
        batches = list(read(ndjson(*rows), inferred, schema, on_error=OnError.SKIP, rejects=rejects.append))
        assert [key for batch in batches for key in batch.keys.to_pylist()] == ["a", "h"]
        assert [(r.row, r.line, r.column, r.problem.code) for r in rejects] == [
            (2, 3, None, "bad-json"),
            (3, 4, None, "bad-json"),
            (4, 5, "age", "wrong-type"),
            (5, 6, "name", "wrong-type"),
            (6, 7, "age", "too-many-decimals"),
            (7, 8, "id", "missing-id"),
            (8, 9, "age", "wrong-type"),
            (9, 10, None, "unknown-field"),
        ]
        assert json.loads(rejects[2].raw) == rows[4]


def test_nested_objects_are_left_out_and_said_so():
    inferred, (batch,), _ = load(ndjson({"id": "a", "geo": {"x": 1}, "age": 1}))
    assert [notice.code for notice in inferred.notices] == ["unreadable-column"]
    assert list(batch.columns) == ["age"]


def test_events_by_type_from_ndjson():
    inferred, batches, rejects = load(
        ndjson(
            {"contact": "a", "type": "open", "at": "2026-01-01T00:00:00Z", "id": "e1", "campaign": "Spring"},
            {"contact": "b", "type": "buy", "at": "2026-01-01T00:00:00Z", "amount": 1.5},
        ),
        Kind.EVENTS,
    )
    assert not rejects
    found = {batch.event: (batch.ids.to_pylist(), list(batch.columns)) for batch in batches}
    assert found == {"open": (["e1"], ["campaign"]), "buy": ([None], ["amount"])}
    assert set(inferred.patch["events"]) == {"open", "buy"}


def shop():
    """Rows as a shop's till gives them: customers missing, returns with negative quantities, lines twice."""
    return pa.table(
        {
            "Invoice": ["536365", "536365", "C536379", "536370"],
            "Customer ID": pa.array([17850, 17850, None, 12583], pa.int64()),
            "Quantity": pa.array([6, 6, -1, 24], pa.int32()),
            "InvoiceDate": pa.array([datetime(2010, 12, 1, 8, 26)] * 4, pa.timestamp("us")),
            "Price": [2.55, 2.55, 27.5, 3.75],
            "Country": pa.array(["United Kingdom"] * 3 + ["France"]).dictionary_encode(),
        }
    )


@pytest.mark.parametrize("groups", [2, 1000])
def test_a_shop_in_parquet(groups):
    inferred, batches, rejects = load(as_parquet(shop(), row_group_size=groups), Kind.EVENTS, event="purchase")
    assert inferred.patch["events"]["purchase"] == {
        "Invoice": {"type": "text"},
        "Quantity": {"type": "number", "decimals": 0},
        "Price": {"type": "number", "decimals": 2},
        "Country": {"type": "text"},
    }
    assert [key for batch in batches for key in batch.keys.to_pylist()] == ["17850", "17850", "12583"]
    assert batches[0].at.tolist()[0] == 1291188360000, "a moment without zone is Paris time"
    assert batches[0].columns["Price"].to_pylist()[:2] == [255, 255]
    assert [(r.row, r.line, r.column, r.problem.code) for r in rejects] == [(3, None, "Customer ID", "missing-id")]
    assert json.loads(rejects[0].raw)["Invoice"] == "C536379"


def test_types_of_parquet_columns():
    table = pa.table(
        {
            "id": pa.array([1.0, 2.0, 3.0]),
            "exact": pa.array([Decimal("1.5"), None, Decimal("-2.25")], pa.decimal128(10, 2)),
            "ratio": pa.array([1 / 3, None, float("nan")]),
            "on": pa.array([date(2026, 1, 2), None, None], pa.date32()),
            "zoned": pa.array([0, None, 1], pa.timestamp("s", "America/New_York")),
            "flag": [True, False, None],
            "likes": pa.array([["b", "a", "b", " ", None], [], None], pa.large_list(pa.large_string())),
            "view": pa.array(["x", "", None], pa.string_view()),
            "blob": pa.array([b"x", None, None], pa.binary()),
        }
    )
    inferred, (batch,), rejects = load(as_parquet(table))
    assert not rejects
    assert [notice.code for notice in inferred.notices] == ["unreadable-column"]
    assert batch.keys.to_pylist() == ["1", "2", "3"]
    assert {name: array.to_pylist() for name, array in batch.columns.items()} == {
        "exact": [150, None, -225],
        "ratio": [1 / 3, None, None],
        "on": [20455, None, None],
        "zoned": [0, None, 1000],
        "flag": [True, False, None],
        "likes": [["b", "a"], None, None],
        "view": ["x", None, None],
    }


def test_parquet_values_that_do_not_fit_what_is_declared():
    fields = {"n": Field("n", Type.NUMBER, decimals=1), "b": Field("b", Type.BOOLEAN), "d": Field("d", Type.DATE)}
    table = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "n": pa.array([1.5, 1.55, 1e30, 2.0]),
            "b": pa.array([1, 0, 1, 2]),
            "d": pa.array([datetime(2026, 1, 1, 23, 30)] * 4, pa.timestamp("ms", "UTC")),
        }
    )
    _, (batch,), rejects = load(as_parquet(table), schema=Schema("Europe/Paris", contacts=fields))
    assert {name: array.to_pylist() for name, array in batch.columns.items()} == {"n": [15], "b": [True], "d": [20455]}
    assert [r.problem.code for r in rejects] == ["too-many-decimals", "number-out-of-range", "bad-boolean"]


def test_batches_have_the_arrays_they_promise():
    table = pa.table({"id": ["a"], "n": pa.array([1], pa.uint8()), "on": pa.array([date(2026, 1, 2)], pa.date64())})
    _, (batch,), _ = load(as_parquet(table))
    assert {name: array.type for name, array in batch.columns.items()} == {"n": pa.int64(), "on": pa.int32()}
    _, (batch,), _ = load(io.BytesIO(b"contact,type,at\na,x,2026-01-01\n"), Kind.EVENTS)
    assert batch.at.dtype == np.int64
    assert batch.keys.type == pa.string()


@pytest.mark.parametrize("content", [b"PAR1 and then nothing", b"PAR1" + b"\x00" * 100 + b"PAR1"])
def test_what_only_looks_like_parquet(content):
    with pytest.raises(DataError, match="Parquet"):
        infer(io.BytesIO(content), Kind.CONTACTS, PARIS)


def test_rejects_go_to_json():
    _, _, rejects = load(as_parquet(shop()), Kind.EVENTS, event="purchase")
    assert msgspec.to_builtins(rejects[0])["problem"]["code"] == "missing-id"


def test_a_moment_outside_of_the_years_1_to_9999_is_rejected():
    _, (batch,), rejects = load(
        ndjson(
            {"id": "a", "at": "2026-01-02T10:00:00Z"},
            {"id": "b", "at": "9999-12-31T23:59:59-12:00"},
            {"id": "c", "at": "0001-01-01T00:00:00+14:00"},
            {"id": "d", "at": "9999-12-31T23:59:59Z"},
        )
    )
    assert batch.keys.to_pylist() == ["a", "d"]
    assert len(rejects) == 2
