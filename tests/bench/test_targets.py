"""Targets: every row is judged by something there is, by the worst of what it names, and in the right direction."""

import json
from pathlib import Path

import pytest

from bench.generate import Size
from bench.judging import AboveConstant, AgainstFloor, Beyond, Execution, Found, Named, Unit, WorstTail, measured
from bench.ratios import summary
from bench.targets import TARGETS, judged
from bench.workload import queries

STORED = Path(__file__).with_name("run.json")


@pytest.fixture
def run():
    return json.loads(STORED.read_text())


def query(family, name, execute, total=None, **others):
    """A query of a run: `execute` and `total` are (median, 99th percentile)."""
    times = {"tamis": times_of(total or execute), **{name: times_of(each) for name, each in others.items()}}
    return {"family": family, "name": name, "times": times, "phases": {"execute": times_of(execute)}, "untimed": {}}


def times_of(pair):
    return {"p50": pair[0], "p99": pair[1], "count": 100}


def made_up(*asked, **others):
    return {"size": "L", "inprocess": {"versions": {"tamis": "1", "duckdb": "2"}, "queries": list(asked)}, **others}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.work)
def test_each_row_names_queries_that_there_are_and_sizes(target):
    assert target.limits.keys() <= {size.name for size in Size}
    match target.judge:
        case Execution(named) | AgainstFloor(named):
            for some in named:
                known = {each.name for each in queries() if each.family == some.family}
                assert known
                assert set(some.names) <= known
        case _:
            assert target.judge is not None


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.work)
def test_what_is_found_by_a_path_is_what_a_run_has(target, run):
    """All but what workers do, which the stored run has not."""
    if isinstance(target.judge, Found | Beyond):
        assert measured(target.judge, run) is not None


def test_a_row_is_judged_by_the_slowest_median_and_the_worst_tail():
    run = made_up(query("tags", "has", (0.05, 0.5)), query("tags", "has any of three", (0.07, 0.08)), ratios={})
    row = next(each for each in judged(run) if each["work"].startswith("tags"))
    assert (row["value"], row["worst"], row["met"]) == (0.07, "tags, has any of three", False)
    assert (row["tail"], row["tail_at"], row["long_tail"]) == (pytest.approx(10), "tags, has", True)
    assert (row["measured"], row["asked"], row["asked_at"]) == ("70 µs", "60 µs", "L")


def test_more_is_better_where_at_least_is_asked():
    def met(rate):
        run = made_up(ratios={}, **{"import": {"events_a_second": rate, "contacts_seconds": 9.0}})
        return [each["met"] for each in judged(run) if each["work"] == "import of events from Parquet"]

    assert met(599_999) == [False]
    assert met(600_001) == [True]


def test_what_was_not_measured_is_told_as_such():
    assert {each["measured"] for each in judged(made_up(ratios={}))} == {None}


def test_the_floor_is_beside_what_the_plan_takes():
    run = made_up(
        query("attributes", "two", (0.04, 0.1), (0.4, 0.5), floor=(0.01, 0.02)),
        query("attributes", "three", (0.06, 0.1)),
        query("tags", "has", (1, 1), floor=(0.01, 0.01)),
    )
    assert measured(AgainstFloor((Named("attributes"),)), run).value == pytest.approx(4)


def test_http_is_judged_above_the_constant_and_the_query():
    """By the median of what remains of 0.9, 1.0 and 5.0 without the constant's 0.2 and the query's 0.4."""
    asked = [query("tags", name, (0.1, 0.2), (0.4, 0.6)) for name in ("a", "b", "c")]
    over = [
        {"family": "tags", "name": name, "times": times_of((total, 9)), "floor": times_of((0.2, 1))}
        for name, total in (("a", 0.9), ("b", 5.0), ("c", 1.0))
    ]
    figure = measured(AboveConstant(), made_up(*asked, http={"queries": over}))
    assert figure.value == pytest.approx(0.4)
    assert figure.worst == "at most 4.4 ms: tags, b"
    ours = [each | {"alive": times_of((0.1, 1))} for each in over]
    assert measured(AboveConstant(), made_up(*asked, http={"queries": ours})).value == pytest.approx(0.5)


def test_the_worst_tail_is_of_the_whole_query():
    run = made_up(query("tags", "has", (1, 2), (2, 30)), query("tags", "none", (5, 6), (6, 7)))
    assert (measured(WorstTail(), run).value, measured(WorstTail(), run).worst) == (30, "tags, has")


def test_ratios_are_to_tamis_in_process_and_over_http():
    asked = [query("a", "x", (1, 1), duckdb=(8, 9)), query("a", "y", (2, 2), duckdb=(4, 9)), query("b", "z", (1, 1))]
    over = [{"family": "a", "name": "x", "times": times_of((4, 5))}, {"family": "b", "name": "z", "untimed": "refused"}]
    found = summary(made_up(*asked, http={"queries": over}))
    assert found["inprocess"]["duckdb"]["geometric_mean"] == pytest.approx(4)
    assert (found["inprocess"]["duckdb"]["smallest"], found["inprocess"]["duckdb"]["smallest_at"]) == (2, "a, y")
    summed_up = {"queries": 1, "smallest": 2, "smallest_at": "a, x", "geometric_mean": 2, "unanswered": {}}
    assert found["http"]["duckdb"] == summed_up


@pytest.mark.parametrize(
    ("unit", "value", "told"),
    [
        (Unit.MILLISECONDS, 0.06, "60 µs"),
        (Unit.SECONDS, 8, "8 s"),
        (Unit.BYTES, 3 << 30, "3.00 GiB"),
        (Unit.RATE, 600_000, "600,000/s"),
        (Unit.TIMES, 1.7, "1.7×"),
    ],
)
def test_figures_are_told_in_their_unit(unit, value, told):
    assert unit.told(value) == told
