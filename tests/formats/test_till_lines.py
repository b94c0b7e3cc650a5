"""A till's lines as they come: event types by rules, ids from contents, reasons counted, files without a header."""

import csv
import gc
import io
import json
import time
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dsl.problems import DataError
from dsl.schema import Field, Schema, Type
from formats import Kind, OnError, ReadOptions, Role, TypeRule, infer, parse_rule, read
from formats.content_ids import content_ids
from formats.from_ndjson import uncollected

PARIS = Schema("Europe/Paris")
CANCELLED = TypeRule("cancellation", "InvoiceNo", "^C")

LINES = [
    {"InvoiceNo": "536365", "Quantity": 6, "InvoiceDate": "2010-12-01 08:26:00", "CustomerID": 17850, "Country": "UK"},
    {"InvoiceNo": "536365", "Quantity": 6, "InvoiceDate": "2010-12-01 08:26:00", "CustomerID": 17850, "Country": "UK"},
    {"InvoiceNo": "C53637", "Quantity": -1, "InvoiceDate": "2010-12-01 09:00:00", "CustomerID": 17850, "Country": "UK"},
    {"InvoiceNo": "536370", "Quantity": 2, "InvoiceDate": "2010-12-01 09:30:00", "CustomerID": None, "Country": "FR"},
    {"InvoiceNo": "536371", "Quantity": 3, "InvoiceDate": "2010-12-01 10:00:00", "CustomerID": 12583, "Country": "FR"},
]


def as_csv(lines):
    file = io.StringIO()
    writer = csv.DictWriter(file, lines[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return io.BytesIO(file.getvalue().encode())


def as_ndjson(lines):
    return io.BytesIO("\n".join(map(json.dumps, lines)).encode())


def as_parquet(lines):
    table = pa.Table.from_pylist(
        [{**line, "InvoiceDate": datetime.fromisoformat(line["InvoiceDate"])} for line in lines]
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file


FORMATS = pytest.mark.parametrize("written", [as_csv, as_ndjson, as_parquet])


def load(file, kind=Kind.EVENTS, schema=PARIS, **options):
    inferred = infer(file, kind, schema, ReadOptions(**options))
    rejects, progress = [], []
    batches = list(
        read(file, inferred, schema, on_error=OnError.SKIP, rejects=rejects.append, progress=progress.append)
    )
    return inferred, batches, rejects, progress


def problems(file, kind=Kind.EVENTS, **options):
    return [(p.code, p.hint) for p in infer(file, kind, PARIS, ReadOptions(**options)).problems]


@FORMATS
def test_a_rule_parts_cancellations_from_purchases(written):
    inferred, batches, rejects, progress = load(written(LINES), event="purchase", type_rules=(CANCELLED,))
    assert {b.event: b.columns["Quantity"].to_pylist() for b in batches} == {
        "purchase": [6, 6, 3],
        "cancellation": [-1],
    }
    assert [(r.row, r.column, r.problem.code) for r in rejects] == [(4, "CustomerID", "missing-id")]
    patch = inferred.patch["events"]
    assert patch["purchase"] == patch["cancellation"]
    assert list(patch["purchase"]) == ["InvoiceNo", "Quantity", "Country"]
    [reason] = progress[-1].reasons
    assert (progress[-1].read, progress[-1].accepted) == (5, 4)
    assert (reason.code, reason.column, reason.rows) == ("missing-id", "CustomerID", 1)


def test_the_first_rule_that_holds_decides():
    rules = (
        TypeRule("gift", "Quantity", "^2$"),
        TypeRule("cancellation", "InvoiceNo", "C"),
        TypeRule("odd", "Country", "U"),
    )
    _, batches, _, _ = load(as_csv([{**line, "CustomerID": 1} for line in LINES]), event="purchase", type_rules=rules)
    assert {b.event: b.columns["InvoiceNo"].to_pylist() for b in batches} == {
        "odd": ["536365", "536365"],
        "cancellation": ["C53637"],
        "gift": ["536370"],
        "purchase": ["536371"],
    }


def test_rows_no_rule_fits_are_what_their_column_says_or_are_rejected():
    text = b"contact,at,type,code\na,2026-01-01,open,x\nb,2026-01-01,open,C1\nc,2026-01-01,,C2\nd,2026-01-01,,x\n"
    rule = TypeRule("cancel", "code", "^C")
    _, batches, rejects, _ = load(io.BytesIO(text), type_rules=(rule,))
    assert {b.event: b.keys.to_pylist() for b in batches} == {"open": ["a"], "cancel": ["b", "c"]}
    assert [(r.row, r.column, r.problem.code) for r in rejects] == [(4, "type", "unknown-event-type")]
    bare = text.replace(b",type,", b",kind,")
    _, batches, rejects, _ = load(io.BytesIO(bare), type_rules=(rule,))
    assert {b.event: b.keys.to_pylist() for b in batches} == {"cancel": ["b", "c"]}
    assert [(r.row, r.column, r.value) for r in rejects] == [(1, "code", "x"), (4, "code", "x")]


def test_a_rule_may_look_at_a_column_left_out():
    for written in (as_csv, as_ndjson, as_parquet):
        options = {"event": "purchase", "type_rules": (CANCELLED,), "only": ("Quantity",)}
        inferred, batches, _, _ = load(written(LINES), **options)
        assert sorted(b.event for b in batches) == ["cancellation", "purchase"]
        assert {tuple(b.columns) for b in batches} == {("Quantity",)}
        assert inferred.named("InvoiceNo").role is Role.LEFT_OUT


def test_declared_types_take_part_in_rules():
    declared = Schema("UTC", events={"purchase": {"Quantity": Field("Quantity", Type.NUMBER, decimals=0)}})
    inferred, batches, _, _ = load(as_csv(LINES), schema=declared, event="purchase", type_rules=(CANCELLED,))
    assert "Quantity" not in inferred.patch["events"]["purchase"]
    assert "Quantity" in inferred.patch["events"]["cancellation"]
    assert sum(map(len, batches)) == 4


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (TypeRule("x", "invoiceno", "^C"), ("unknown-column", "did you mean 'InvoiceNo'?")),
        (TypeRule("x", "InvoiceNo", "(C"), ("bad-pattern", "patterns are those of RE2")),
        (TypeRule("x", "InvoiceNo", r"(?<=C)1"), ("bad-pattern", "patterns are those of RE2")),
    ],
)
def test_rules_that_cannot_be(rule, problem):
    assert problems(as_csv(LINES), event="purchase", type_rules=(rule,)) == [problem]


@pytest.mark.parametrize(
    "text", ["", "cancellation", "cancellation: InvoiceNo", ": InvoiceNo ~ ^C", "x: ~ ^C", "x:y~ "]
)
def test_what_is_no_rule(text):
    with pytest.raises(DataError, match="no rule of event types"):
        parse_rule(text)


def test_a_pattern_may_hold_what_parts_a_rule():
    assert parse_rule("a:b~c:d~e") == TypeRule("a", "b", "c:d~e")


@pytest.mark.parametrize("columns", [("*",), ("InvoiceNo", "Quantity", "CustomerID")])
@FORMATS
def test_the_same_line_has_the_same_id(written, columns):
    options = {"event": "purchase", "type_rules": (CANCELLED,), "id_columns": columns}
    _, batches, _, _ = load(written(LINES), **options)
    ids = [id for batch in batches if batch.event == "purchase" for id in batch.ids.to_pylist()]
    assert ids[0] == ids[1] != ids[2]
    assert {len(id) for id in ids} == {32}
    again = [id for batch in load(written(LINES[::-1]), **options)[1] for id in batch.ids.to_pylist()]
    assert set(again) >= set(ids)


def test_ids_do_not_depend_on_the_order_of_columns_nor_on_the_form_of_the_file():
    turned = [dict(reversed(line.items())) for line in LINES]
    options = {"event": "purchase", "id_columns": ("Country", "InvoiceNo", "Quantity")}
    found = {
        tuple(load(file, **options)[1][0].ids.to_pylist())
        for file in (as_csv(LINES), as_csv(turned), as_ndjson(turned), as_parquet(LINES))
    }
    assert len(found) == 1


cells = st.none() | st.text("1:-é", max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["a", "1:a"]), cells, cells), max_size=12))
def test_ids_are_as_different_as_what_they_are_made_of(rows):
    made = [
        content_ids(event, [pa.array([one], pa.string()), pa.array([two], pa.string())])[0].as_py()
        for event, one, two in rows
    ]
    assert len(set(made)) == len(set(rows))


def test_ids_come_from_one_place():
    text = b"contact,at,type,id\na,2026-01-01,open,1\n"
    assert problems(io.BytesIO(text), id_columns=("*",))[0][0] == "bad-option"
    assert problems(as_csv(LINES), event="x", id_columns=("Invoice",)) == [
        ("unknown-column", "did you mean 'InvoiceNo'?")
    ]


def test_ids_are_made_quickly():
    column = pa.array([f"{i % 1000} a cell of some length" for i in range(50_000)])
    started = time.process_time()
    content_ids("purchase", [column] * 8)
    assert time.process_time() - started < 50_000 / 150_000, "a third of what is measured on a quiet machine"


def test_contacts_from_the_same_file():
    inferred, (batch,), rejects, _ = load(as_csv(LINES), Kind.CONTACTS, only=("Country",))
    assert inferred.patch == {"contacts": {"Country": {"type": "text"}}}
    assert batch.keys.to_pylist() == ["17850", "17850", "17850", "12583"]
    assert len(rejects) == 1
    assert problems(as_csv(LINES), Kind.CONTACTS, only=("Contry",)) == [("unknown-column", "did you mean 'Country'?")]


BARE = "c1,FR,40,31/12/2025\nc2,BE,5,01/01/2026\nc3,BE\nc4,LU,many,02/01/2026\n"


def test_a_file_without_a_header_is_noticed():
    inferred = infer(io.BytesIO(BARE.encode()), Kind.CONTACTS, PARIS, ReadOptions(key="c1"))
    [notice] = [notice for notice in inferred.notices if notice.code == "no-header"]
    assert "'names'" in notice.hint


def test_names_for_a_file_without_a_header():
    schema = Schema(contacts={"points": Field("points", Type.NUMBER, decimals=0)})
    names = ("id", "country", "points", "signup")
    inferred, (batch,), rejects, _ = load(io.BytesIO(BARE.encode()), Kind.CONTACTS, schema, names=names)
    assert not inferred.dialect.header
    assert batch.keys.to_pylist() == ["c1", "c2"]
    assert batch.columns["points"].to_pylist() == [40, 5]
    assert [(r.row, r.line, r.problem.code) for r in rejects] == [(3, 3, "too-few-columns"), (4, 4, "bad-number")]


def test_as_many_names_as_columns():
    with pytest.raises(DataError, match="3 columns are named where the file has 4"):
        infer(io.BytesIO(BARE.encode()), Kind.CONTACTS, PARIS, ReadOptions(names=("id", "b", "c")))


@pytest.mark.parametrize("header", ["id,2024,2025", "id,country,points", "id,true,12"])
def test_headers_that_may_well_be_some(header):
    text = f"{header}\na,1,x\nb,2,y\n"
    inferred = infer(io.BytesIO(text.encode()), Kind.CONTACTS, PARIS)
    assert not any(notice.code == "no-header" for notice in inferred.notices)


@pytest.mark.parametrize(
    ("values", "type_", "first"),
    [
        (["31/12/25", "1/2/49"], Type.DATE, "2025-12-31"),
        (["31-12-50"], Type.DATE, "1950-12-31"),
        (["12/31/99 8:26", "1/2/03 18:00"], Type.DATETIME, "1999-12-31T08:26:00+00:00"),
        (["31.12.25"], Type.DATE, "2025-12-31"),
        (["4.10.12", "5.1.10"], Type.TEXT, "4.10.12"),
        (["31/12/025"], Type.TEXT, "31/12/025"),
    ],
)
def test_years_of_two_digits_are_read_and_noticed(values, type_, first):
    text = "id,x\n" + "".join(f"c{i},{value}\n" for i, value in enumerate(values))
    inferred, (batch,), rejects, _ = load(io.BytesIO(text.encode()), Kind.CONTACTS, Schema("UTC"))
    assert not rejects
    assert inferred.columns[1].type is type_
    value = batch.columns["x"][0].as_py()
    moments = {Type.DATE: 86400, Type.DATETIME: 0.001}
    if type_ is Type.TEXT:
        assert value == first
    else:
        assert (
            value * moments[type_]
            == datetime.fromisoformat(first + "T00:00Z" if type_ is Type.DATE else first).timestamp()
        )
    assert any(notice.code == "short-years" for notice in inferred.notices) == (type_ is not Type.TEXT)


def test_keys_that_no_record_can_have():
    lines = [{"id": "a", 'say "x"': 1, "b\\c": 2}, {"id": "b", 'say "x"': 3}]
    inferred, (batch,), _, _ = load(as_ndjson(lines), Kind.CONTACTS)
    assert batch.columns['say "x"'].to_pylist() == [1, 3]
    more = as_ndjson([*lines, {"id": "c", "other": 1}])
    rejects = []
    list(read(more, inferred, PARIS, on_error=OnError.SKIP, rejects=rejects.append))
    assert [(r.row, r.line, r.problem.code) for r in rejects] == [(3, 3, "unknown-field")]


def test_the_collector_is_set_to_work_again():
    def fail():
        with uncollected():
            assert not gc.isenabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()
