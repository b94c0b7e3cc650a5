"""What is made of a run: the page, and the comparison of two. `run.json` is a run of size T, stored."""

import copy
import json
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import measures, verdicts
from bench.__main__ import main, show
from bench.comparing import FIGURES, changes, remarks
from bench.concluding import concluded, tables
from bench.modes import MODES
from bench.plots import Scale
from bench.readme import BEGIN, END, block, rows, table, written
from bench.readme import heads as readme_heads
from bench.report import NAMES, page
from bench.telling import duration, title
from bench.verdicts import Measured
from bench.workload import families

STORED = Path(__file__).with_name("run.json")
VOID = {"meta"}


@pytest.fixture
def run():
    return concluded(json.loads(STORED.read_text()))


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.links = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    page = Balanced()
    page.feed(text.replace("<br>", "<br/>"))
    return page


def test_the_page_has_every_query_contender_and_target_and_fetches_nothing(run):
    text = page([run])
    assert parsed(text).open == []
    assert parsed(text).links == []  # not even within the page, which is of one run
    assert "url(" not in text
    assert "@import" not in text
    assert text.count('<circle class="duckdb"') == len(run["inprocess"]["queries"])
    assert text.count('<circle class="http"') == len(run["http"]["queries"])
    assert text.count('<rect class="duckdb') == 2 * len(run["inprocess"]["queries"])
    for query in run["inprocess"]["queries"]:
        assert query["name"] in text
    for name in ("Tamis", "Tamis over HTTP", "DuckDB", "ClickHouse"):
        assert name in text
    for row in run["targets"]:
        assert escape(row["work"]) in text
    for rate in run["openloop"]["everyday"]["rates"]:
        assert f"{rate['intended']:,}/s, 99 %" in text
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("mode", [*MODES, None])
def test_a_page_and_tables_are_made_of_whatever_there_is(run, mode):
    """Of a run in which one mode found nothing, or none found anything."""
    for missing in MODES if mode is None else (mode,):
        run.pop(missing, None)
    again = concluded(run)
    assert parsed(page([again])).open == []
    assert list(tables(again))
    assert written(f"{BEGIN}{END}", again).endswith(END)


def grown(run, times, tail):
    """The same at size S, which has 50 times the contacts and events of T."""
    larger = copy.deepcopy(run)
    larger["size"] = "S"
    for query in larger["inprocess"]["queries"]:
        query["times"]["tamis"] |= {"p50": query["times"]["tamis"]["p50"] * times, "p99": tail}
    return concluded(larger)


def test_the_page_tells_how_times_grew(run):
    text = page([grown(run, 13, 99.0), run])
    assert parsed(text).open == []
    assert "From T to S" in text
    cells = '<td class="missed">13×</td><td class="met">0.26× of 50×</td><td class="met">99 ms</td>'
    assert text.count(cells) == len(run["inprocess"]["queries"])
    assert "From T" not in page([run])


def test_the_page_has_what_is_asked_beside_what_was_measured_at_each_size(run):
    """Judged where it is asked for: memory at L, not at T."""
    first, second = copy.deepcopy(run), grown(run, 70, 1.0)
    second["size"] = "L"
    for each, resident in ((first, 5), (second, 4)):
        each["memory"]["serving"]["resident"] = resident << 30
    text = page([concluded(second), concluded(first)])
    row = text[text.index("<td>memory, serving</td>") :]
    row = row[: row.index("</tr>")]
    assert "≤ 3.00 GiB <span class='quiet'>at L</span><br>≤ 14.00 GiB <span class='quiet'>at XL</span></td>" in row
    assert '<td class="quiet">5.00 GiB</td><td class="missed">4.00 GiB</td>' in row
    assert "growth from T to L" not in text
    assert text.count('<h1 id="') == 2


def at_both(run, times):
    """Runs at L and XL, the latter so many times as slow, some milliseconds."""
    smaller, larger = copy.deepcopy(run), grown(run, times, 1.0)
    smaller["size"], larger["size"] = "L", "XL"
    for query in larger["inprocess"]["queries"]:
        query["phases"]["execute"]["p50"] *= times
    return [concluded(smaller), concluded(larger)]


@pytest.mark.parametrize(("times", "met"), [(11.9, True), (12.1, False)])
def test_growth_is_asked_from_l_to_xl(run, times, met):
    found = {row.work: row for row in verdicts.rows(at_both(run, times))}
    for of in ("from text to count", "the plan alone"):
        row = found[f"growth from L to XL, {of}"]
        assert row.measured == [None, Measured(f"{times}×", met)]
        assert row.asked == {"XL": "12×"}
    assert not any("growth" in row.work for row in verdicts.rows([run]))


def test_a_99th_percentile_of_few_times_is_told_as_such(run):
    for query in run["inprocess"]["queries"]:
        query["times"]["tamis"]["count"] = 4
    slowest = next(row for row in verdicts.rows([concluded(run)]) if row.work.startswith("99th"))
    assert slowest.measured[0].told.endswith(" of 4")
    for query in run["inprocess"]["queries"]:
        query["times"]["tamis"]["count"] = 30
    slowest = next(row for row in verdicts.rows([concluded(run)]) if row.work.startswith("99th"))
    assert " of " not in slowest.measured[0].told


def test_figures_are_judged_at_the_sizes_that_they_are_asked_for_alone(run):
    found = verdicts.rows([run])
    assert {each.met for row in found for each in row.measured if each is not None} == {None}
    assert verdicts.summed_up(found, ["T"]) == (0, 0, 0)
    both = verdicts.rows(at_both(run, 2))
    met, judged, missing = verdicts.summed_up(both, ["L", "XL"])
    judged_at = {row.work: [each and each.met is not None for each in row.measured] for row in both}
    assert judged_at["memory, serving"] == [True, True]
    assert judged_at["99th percentile of the slowest query"] == [False, True]
    assert judged_at["import of contacts from CSV"] == [True, False]
    assert 0 < met <= judged
    assert missing == sum(row.measured[0] is None and "L" in row.asked for row in both)


def test_the_report_tells_what_was_asked_as_text_too(run, tmp_path):
    paths = [tmp_path / f"{each['size']}.json" for each in at_both(run, 13)]
    for path, each in zip(paths, at_both(run, 13), strict=True):
        path.write_text(json.dumps(each))
    result = CliRunner().invoke(main, ["report", *map(str, reversed(paths)), "-o", str(tmp_path / "r.html")])
    assert result.exit_code == 0
    assert "growth from L to XL, the plan alone" in result.output
    assert re.search(r"\d+ of \d+ figures that are asked for at L and XL are met", result.output)
    assert '<a href="#XL">' in (tmp_path / "r.html").read_text()


def test_the_page_has_what_bounds_the_slowest_and_which_estimates_are_far_off(run):
    bounds = [{"function": "a.py:7 <lambda>", "share": 0.625}, {"function": "b.py:1 run", "share": 0.25}]
    profile = {"asked": 7, "expression": "points > 1", "plan": "", "own": "", "with_called": "", "kernels": 0.5}
    costs = [{"expression": name, "estimated": 5.0, "actual": actual} for name, actual in (("a", 4.0), ("b", 0.1))]
    text = page(
        [run | {"profile": {"ranges, above": profile | {"bounds": bounds}}, "costs": {**run["costs"], "costs": costs}}]
    )
    assert parsed(text).open == []
    assert "50% of the time in native kernels" in text
    assert "<code>a.py:7 &lt;lambda&gt;</code></td><td>62%</td>" in text
    assert text.index('<td class="missed">50× too high</td>') < text.index('<td class="quiet">1.2× too high</td>')
    assert "within 26× in the median; 1 more than 10× off" in text


def test_two_workers_are_judged_with_the_client_and_told_without_it():
    """One keeps 0.9 cores busy, two 1.6, as the client needs the rest: a second serves the same, so twice as much."""
    times = {"p50": 1.0, "p99": 2.0}
    one = {"rate": 900.0, "server_ms_each": 1.0, "client_ms_each": 0.1, "connections": 4, "times": times}
    told = dict(measures.shared({"1": one, "2": one | {"rate": 1600.0, "client_ms_each": 0.2}}))
    assert told["2 workers against 1, counts a second"] == "1.78×"
    assert told["the same by what a second of processor time serves, so without the client's share"] == "2.00×"
    assert "keep 1.60 and 0.32 cores busy; 1,000 counts" in told["processor time of each, 2 worker(s)"]


def test_a_peer_that_is_absent_is_told(run):
    run["inprocess"]["absent"] = {"postgres": "pip install 'tamis[bench]'"}
    assert "postgres did not take part: pip install 'tamis[bench]'" in list(tables(concluded(run)))
    assert "postgres did not take part" in page([concluded(run)])


def test_brackets_in_what_is_told_are_no_markup(capsys):
    show(iter(["pip install 'tamis[bench]'"]))
    assert capsys.readouterr().out == "pip install 'tamis[bench]'\n"


def test_the_page_has_the_profiles_of_the_slowest(run):
    profile = {"asked": 7, "expression": "points > 1", "plan": "scan <all>", "own": "1 call", "with_called": "2 calls"}
    text = page([run | {"profile": {"ranges, above": profile}}])
    assert parsed(text).open == []
    assert "<h3>ranges, above</h3>" in text
    assert "<pre>scan &lt;all&gt;</pre>" in text
    assert "with what is called, over 7 counts" in text


def test_what_a_peer_did_not_answer_is_told_and_in_no_mean(run):
    first, second, third = run["inprocess"]["queries"][:3]
    for query, ratio in ((first, 4.0), (second, 9.0)):
        query["times"]["duckdb"]["p50"] = query["times"]["tamis"]["p50"] * ratio
    for query, reason in ((third, "> 30 s"),):
        del query["times"]["duckdb"], query["ratios"]["duckdb"]
        query["untimed"] = {"duckdb": reason}
    run["inprocess"]["queries"] = [first, second, third]
    found = concluded(run)["ratios"]["inprocess"]["duckdb"]
    assert found["queries"] == 2
    assert found["geometric_mean"] == pytest.approx(6)
    assert found["unanswered"] == {f"{third['family']}, {third['name']}": "> 30 s"}
    told = [shown for shown in tables(concluded(run)) if isinstance(shown, str)]
    assert f"duckdb: 1 left out, as it did not answer (> 30 s: {third['family']}, {third['name']})" in told
    assert escape("> 30 s") in page([concluded(run)])
    assert re.search(rf"\| {title(third['family'])} .*1 of \d > 30 s", table(run))


def test_what_is_asked_cannot_become_markup(run):
    run["inprocess"]["queries"][0]["expression"] = 'country = "<script>alert(1)</script>"'
    assert "<script" not in page([run])


def test_faster_is_further_left(run):
    scale = Scale.of([0.05, 30])
    assert scale.ticks == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert scale.at(0.05) < scale.at(0.5) < scale.at(30)
    assert scale.at(1) - scale.at(0.1) == pytest.approx(scale.at(100) - scale.at(10))


@pytest.mark.parametrize(
    ("milliseconds", "told"), [(0.0123, "12.3 µs"), (0.5, "500 µs"), (1.2345, "1.23 ms"), (2500, "2.5 s")]
)
def test_durations_are_told_in_the_unit_that_suits(milliseconds, told):
    assert duration(milliseconds) == told


@pytest.mark.parametrize("figure", FIGURES)
def test_a_run_compared_with_itself_has_not_changed(run, figure):
    assert {change.factor for change in changes(run, run, figure)} == {1.0}
    assert all("1.00 times as long" in remark for remark in remarks(run, run))


def test_a_comparison_tells_what_is_slower_and_what_else_changed(run):
    later = copy.deepcopy(run)
    later["size"] = "S"
    later["machine"]["cores"] = 64
    slower = later["inprocess"]["queries"][1]
    slower["times"]["tamis"]["p50"] *= 3
    dropped = later["inprocess"]["queries"].pop(0)
    factors = {change.query: change.factor for change in changes(run, later, "total")}
    assert factors.pop((slower["family"], slower["name"])) == pytest.approx(3)
    assert set(factors.values()) == {1.0}
    said = "\n".join(remarks(run, later))
    assert "the sizes differ: T and S, 50 times the contacts and 50 times the events" in said
    assert f"cores: {run['machine']['cores']} and 64" in said
    assert f"in the first run alone: {dropped['family']}, {dropped['name']}" in said
    assert re.search(r"duckdb \(\S+\): 1\.00 times as long", said)


def spread(run, low, high):
    """A run whose fifths lie between these parts of their medians."""
    for query in run["inprocess"]["queries"]:
        for each in query["times"].values():
            each |= {"low": each["p50"] * low, "high": each["p50"] * high}
    return run


def times_as_long(run, contender, factor):
    later = copy.deepcopy(run)
    for query in later["inprocess"]["queries"]:
        for name in ("p50", "low", "high"):
            query["times"][contender][name] *= factor
    return later


def beyond(before, after):
    return {change.beyond_spread for change in changes(before, after, "total")}


def test_what_changed_less_than_a_run_moves_is_within_the_spread(run):
    assert beyond(run, run) == {None}
    run = spread(run, 0.9, 1.1)
    assert beyond(run, run) == {False}
    assert beyond(run, times_as_long(run, "tamis", 1.2)) == {False}
    assert beyond(run, times_as_long(run, "tamis", 1.3)) == {True}
    assert beyond(run, times_as_long(run, "tamis", 0.7)) == {True}


def test_what_changed_as_the_machine_did_is_within_the_spread(run):
    """Known by the peers: at other versions they tell nothing."""
    run = spread(run, 0.99, 1.01)
    later = times_as_long(times_as_long(run, "tamis", 1.3), "duckdb", 1.4)
    assert beyond(run, later) == {False}
    later["inprocess"]["versions"]["duckdb"] = "another"
    assert beyond(run, later) == {True}
    assert beyond(run, times_as_long(run, "tamis", 1.04)) == {False}


def test_a_comparison_names_both_runs_and_counts_what_changed(run, tmp_path):
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(spread(run, 0.9, 1.1)))
    after.write_text(json.dumps(times_as_long(run, "tamis", 2)))
    result = CliRunner().invoke(main, ["compare", str(before), str(after)])
    asked = len(run["inprocess"]["queries"])
    assert f"before.json: size T, Tamis {run['tamis']}, " in result.output
    assert f"of {asked} queries {asked} are slower and 0 faster beyond the spread" in result.output


def test_runs_of_other_sizes_are_not_compared_but_by_how_times_grow(run, tmp_path):
    larger = tmp_path / "larger.json"
    larger.write_text(json.dumps(grown(run, 8, 1.0)))
    for arguments in ([str(STORED), str(larger)], [str(larger), str(STORED), "--growth"]):
        result = CliRunner().invoke(main, ["compare", *arguments])
        assert result.exit_code == 2
        assert "--growth" in result.output


def test_comparing_ends_with_1_when_something_takes_too_many_times_as_long(run, tmp_path):
    slower = run["inprocess"]["queries"][1]
    slower["times"]["tamis"]["p50"] *= 1.5
    later = tmp_path / "later.json"
    later.write_text(json.dumps(run))
    for limit, code in (("1.6", 0), ("1.4", 1)):
        result = CliRunner().invoke(main, ["compare", str(STORED), str(later), "--fail-above", limit])
        assert result.exit_code == code
        assert (f"{slower['family']}, {slower['name']}: 1.50 times as long" in result.output) == bool(code)
    assert CliRunner().invoke(main, ["compare", str(later), str(STORED), "--fail-above", "1.4"]).exit_code == 0


def test_growth_tells_how_times_grew_and_which_tails_are_too_long(run, tmp_path):
    later = tmp_path / "later.json"
    later.write_text(json.dumps(grown(run, 8, 123.0)))
    result = CliRunner().invoke(main, ["compare", str(STORED), str(later), "--growth"])
    assert result.exit_code == 0
    assert result.output.count("8.0×") == len(run["inprocess"]["queries"])
    assert "123 ms" in result.output
    assert f"0 of {len(run['inprocess']['queries'])} queries grew more than 12 times" in result.output
    assert "0 grew more than 1.2 times as much as the data that they read" in result.output
    assert f"{len(run['inprocess']['queries'])} have a 99th percentile above 100 ms" in result.output


def test_the_commands_say_what_is_wrong_with_a_file(tmp_path):
    other = tmp_path / "other.json"
    for content, told in (("{", "is not JSON"), ("[]", "is not a run")):
        other.write_text(content)
        result = CliRunner().invoke(main, ["compare", str(STORED), str(other)])
        assert result.exit_code == 1
        assert told in result.output


def test_the_commands_write_a_page_and_a_table(tmp_path):
    out = tmp_path / "report.html"
    assert CliRunner().invoke(main, ["report", str(STORED), "-o", str(out)]).exit_code == 0
    assert out.read_text().startswith("<!doctype html>")
    result = CliRunner().invoke(main, ["compare", str(STORED), str(STORED)])
    assert result.exit_code == 0
    assert "1.00" in result.output


def test_the_tables_of_a_readme_are_written_between_its_markers(run, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    command = ["report", str(STORED), "-o", str(tmp_path / "report.html"), "--readme", str(readme)]
    assert CliRunner().invoke(main, command).exit_code == 0
    before, after = readme.read_text().split(block(run))
    assert (before, after) == (f"before\n\n{BEGIN}\n", f"{END}\n\nafter\n")
    assert CliRunner().invoke(main, command).exit_code == 0
    assert readme.read_text() == before + block(run) + after


def test_a_readme_without_markers_is_left_as_it_is(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"{END} nothing {BEGIN}")
    result = CliRunner().invoke(main, ["report", str(STORED), "-o", str(tmp_path / "r.html"), "--readme", str(readme)])
    assert result.exit_code == 1
    assert f"there is no {BEGIN} with {END} after it" in result.output
    assert readme.read_text() == f"{END} nothing {BEGIN}"


def test_a_family_is_told_by_the_geometric_mean_and_its_ratio_to_tamis_over_http(run):
    asked, over = run["inprocess"]["queries"][:2], run["http"]["queries"][:2]
    assert len({each["family"] for each in asked}) == 1
    for query, http, theirs, ours in zip(asked, over, (2.0, 8.0), (1.0, 2.0), strict=True):
        query["times"] = {"tamis": {"p50": 0.1}, "duckdb": {"p50": theirs}}
        http["times"]["p50"] = ours
    run["inprocess"]["queries"], run["http"]["queries"] = asked, over
    assert table(run).splitlines() == [
        "| family | Tamis | Tamis over HTTP | DuckDB |",
        "|---|---|---|---|",
        f"| {title(asked[0]['family'])} | 100 µs | 1.41 ms | 4 ms (2.8×) |",
    ]


def test_the_readme_has_tables_of_the_form_that_a_run_gives():
    text = Path("README.md").read_text()
    _, begin, rest = text.partition(BEGIN)
    made, end, _ = rest.partition(END)
    assert (begin, end) == (BEGIN, END)
    assert re.match(
        r"\n`python -m bench run --size (S|M|L|XL)`, 20\d\d-\d\d-\d\d: [\d,]+ contacts, [\d,]+ events;\n", made
    )
    first, second = (part.splitlines() for part in made.strip().split("\n\n")[1:])
    names = {shown: name for name, shown in NAMES.items()}
    heads = first[0].strip("| ").split(" | ")
    assert first[0] == next(rows([readme_heads([names[head] for head in heads[1:]])]))
    assert {line.split(" | ")[0].strip("| ") for line in first[2:]} == {title(family) for family in families()}
    time, missing = r"[\d.]+ (µs|ms|s)", r", \d+ of \d+ [^|]+"
    for line in first[2:]:
        assert re.fullmatch(
            rf"\| [\w ]+ \| {time} \| {time} (\|  |\| {time} \([\d.,]+×\)({missing})* |\| \d+ of \d+ [^|]+ )+\|", line
        ), line
    assert second[0] == "| what | measured |"
