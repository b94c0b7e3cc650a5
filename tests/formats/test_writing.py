"""Rows written out, and read again."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.schema import Field, Schema, Type
from formats import Format, Kind, ReadOptions, infer, read, write, write_arrow, write_csv, write_ndjson

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("a, b", pa.float64()),
        ("vip", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("born", pa.date32()),
        ("seen", pa.timestamp("ms", "UTC")),
        ("paid", pa.decimal128(18, 2)),
    ]
)
ROWS = [
    ["é", '=1"2', ""],
    [0.1, 12.0, None],
    [True, None, False],
    [["x", "y"], [], None],
    [date(2020, 1, 2), None, None],
    [datetime(2020, 1, 2, 3, 4, 5, 60_000, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC), None],
    [Decimal("1.50"), None, None],
]
BATCH = pa.record_batch([pa.array(values, field.type) for values, field in zip(ROWS, SCHEMA, strict=True)], SCHEMA)


def test_csv_as_written():
    text = b"".join(write_csv(SCHEMA, [BATCH, BATCH.slice(0, 0), BATCH.slice(2)])).decode()
    assert text.split("\r\n") == [
        'id,"a, b",vip,tags,born,seen,paid',
        "é,0.1,true,x|y,2020-01-02,2020-01-02T03:04:05.060Z,1.50",
        '"=1""2",12,,"",,2020-01-02T00:00:00Z,',
        '"",,false,,,,',
        '"",,false,,,,',
        "",
    ]


def test_safe_csv_defuses_formulas_in_text_alone():
    batch = pa.record_batch([pa.array(["=1+1", "-x", "@a", "ok", None]), pa.array([-1, 2, 3, 4, 5])], names=["t", "n"])
    text = b"".join(write_csv(batch.schema, [batch], safe=True)).decode()
    assert text == "t,n\r\n'=1+1,-1\r\n'-x,2\r\n'@a,3\r\nok,4\r\n,5\r\n"


def test_ndjson_as_written():
    lines = b"".join(write_ndjson(SCHEMA, [BATCH])).decode().splitlines()
    assert json.loads(lines[0]) == {
        "id": "é",
        "a, b": 0.1,
        "vip": True,
        "tags": ["x", "y"],
        "born": "2020-01-02",
        "seen": "2020-01-02T03:04:05.060Z",
        "paid": 1.5,
    }
    assert json.loads(lines[2]) == dict.fromkeys(SCHEMA.names) | {"id": "", "vip": False}


def test_arrow_comes_back_batch_by_batch():
    parts = list(write_arrow(SCHEMA, iter([BATCH, BATCH])))
    assert len(parts) == 4, "the schema, two batches, the end"
    assert pa.ipc.open_stream(b"".join(parts)).read_all() == pa.Table.from_batches([BATCH, BATCH])


def test_parquet_is_not_written():
    with pytest.raises(ValueError, match="not written"):
        write(Format.PARQUET, SCHEMA, [])


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(st.none() | texts, min_size=2, max_size=2), min_size=1, max_size=6))
def test_csv_is_what_the_csv_module_reads(rows):
    batch = pa.record_batch([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names=["a", "b"])
    text = b"".join(write_csv(batch.schema, [batch])).decode()
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [[cell or "" for cell in row] for row in rows]


FIELDS = {
    field.name: field
    for field in (
        Field("text", Type.TEXT),
        Field("choice", Type.CHOICE, options=("A", "Bé")),
        Field("number", Type.NUMBER, decimals=3),
        Field("float", Type.FLOAT),
        Field("boolean", Type.BOOLEAN),
        Field("date", Type.DATE),
        Field("datetime", Type.DATETIME),
        Field("tags", Type.TAGS),
    )
}
MILLI = 86_400_000
tag = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=4)
PHYSICAL = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8),
    "choice": st.sampled_from(["A", "Bé"]),
    "number": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.integers(-719162, 2932896),
    "datetime": st.integers(-62135596800000 + MILLI, 253402300799999 - MILLI),
    "tags": st.lists(tag, min_size=1, max_size=3, unique=True),
}
ARROW = {
    "number": lambda v: pa.array([None if x is None else Decimal(x).scaleb(-3) for x in v], pa.decimal128(22, 3)),
    "date": lambda v: pa.array(v, pa.int32()).cast(pa.date32()),
    "datetime": lambda v: pa.array(v, pa.timestamp("ms", "UTC")),
    "float": lambda v: pa.array(v, pa.float64()),
    "boolean": lambda v: pa.array(v, pa.bool_()),
    "tags": lambda v: pa.array(v, pa.list_(pa.string())),
}
profiles = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in PHYSICAL.items()}), min_size=1, max_size=5
)


@settings(max_examples=80, deadline=None)
@given(rows=profiles)
def test_every_value_comes_back_through_csv(rows):
    columns = {name: [row[name] for row in rows] for name in FIELDS}
    arrays = {name: ARROW.get(name, lambda v: pa.array(v, pa.string()))(values) for name, values in columns.items()}
    batch = pa.record_batch({"id": pa.array([f"k{i}" for i in range(len(rows))]), **arrays})
    file = io.BytesIO(b"".join(write_csv(batch.schema, [batch])))
    schema = Schema("Europe/Paris", contacts=FIELDS)
    options = ReadOptions(delimiter=",", decimal=".", thousands="", encoding="utf-8")
    inferred = infer(file, Kind.CONTACTS, schema, options)
    assert inferred.patch == {}
    (found,) = read(file, inferred, schema)
    assert {name: array.to_pylist() for name, array in found.columns.items()} == columns
