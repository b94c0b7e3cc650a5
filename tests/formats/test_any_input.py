"""Whatever the bytes, a file is read or refused by a DataError that says why."""

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.problems import DataError
from dsl.schema import Field, Schema, Type
from formats import Format, Kind, OnError, ReadOptions, infer, read

SCHEMA = Schema(
    "Europe/Paris",
    contacts={type_.value: Field(type_.value, type_, options=("a", "b")) for type_ in Type},
)

cells = st.one_of(
    st.text("0123456789.,-+eE :/TZ", max_size=12),
    st.sampled_from(["", "a", "true", "2026-02-30", "31/12/2026", "1e999", "-", ".", '"']),
    st.text(max_size=4),
)


def survives(content, **options):
    file = io.BytesIO(content)
    rejects = []
    try:
        inferred = infer(file, Kind.CONTACTS, SCHEMA, ReadOptions(**options))
        batches = list(read(file, inferred, SCHEMA, on_error=OnError.SKIP, rejects=rejects.append))
    except DataError as refused:
        batches = [] if all(problem.code and problem.message for problem in refused.problems) else None
    for batch in batches:
        assert batch.keys.null_count == 0
        assert {len(array) for array in batch.columns.values()} <= {len(batch)}
    assert all(reject.problem.code and reject.row >= 1 for reject in rejects)


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=60), format=st.sampled_from([Format.CSV, Format.NDJSON, Format.PARQUET]))
@example(b"\xff\xfeid", Format.CSV)
@example(b"id\n\x00\n", Format.CSV)
def test_any_bytes(content, format):
    survives(content, format=format)
    survives(b"id,number\n" + content, format=format)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.lists(cells, min_size=1, max_size=10), max_size=5), delimiter=st.sampled_from(",;\t|"))
def test_any_cells(rows, delimiter):
    header = delimiter.join(["id", *(type_.value for type_ in Type), "other"])
    survives("\n".join([header, *(delimiter.join(row) for row in rows)]).encode(errors="replace"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(["id", "other", *(t.value for t in Type)]), json_values, max_size=6), max_size=4
    )
)
def test_any_json_objects(rows):
    survives("\n".join(json.dumps(row) for row in rows).encode(), format=Format.NDJSON)


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "nonsense"},
        {"encoding": "base64"},
        {"delimiter": "::"},
        {"delimiter": ""},
        {"delimiter": "\n"},
        {"delimiter": '"'},
        {"decimal": ""},
        {"thousands": "abc"},
        {"format": Format.ARROW},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(DataError):
        infer(io.BytesIO(b"id,number\na,1\n"), Kind.CONTACTS, SCHEMA, ReadOptions(**options))
