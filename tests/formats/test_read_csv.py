"""CSV read into batches: dialects, types, places of bad rows, memory."""

import csv
import io
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from multiprocessing import get_context
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.problems import DataError
from dsl.schema import Field, Schema, Type
from formats import (
    Cancelled,
    DateOrder,
    Inferred,
    Kind,
    OnError,
    ReadOptions,
    RejectsFile,
    Role,
    from_csv,
    infer,
    looking,
    read,
    sources,
)
from formats.inferred import Dialect

PARIS = Schema("Europe/Paris")


def days(*texts):
    return [None if text is None else (date.fromisoformat(text) - date(1970, 1, 1)).days for text in texts]


def millis(text, zone="Europe/Paris"):
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1000)


def load(text, schema=PARIS, kind=Kind.CONTACTS, encoding="utf-8", **options):
    file = io.BytesIO(text.encode(encoding) if isinstance(text, str) else text)
    inferred = infer(file, kind, schema, ReadOptions(**options))
    rejects = []
    batches = list(read(file, inferred, schema, on_error=OnError.SKIP, rejects=rejects.append))
    return inferred, batches, rejects


def columns(batches):
    return {name: [v for b in batches for v in b.columns[name].to_pylist()] for name in batches[0].columns}


FRENCH = """id;Prénom;points;solde;inscrit;naissance;actif;intérêts;code postal
c1;Zoé;12;1 234,50;31/12/2025 14:30;01/02/1990;oui;ski|vtt;01000
c2;Anaïs;-3;0,5;30/06/2026;13/02/1990;non;;75001
c3;Max;;;;;;a||b|a;75002
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_french_file_is_read_in_every_encoding(encoding):
    inferred, batches, rejects = load(FRENCH, encoding=encoding)
    assert not rejects
    assert not inferred.problems
    assert (inferred.dialect.delimiter, inferred.dialect.decimal, inferred.dialect.thousands) == (";", ",", " ")
    assert inferred.dialect.date_order is DateOrder.DAY_FIRST
    assert batches[0].keys.to_pylist() == ["c1", "c2", "c3"]
    assert columns(batches) == {
        "Prénom": ["Zoé", "Anaïs", "Max"],
        "points": [12, -3, None],
        "solde": [123450, 50, None],
        "inscrit": [millis("2025-12-31T14:30"), millis("2026-06-30"), None],
        "naissance": days("1990-02-01", "1990-02-13", None),
        "actif": [True, False, None],
        "intérêts": [["ski", "vtt"], None, ["a", "b"]],
        "code postal": ["01000", "75001", "75002"],
    }
    assert inferred.patch["contacts"]["solde"] == {"type": "number", "decimals": 2}
    assert inferred.patch["contacts"]["points"] == {"type": "number", "decimals": 0}


def test_what_is_inferred_goes_to_json_and_back():
    inferred, _, _ = load(FRENCH)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(inferred)), Inferred) == inferred


@pytest.mark.parametrize(
    ("values", "type_", "decimals"),
    [
        (["1", "-20"], Type.NUMBER, 0),
        (["1.5", "2.25", "3"], Type.NUMBER, 2),
        (["1.2345678"], Type.FLOAT, None),
        (["1e5", "2"], Type.FLOAT, None),
        (["007", "12"], Type.TEXT, None),
        (["+33612345678"], Type.TEXT, None),
        (["12345678901234567890"], Type.TEXT, None),
        (["2026-01-01", "2026-02-28"], Type.DATE, None),
        (["2026-01-01", "2026-02-30"], Type.TEXT, None),
        (["2026-01-01T10:00Z", "2026-01-01 10:00:00.123456"], Type.DATETIME, None),
        (["true", "FALSE"], Type.BOOLEAN, None),
        (["oui", "non", ""], Type.BOOLEAN, None),
        (["1", "0"], Type.NUMBER, 0),
        (["", ""], Type.TEXT, None),
        (["12", "douze"], Type.TEXT, None),
    ],
)
def test_a_type_is_inferred_only_when_every_value_fits(values, type_, decimals):
    text = "id,x\n" + "".join(f"c{i},{value}\n" for i, value in enumerate(values))
    inferred, _, rejects = load(text)
    assert (inferred.columns[1].type, inferred.columns[1].decimals) == (type_, decimals)
    assert not rejects


def test_month_first_dates_and_open_ones():
    inferred, batches, _ = load("id,d\na,12/1/2010 8:26\nb,12/31/2010 3:05 PM\n")
    assert inferred.dialect.date_order is DateOrder.MONTH_FIRST
    assert columns(batches)["d"] == [millis("2010-12-01T08:26"), millis("2010-12-31T15:05")]
    inferred, batches, _ = load("id,d\na,02/03/2026\n")
    assert [notice.code for notice in inferred.notices] == ["open-date-order"]
    assert columns(batches)["d"] == days("2026-03-02")
    _, batches, _ = load("id,d\na,02/03/2026\n", date_order=DateOrder.MONTH_FIRST)
    assert columns(batches)["d"] == days("2026-02-03")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ('id,x\na,"1,234.50"\nb,"12,345,678.00"\n', (".", ",")),
        ("id;x\na;1.234,50\nb;2,5\n", (",", ".")),
        ("id;x\na;1,5\nb;2,75\n", (",", "")),
        ("id;x\na;1\u202f234,5\n", (",", " ")),
        ("id\tx\na\t1'234.5\n", (".", "'")),
    ],
)
def test_styles_of_numbers(text, style):
    inferred, _, rejects = load(text)
    assert (inferred.dialect.decimal, inferred.dialect.thousands) == style
    assert inferred.columns[1].type is Type.NUMBER
    assert not rejects


def test_declared_fields_keep_their_type():
    fields = [
        Field("vip", Type.BOOLEAN),
        Field("plan", Type.CHOICE, options=("Free", "Pro")),
        Field("zip", Type.NUMBER, decimals=0),
        Field("price", Type.NUMBER, decimals=1),
        Field("likes", Type.TAGS),
    ]
    schema = Schema(contacts={field.name: field for field in fields})
    inferred, batches, rejects = load(
        "id,vip,plan,zip,price,likes\na,1,free,01000,1.50,x;y\nb,0,Prro,2,1.55,\nc,0,Prro,2,1.5,\nd,2,Pro,99999999999999999999,,z\n",
        schema,
    )
    assert inferred.patch == {}
    assert columns(batches) == {"vip": [True], "plan": ["Free"], "zip": [1000], "price": [15], "likes": [["x", "y"]]}
    assert [reject.problem.code for reject in rejects] == ["unknown-option", "unknown-option", "bad-boolean"]
    assert rejects[0].problem.hint == "did you mean 'Pro'?"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1.555", "too-many-decimals"),
        ("99999999999999999", "number-out-of-range"),
        ("x", "bad-number"),
        ("1,5", "bad-number"),
    ],
)
def test_why_a_number_does_not_fit(value, code):
    schema = Schema(contacts={"x": Field("x", Type.NUMBER, decimals=2)})
    _, _, rejects = load(f'id,x\na,1.5\nb,"{value}"\n', schema, decimal=".", thousands="")
    assert [(r.row, r.line, r.column, r.number, r.value, r.problem.code) for r in rejects] == [
        (2, 3, "x", 2, value, code)
    ]


BAD = """id,name,points
a,"two
lines",1

,nobody,2
b,short
c,x,3,long
d,"more ""quotes""
and
lines",many
e,fine,5
"""


def test_bad_rows_have_their_row_line_and_column(monkeypatch):
    schema = Schema(contacts={"points": Field("points", Type.NUMBER, decimals=0)})
    expected = [
        (2, 5, "id", "missing-id"),
        (3, 6, None, "too-few-columns"),
        (4, 7, None, "too-many-columns"),
        (5, 8, "points", "bad-number"),
    ]
    for block in (from_csv.BLOCK, 64, 48):
        monkeypatch.setattr(from_csv, "BLOCK", block)
        file = io.BytesIO(BAD.encode())
        inferred = infer(file, Kind.CONTACTS, schema)
        rejects = []
        batches = list(read(file, inferred, schema, on_error=OnError.SKIP, rejects=rejects.append))
        assert [(r.row, r.line, r.column, r.problem.code) for r in rejects] == expected
        assert [key for batch in batches for key in batch.keys.to_pylist()] == ["a", "e"]
    assert rejects[1].raw == "b,short"
    assert next(csv.reader(io.StringIO(rejects[3].raw))) == ["d", 'more "quotes"\nand\nlines', "many"]


def test_stop_raises_at_the_first_bad_row():
    schema = Schema(contacts={"points": Field("points", Type.NUMBER, decimals=0)})
    file = io.BytesIO(BAD.encode())
    told = []
    with pytest.raises(DataError) as error:
        list(read(file, infer(file, Kind.CONTACTS, schema), schema, rejects=told.append))
    assert error.value.problems[0].message == "line 5, column 1 (id): the id is missing"
    assert error.value.problems[0].path == "line 5, column 1 (id)"
    assert len(told) == 1


def test_badly_encoded_cells_are_rejected_alone():
    _, batches, rejects = load(b"id,name\na,x\n" + b"b,caf\xe9\n" + b"c,y\n", encoding="utf-8")
    assert columns(batches)["name"] == ["x", "café", "y"], "without a word from the user it is cp1252"
    file = io.BytesIO(b"id,name\na,x\nb,caf\xe9\nc,y\nd\xff\n")
    inferred = infer(file, Kind.CONTACTS, PARIS, ReadOptions(encoding="utf-8"))
    rejects = []
    list(read(file, inferred, PARIS, on_error=OnError.SKIP, rejects=rejects.append))
    assert [(r.line, r.column, r.problem.code) for r in rejects] == [
        (3, "name", "bad-encoding"),
        (5, None, "too-few-columns"),
    ]
    assert [r.raw for r in rejects] == ["b,caf\ufffd", "d\ufffd"]


def test_values_beyond_the_sample_are_problems_of_their_rows(monkeypatch):
    monkeypatch.setattr("formats.looking.ROWS", 2)
    _, batches, rejects = load("id,x\na,1\nb,2\nc,3.5\nd,4\n")
    assert columns(batches) == {"x": [1, 2, 4]}
    assert [(r.row, r.problem.code) for r in rejects] == [(3, "too-many-decimals")]


def test_events_of_several_types_become_a_batch_each():
    text = "contact,type,at,amount,url\na,buy,2026-01-01T10:00Z,5,\nb,visit,2026-01-02T10:00,,/x\n"
    text += "a,buy,,6,\nc,,2026-01-01,1,\n"
    inferred, batches, rejects = load(text, kind=Kind.EVENTS)
    assert {b.event: (b.keys.to_pylist(), b.at.tolist(), sorted(b.columns)) for b in batches} == {
        "buy": (["a"], [millis("2026-01-01T10:00Z")], ["amount"]),
        "visit": (["b"], [millis("2026-01-02T10:00")], ["url"]),
    }
    assert inferred.patch == {
        "events": {"buy": {"amount": {"type": "number", "decimals": 0}}, "visit": {"url": {"type": "text"}}}
    }
    assert [(r.row, r.problem.code) for r in rejects] == [(3, "missing-time"), (4, "unknown-event-type")]


def test_a_value_where_an_event_type_has_no_such_property(monkeypatch):
    monkeypatch.setattr("formats.looking.ROWS", 2)
    text = "contact,type,amount,url\na,buy,5,\nb,visit,,/x\nc,visit,7,/y\nd,gone,,\n"
    _, batches, rejects = load(text, kind=Kind.EVENTS)
    assert [(r.row, r.column, r.problem.code) for r in rejects] == [
        (3, "amount", "unknown-field"),
        (4, "type", "unknown-event-type"),
    ]
    assert all(batch.at is None for batch in batches)


def test_one_type_for_all_rows_and_columns_named_by_the_user():
    inferred, batches, _ = load(
        "who,when,what,note\na,2026-01-01,x,n\n",
        kind=Kind.EVENTS,
        event="open",
        key="who",
        at="when",
        columns={"what": "campaign", "note": None},
    )
    assert [column.role for column in inferred.columns] == [Role.KEY, Role.AT, Role.FIELD, Role.LEFT_OUT]
    assert batches[0].event == "open"
    assert columns(batches) == {"campaign": ["x"]}


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("name,age\nx,1\n", {}, "no-key-column"),
        ("id,x,x\na,1,2\n", {}, "duplicate-column"),
        ("id,,x\na,1,2\n", {}, "unnamed-column"),
        ("id,created\na,2026-01-01\n", {}, "system-field"),
        ("id,x,y\na,1,2\n", {"columns": {"x": "y"}}, "duplicate-field"),
        ("id,x\na,1\n", {"key": "z"}, "unknown-column"),
        ("id,x\na,1\n", {"types": {"x": Type.CHOICE}}, "undeclared-choice"),
    ],
)
def test_what_keeps_a_file_from_being_read(text, options, code):
    file = io.BytesIO(text.encode())
    inferred = infer(file, Kind.CONTACTS, PARIS, ReadOptions(**options))
    assert [problem.code for problem in inferred.problems] == [code]
    with pytest.raises(DataError):
        next(read(file, inferred, PARIS))


@pytest.mark.parametrize("text", [b"", b"\n", b"id,name", b"id,name\n"])
def test_files_without_rows(text):
    file = io.BytesIO(text)
    if not text.strip():
        with pytest.raises(DataError, match="no header"):
            infer(file, Kind.CONTACTS, PARIS)
    else:
        assert list(read(file, infer(file, Kind.CONTACTS, PARIS), PARIS)) == []


def test_an_unclosed_quote_is_a_problem_of_the_file():
    text = 'id,name\na,x\nb,"never closed\n' + "c,y\n" * 3
    file = io.BytesIO(text.encode())
    inferred = infer(io.BytesIO(b"id,name\na,x\n"), Kind.CONTACTS, PARIS)
    with pytest.raises(DataError, match="line 3: a quote is never closed"):
        list(read(file, inferred, PARIS))


def test_an_email_key_stays_a_field():
    inferred, batches, _ = load("email,age\na@b.fr,3\n")
    assert inferred.columns[0].role is Role.KEY
    assert batches[0].keys.to_pylist() == columns(batches)["email"] == ["a@b.fr"]


def test_companies_and_links_to_them():
    _, batches, _ = load("id,company,age\na,acme,3\nb,,4\n")
    assert batches[0].company.to_pylist() == ["acme", None]
    assert list(columns(batches)) == ["age"]
    _, batches, _ = load("company_id,industry\nacme,Toys\n", kind=Kind.COMPANIES)
    assert batches[0].kind is Kind.COMPANIES
    assert batches[0].keys.to_pylist() == ["acme"]


def test_other_columns_than_those_inferred_are_refused():
    inferred, _, _ = load("id,x\na,1\n")
    with pytest.raises(DataError, match="not those"):
        list(read(io.BytesIO(b"id,y\na,1\n"), inferred, PARIS))


def test_progress_and_cancelling(monkeypatch):
    monkeypatch.setattr(from_csv, "BLOCK", 1000)
    file = io.BytesIO(b"id,x\n" + b"".join(b"c%d,1\n" % i for i in range(1000)))
    inferred = infer(file, Kind.CONTACTS, PARIS)
    seen = []
    list(read(file, inferred, PARIS, progress=seen.append))
    assert seen[-1].read == seen[-1].accepted == 1000
    assert seen[-1].share == 1.0
    assert [p.share for p in seen] == sorted(p.share for p in seen)
    assert len(seen) > 3
    with pytest.raises(Cancelled):
        list(read(file, inferred, PARIS, cancelled=lambda: True))


def test_rejects_go_to_a_file(tmp_path):
    file = io.BytesIO(b"id,x\na,1\n,2\n")
    with RejectsFile(tmp_path / "rejects.csv") as rejects:
        list(read(file, infer(file, Kind.CONTACTS, PARIS), PARIS, on_error=OnError.SKIP, rejects=rejects))
    with open(tmp_path / "rejects.csv", newline="") as written:
        rows = list(csv.DictReader(written))
    assert [(row["row"], row["line"], row["column"], row["code"], row["raw"]) for row in rows] == [
        ("2", "3", "id", "missing-id", ",2")
    ]


def test_blocks_of_a_transcoded_file_hold_whole_records(monkeypatch):
    monkeypatch.setattr(from_csv, "BLOCK", 1 << 20)
    text = "id,name\n" + "".join(f"c{i},{'é' * 500}\n" for i in range(3000))
    for encoding in ("cp1252", "utf-16"):
        _, batches, rejects = load(text, encoding=encoding)
        assert not rejects
        assert columns(batches)["name"] == ["é" * 500] * 3000


class Endless(io.RawIOBase):
    """A file of many rows that is never held anywhere."""

    def __init__(self, rows):
        self._rows, self._at, self._size = rows, 0, 8 + rows * 16

    def seek(self, offset, whence=0):
        self._at = offset if whence == 0 else self._size + offset
        return self._at

    def tell(self):
        return self._at

    def read(self, count=-1):
        start, end = self._at, min(self._size, self._at + count)
        first, last = max(0, (start - 8) // 16), max(0, (end - 8 + 15) // 16)
        text = (b"id,xxxx\n" if start < 8 else b"") + b"".join(b"c%09d,1234\n" % i for i in range(first, last))
        base = 0 if start < 8 else 8 + first * 16
        self._at = end
        return text[start - base : end - base]


def memory_of_a_long_stream():
    """Rows read, and the most bytes ever held by Arrow and by Python, for a process of its own.

    Tracing, begun here, is never ended: Python may crash when it is while a thread of the parser asks for memory.
    """
    from_csv.BLOCK = 1 << 18
    looking.ROWS = 1000
    file = Endless(300_000)
    inferred = infer(file, Kind.CONTACTS, PARIS)
    tracemalloc.start()
    held = from_csv.pa.total_allocated_bytes()
    rows = most = 0
    for batch in read(file, inferred, PARIS):
        rows += len(batch)
        most = max(most, from_csv.pa.total_allocated_bytes() - held)
    return rows, most, tracemalloc.get_traced_memory()[1]


def test_a_long_stream_takes_constant_memory():
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        rows, most, peak = alone.submit(memory_of_a_long_stream).result()
    assert rows == 300_000
    assert most < 8 << 20
    assert peak < 12 << 20


class Watched(io.BytesIO):
    """A slow file that counts the reads after it was taken away."""

    taken_away = False
    late = 0

    def read(self, count=-1):
        self.late += self.taken_away
        time.sleep(0.001)
        part = super().read(count)
        self.late += self.taken_away
        return part


def test_a_reader_dropped_midway_leaves_its_file_alone(monkeypatch):
    """Whoever has the file next (the import, after the look at its first rows) is alone with it."""
    monkeypatch.setattr(from_csv, "BLOCK", 1000)
    monkeypatch.setattr(sources, "STEP", 500)
    text = b"id,x\n" + b"".join(b"c%d,1%s\n" % (i, b",odd" if i % 50 == 7 else b"") for i in range(20_000))
    files = []
    for taken in range(200):
        file = Watched(text)
        chunks = from_csv.CsvReader(file, Dialect(delimiter=",")).chunks()
        for _ in range(1 + taken % 3):
            next(chunks)
        del chunks
        file.taken_away = True
        files.append(file)
    time.sleep(0.05)
    assert sum(file.late for file in files) == 0


words = st.text(st.sampled_from("abcé ,;|\t\"'\n0"), max_size=6)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(words, words), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_cells_are_those_of_the_csv_module(rows, delimiter, end, quoting):
    schema = Schema(contacts={"x": Field("x", Type.TEXT), "y": Field("y", Type.TEXT)})
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "x", "y"])
    writer.writerows([f"k{i}", *row] for i, row in enumerate(rows))
    _, batches, rejects = load(text.getvalue(), schema, delimiter=delimiter)
    assert not rejects
    found = columns(batches)
    assert list(zip(found["x"], found["y"], strict=True)) == [tuple(cell or None for cell in row) for row in rows]


@settings(max_examples=60, deadline=None)
@given(moments=st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=5))
def test_datetimes_come_back_to_the_millisecond(moments):
    schema = Schema("Europe/Paris", contacts={"w": Field("w", Type.DATETIME)})
    moments = [moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC) for moment in moments]
    text = "id,w\n" + "".join(f"k,{moment.isoformat()}\n" for moment in moments)
    _, batches, rejects = load(text, schema)
    assert not rejects
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert columns(batches)["w"] == [round((moment - epoch).total_seconds() * 1000) for moment in moments]
