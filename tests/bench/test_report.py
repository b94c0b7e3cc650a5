"""What is made of a run: the page, and the comparison of two. `run.json` is a run of size T, stored."""

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.comparing import changes, remarks
from bench.plots import Scale, duration
from bench.report import page

STORED = Path(__file__).with_name("run.json")
VOID = {"meta"}


@pytest.fixture
def run():
    return json.loads(STORED.read_text())


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


def test_the_page_has_every_query_and_every_contender_and_fetches_nothing(run):
    text = page(run)
    parsed = Balanced()
    parsed.feed(text.replace("<br>", "<br/>"))
    assert parsed.open == []
    assert parsed.links == []
    assert "url(" not in text
    assert "@import" not in text
    assert text.count("<circle") == sum(len(query["times"]) for query in run["queries"])
    for query in run["queries"]:
        assert query["name"] in text
    for name in ("Tamis", "DuckDB", "ClickHouse"):
        assert name in text
    assert "prefers-color-scheme: dark" in text


def test_what_is_asked_cannot_become_markup(run):
    run["queries"][0]["expression"] = 'country = "<script>alert(1)</script>"'
    assert "<script" not in page(run)


def test_faster_is_further_left(run):
    scale = Scale.of([0.05, 30])
    assert scale.ticks == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert scale.x(0.05) < scale.x(0.5) < scale.x(30)
    assert scale.x(1) - scale.x(0.1) == pytest.approx(scale.x(100) - scale.x(10))


@pytest.mark.parametrize(
    ("milliseconds", "told"), [(0.0123, "12.3 µs"), (0.5, "500 µs"), (1.2345, "1.23 ms"), (2500, "2.5 s")]
)
def test_durations_are_told_in_the_unit_that_suits(milliseconds, told):
    assert duration(milliseconds) == told


def test_a_run_compared_with_itself_has_not_changed(run):
    assert {change.factor for change in changes(run, run, "tamis")} == {1.0}
    assert all("1.00 times as long" in remark for remark in remarks(run, run))


def test_a_comparison_tells_what_is_slower_and_what_else_changed(run):
    later = copy.deepcopy(run)
    later["size"] = "S"
    later["machine"]["cores"] = 64
    slower = later["queries"][1]
    slower["times"]["tamis"]["p50"] *= 3
    dropped = later["queries"].pop(0)
    factors = {change.name: change.factor for change in changes(run, later, "tamis")}
    assert factors.pop(slower["name"]) == pytest.approx(3)
    assert set(factors.values()) == {1.0}
    said = "\n".join(remarks(run, later))
    assert "the sizes differ: T and S" in said
    assert f"cores: {run['machine']['cores']} and 64" in said
    assert f"in the first run alone: {dropped['family']}, {dropped['name']}" in said
    assert re.search(r"duckdb \(\S+\): 1\.00 times as long", said)


def test_the_commands_say_what_is_wrong_with_a_file(tmp_path):
    other = tmp_path / "other.json"
    for content, told in (("{", "is not JSON"), ("[]", "is not a run of the race")):
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
