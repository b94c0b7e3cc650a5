"""Columns in which all values but few are of one type: they have it, and rows with the others are rejected by name."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.problems import DataError
from dsl.schema import Schema, Type
from formats import DateOrder, Kind, OnError, ReadOptions, infer, read
from formats.media import Format


def load(text, **options):
    file = io.BytesIO(text.encode())
    inferred = infer(file, Kind.CONTACTS, Schema("UTC"), ReadOptions(**options))
    rejects = []
    batches = list(read(file, inferred, Schema("UTC"), on_error=OnError.SKIP, rejects=rejects.append))
    return inferred, [key for batch in batches for key in batch.keys.to_pylist()], rejects


def column(values):
    return "id;x\n" + "".join(f"c{i};{value}\n" for i, value in enumerate(values))


DAYS = [f"2026-01-{day:02}" for day in range(1, 21)]


@pytest.mark.parametrize(
    ("values", "type_", "bad"),
    [
        # What is written like a date is meant to be one, as long as most are.
        (["2024-01-05", "2024-02-30", "2024-03-01"], Type.DATE, [1]),
        (["2024-01-05", "2024-02-30"], Type.TEXT, []),
        (["05/01/2024", "31/02/2024", "30/03/2024"], Type.DATE, [1]),
        (["2024-01-05T10:00", "2024-01-05T25:00", "2024-01-06"], Type.DATETIME, [1]),
        # Anything else may stand once among four, or in one row of twenty.
        (["2024-01-05", "soon", "2024-03-01", "2024-03-02"], Type.DATE, [1]),
        (["2024-01-05", "soon", "2024-03-01"], Type.TEXT, []),
        ([*DAYS, *DAYS, "soon", "soon"], Type.DATE, [40, 41]),
        ([*DAYS, "soon", "soon"], Type.TEXT, []),
        (["10", "20", "abc", "30"], Type.NUMBER, [2]),
        (["1,5", "20", "n/a", "3,25"], Type.NUMBER, [2]),
        # Few among the rows, not among the different values.
        (["7"] * 40 + ["ten", "eleven"], Type.NUMBER, [40, 41]),
        ([*map(str, range(40)), *["none"] * 20], Type.TEXT, []),
        # Codes count nothing, however many of them are digits alone.
        ([*map(str, range(10, 60)), "2A"], Type.TEXT, []),
        ([*map(str, range(10, 60)), "18-25"], Type.TEXT, []),
        ([*map(str, range(10, 60)), "007"], Type.TEXT, []),
        (["yes", "no", "yes", "maybe"], Type.TEXT, []),
    ],
)
def test_the_type_of_all_but_few(values, type_, bad):
    inferred, kept, rejects = load(column(values))
    assert inferred.columns[1].type is type_
    assert [(reject.row - 1, reject.line, reject.value) for reject in rejects] == [(i, i + 2, values[i]) for i in bad]
    assert kept == [f"c{i}" for i in range(len(values)) if i not in bad]


def test_what_does_not_fit_is_told_beforehand_with_the_way_to_keep_it():
    text = column(["2024-01-05", "2024-02-30", "2024-03-01"])
    inferred, *_ = load(text)
    [notice] = inferred.notices
    assert notice.code == "mixed-types"
    assert "1 of 3 values looked at is no date: '2024-02-30'" in notice.message
    assert "x=text" in notice.hint
    inferred, kept, rejects = load(text, types={"x": Type.TEXT})
    assert (len(kept), rejects, inferred.notices) == (3, [], ())


def test_a_column_that_most_values_would_make_another_is_told():
    text = column(["10", "ten", "30"])
    inferred, kept, _ = load(text)
    [notice] = inferred.notices
    assert "'ten'" in notice.message
    assert "x=number" in notice.hint
    assert len(kept) == 3
    inferred, kept, rejects = load(text, types={"x": Type.NUMBER})
    assert (inferred.columns[1].type, inferred.columns[1].decimals) == (Type.NUMBER, 0)
    assert (kept, [reject.value for reject in rejects]) == (["c0", "c2"], ["ten"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-02-30", "February 2024 has 29 days"),
        ("2023-02-29", "February 2023 has 28 days"),
        ("31/04/2024", "April 2024 has 30 days"),
        ("31.02.24", "February 2024 has 29 days"),
        ("2024-13-01", "there is no month 13"),
        ("01/31/2024", "there is no month 31"),
        ("2024-00-10", "there is no month 0"),
        ("soon", "is not a date such as 2026-06-30"),
    ],
)
def test_an_impossible_day_says_why(value, said):
    _, _, [reject] = load(column([value]), types={"x": Type.DATE}, date_order=DateOrder.DAY_FIRST)
    assert said in reject.problem.message
    assert (reject.problem.code, reject.line, reject.column) == ("bad-date", 2, "x")


def test_the_row_that_ends_a_reading_says_what_it_is_given_to_say():
    file = io.BytesIO(column(["2024-01-05", "2024-02-30", "2024-03-01"]).encode())
    inferred = infer(file, Kind.CONTACTS, Schema("UTC"))
    with pytest.raises(DataError) as caught:
        list(read(file, inferred, Schema("UTC"), advice="mend it"))
    [problem] = caught.value.problems
    assert "line 3, column 2 (x)" in problem.message
    assert problem.hint == "mend it"


def test_a_mistake_does_not_turn_the_order_of_dates():
    first = ["12/31/2024", "01/02/2024", "03/14/2024", "31/31/2024"]
    inferred, kept, _ = load(column(first))
    assert inferred.dialect.date_order is DateOrder.MONTH_FIRST
    assert kept == ["c0", "c1", "c2"]


def test_a_word_does_not_hide_the_decimal_comma():
    inferred, kept, _ = load(column(["12,50", "3,25", "1 200,5", "unknown"]))
    assert (inferred.dialect.decimal, inferred.dialect.thousands) == (",", " ")
    assert kept == ["c0", "c1", "c2"]


def test_a_misfit_is_shown_as_it_is_written():
    inferred, *_ = load(column(["12,50", "3,25", "1.200,50", "n.a."]))
    [notice] = inferred.notices
    assert "'n.a.'" in notice.message


def test_json_values_of_another_type_than_most_are_the_ones_rejected():
    lines = [{"id": "a", "n": 1}, {"id": "b", "n": 2.5}, {"id": "c", "n": "abc"}, {"id": "d"}, {"id": "e", "n": 4}]
    text = "\n".join(map(json.dumps, lines))
    inferred, kept, [reject] = load(text, format=Format.NDJSON)
    assert inferred.columns[1].type is Type.NUMBER
    assert [notice.code for notice in inferred.notices] == ["mixed-types"]
    assert kept == ["a", "b", "d", "e"]
    assert (reject.row, reject.column, reject.problem.code) == (3, "n", "wrong-type")


CELLS = ["2024-02-29", "2024-02-30", "7", "1,5", "x", "2A", "", "true", "31/02/2024"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(CELLS), max_size=30))
def test_every_row_is_kept_or_rejected(values):
    _, kept, rejects = load(column(values))
    rejected = [reject.raw.split(";")[0] for reject in rejects]
    assert sorted(kept + rejected) == sorted(f"c{i}" for i in range(len(values)))
