"""Modes: each can be asked for, what one finds is kept when it fails, and a run at the smallest size finds it all."""

import json
import os
import sys
from time import monotonic, process_time, sleep

import pytest
from click.testing import CliRunner

from bench import running
from bench.__main__ import main
from bench.concluding import concluded, troubles
from bench.course import Course
from bench.generate import Files, Size
from bench.machine import memory_of, processes_of, processor_seconds
from bench.modes import MODES, measure_of
from bench.modes.profile import slowest_queries
from bench.running import group, one, part_file, written
from bench.timing import Times, repeated
from bench.workload import Query


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("modes")


@pytest.fixture(scope="module")
def found(folder):
    """A whole run, as somebody at a prompt would make it, of the modes that are quick."""
    modes, target = "import,inprocess,profile,http,mixed", folder / "run.json"
    options = ["--size", "T", "--modes", modes, "--peers", "duckdb", "--family", "tags"]
    times = ["--seconds", "0.02", "--load-seconds", "0.2"]
    places = ["--files", str(folder / "files"), "--work", str(folder / "work"), "-o", str(target)]
    result = CliRunner().invoke(main, ["run", *options, *times, *places])
    assert result.exit_code == 0, result.output
    return json.loads(target.read_text()) | {"told": result.output}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_a_way_of_measuring(mode):
    assert callable(measure_of(mode))


def test_a_run_finds_what_each_mode_is_for(found):
    assert found["failed"] == {}
    assert found["import"]["contacts"] == Size.T.contacts
    assert found["import"]["events"] == sum(int(Size.T.events * share) for share in (0.45, 0.22, 0.06, 0.22, 0.05))
    for query in found["inprocess"]["queries"]:
        times, phases = query["times"], query["phases"]
        assert query["ratios"]["duckdb"] == pytest.approx(times["duckdb"]["p50"] / times["tamis"]["p50"])
        assert phases["prepare"]["p50"] < times["tamis"]["p50"]
        assert phases["execute"]["p50"] < times["tamis"]["p50"]
    for inside, outside in zip(found["inprocess"]["queries"], found["http"]["queries"], strict=True):
        assert outside["counts"] == inside["counts"]
        assert outside["floor"]["count"] >= 3
    for workers in ("1", "2"):
        counts = found["mixed"][workers]["counts"]
        assert counts["done"] + counts["unanswered"] == 100
        events = found["mixed"][workers]["events"]
        assert events["done"] + events["unanswered"] == 4


def test_a_run_profiles_its_slowest_queries_and_says_what_bounds_them(found, folder):
    assert all(which.startswith("tags, ") for which in found["profile"])
    for which, profile in found["profile"].items():
        shares = [each["share"] for each in profile["bounds"]]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1
        assert 0 <= profile["kernels"] <= 1
        assert profile["bounds"][0]["function"] in found["told"]
        assert profile["expression"].split()[0] in profile["plan"]
        assert (folder / f"run.{which.replace(', ', '-').replace(' ', '-')}.profile.txt").exists()
    assert len(found["profile"]) == 1


def test_a_profile_without_times_says_what_it_needs(folder, tmp_path):
    course = Course(Size.T, Files(folder / "files"), tmp_path)
    ((said, result),) = measure_of("profile")(course, {})
    assert "--modes inprocess,profile" in said
    assert result == {}


def test_a_run_tells_every_query_and_target_as_it_goes(found):
    for query in found["inprocess"]["queries"]:
        assert f"{query['family']}, {query['name']}" in found["told"]
    for row in found["targets"]:
        assert row["work"] in found["told"]


def test_counts_over_http_that_differ_are_a_trouble(found):
    found["http"]["queries"][0]["counts"][2] += 1
    assert any("in process" in trouble and "over HTTP" in trouble for trouble in troubles(concluded(found)))


def test_what_a_mode_found_before_it_failed_is_kept(found, folder):
    """Without files nothing can be raced: a mode says so in its last line, and nothing of the others is lost."""
    nowhere = folder / "nowhere"
    nowhere.mkdir()
    Course(Size.T, Files(nowhere), nowhere, seconds=0.01).write(nowhere / "course.json")
    (nowhere / "so_far.json").write_text("{}")
    failure = one("inprocess", nowhere, 1, print)
    assert failure is not None
    assert "exit code" in failure
    assert not part_file(nowhere, "inprocess").exists()
    assert troubles({"failed": {"inprocess": failure}}) == [f"inprocess failed: {failure.splitlines()[-1]}"]


def test_what_a_mode_found_is_kept_when_the_run_is_broken_off(tmp_path, monkeypatch):
    """Startup would come next, but somebody loses patience while queries are asked."""

    def broken_off(mode, folder, minutes, say):
        written({"queries": []}, part_file(folder, mode))
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "one", broken_off)
    target, course = tmp_path / "run.json", Course(Size.T, Files(tmp_path), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        running.run(course, ["http", "startup"], target, 1, print, {"memory": {"ready": {}}, "failed": {}})
    kept = json.loads(target.read_text())
    assert kept["http"] == {"queries": []}
    assert kept["memory"] == {"ready": {}}
    assert kept["failed"] == {"http": "interrupted"}
    assert "startup" not in kept


def test_modes_are_added_to_a_run_of_the_same_size(found, folder):
    target = folder / "run.json"
    places = ["--files", str(folder / "files"), "--work", str(folder / "work"), "-o", str(target), "--add"]
    result = CliRunner().invoke(main, ["run", "--size", "T", "--modes", "completion", *places])
    assert result.exit_code == 0, result.output
    added = json.loads(target.read_text())
    assert added["completion"]["again"]["count"] > 100
    assert added["inprocess"] == found["inprocess"]
    result = CliRunner().invoke(main, ["run", "--size", "S", "--modes", "completion", *places])
    assert result.exit_code == 2
    assert "is a run of size T" in result.output


def test_a_mode_that_is_ended_takes_its_children_along(tmp_path):
    sleeping = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with (tmp_path / "err").open("wb") as errors, group([sys.executable, "-c", sleeping], errors) as process:
        while len(family := processes_of(process.pid)) < 2:
            sleep(0.01)
    stop_at = monotonic() + 5
    while any(is_running(pid) for pid in family) and monotonic() < stop_at:
        sleep(0.01)
    assert not any(is_running(pid) for pid in family)


def is_running(pid):
    """Not ended, nor only waiting for its parent to notice."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_unknown_modes_and_peers_are_named_with_those_there_are():
    for option, known in (("--modes", "openloop"), ("--peers", "chdb")):
        result = CliRunner().invoke(main, ["run", option, "inprocess,nonsense" if option == "--modes" else "nonsense"])
        assert result.exit_code == 2
        assert "nonsense; there are" in result.output
        assert known in result.output


def test_work_is_repeated_for_its_time_but_at_least_thrice_unless_even_that_takes_too_long():
    taken = repeated(sleep, iter([0.02] * 100), 0.2, 10)
    assert 3 < len(taken) <= 11
    assert len(repeated(sleep, iter([0.001] * 100), 0.0, 10, least=30)) == 30
    assert len(repeated(sleep, iter([0.05] * 100), 0.0, 10)) == 3
    assert len(repeated(sleep, iter([0.05] * 100), 0.0, 0.01)) == 1


def test_percentiles_are_values_that_were_measured():
    times = Times.of([each / 1000 for each in range(1, 1001)])
    assert times.count == 1000
    assert (times.p50, times.p90, times.p99, times.p999, times.worst) == pytest.approx((501, 901, 991, 1000, 1000))
    assert Times.of([2.0]).p999 == 2000


def test_the_spread_is_that_of_the_medians_of_fifths_in_the_order_in_which_they_were_run():
    times = Times.of([1, 1, 9, 2, 2, 9, 5, 5, 9, 3, 3, 9, 4, 4, 9])
    assert (times.low, times.high) == (1000, 5000)
    assert (Times.of([3, 1]).low, Times.of([3, 1]).high) == (1000, 3000)


def test_the_slowest_query_of_each_of_the_slowest_families_is_profiled():
    took = {("a", "1"): 5, ("a", "2"): 9, ("b", "1"): 7, ("c", "1"): 1, ("d", "1"): 2, ("e", "1"): 99}
    asked = [
        {"family": family, "name": name, "times": {"tamis": {}}, "phases": {"execute": {"p50": milliseconds}}}
        for (family, name), milliseconds in took.items()
    ]
    chosen = [Query(*each, "points > 1", "", {}) for each in took if each != ("e", "1")]
    slowest = slowest_queries({"inprocess": {"queries": asked}}, chosen)
    assert [(query.family, query.name) for query in slowest] == [("a", "2"), ("b", "1"), ("d", "1")]
    assert slowest_queries({}, chosen) == []


def test_the_processor_time_of_a_process_is_what_it_worked():
    before, own = processor_seconds(os.getpid()), process_time()
    while process_time() - own < 0.2:
        pass
    assert processor_seconds(os.getpid()) - before == pytest.approx(process_time() - own, abs=0.05)


def test_the_memory_of_a_process_is_at_least_what_it_holds():
    before, held = memory_of(), bytearray(os.urandom(1 << 20) * 64)
    assert memory_of().anonymous - before.anonymous == pytest.approx(len(held), rel=0.2)
    after = memory_of()
    assert after.anonymous + after.mapped == pytest.approx(after.resident, rel=0.05)
    assert after.proportional <= after.resident <= after.peak
