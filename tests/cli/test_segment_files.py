"""Segment files: checked with places in the file, run on their fixtures, loaded into a workspace and written back."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running_tamis import ROOT, Tamis

SCHEMA = """\
schema
  timezone Europe/Paris
  contacts country text, points number 0
  events purchase amount number, product text
"""


@pytest.fixture
def write(tmp_path):
    """Writes a file into the current folder and gives its name."""

    def written(text, name="shop.segments"):
        (tmp_path / name).write_text(text, "utf-8")
        return name

    return written


@pytest.fixture
def alone():
    """Without any workspace to ask."""
    return Tamis([])


# --- the reference --------------------------------------------------------------------------------------------

REFERENCE = (ROOT / "docs" / "segment-files.md").read_text("utf-8")


def test_the_file_of_the_reference_passes_and_says_what_the_reference_says(alone, write):
    pieces = re.findall(r"```segments\n(.*?)```", REFERENCE, re.DOTALL)
    shown = re.findall(r"```text\n(.*?)```", REFERENCE, re.DOTALL)
    name = write("\n".join(pieces), "clients.segments")
    assert alone("check", name).stdout == "clients.segments: 4 segments, 2 tests: ok\n"
    assert [alone("test", name).stdout] == shown


# --- check ----------------------------------------------------------------------------------------------------


def problems(tamis, *names):
    answer = tamis.json("check", *names, exit=1)
    return [(p["path"], p["span"]["line"], p["span"]["column"], p["code"]) for p in answer["problems"]]


def test_every_problem_is_told_at_its_place_in_the_file(alone, write):
    name = write(
        SCHEMA
        + """
segment north "North"
  in segment south
    and contry = "FR"

segment south "South" under nowhere
  points > "x"

segmnt east
  everyone
"""
    )
    assert problems(alone, name) == [
        (name, 8, 9, "unknown-field"),
        (name, 10, 29, "unknown-segment"),
        (name, 11, 12, "type-mismatch"),
        (name, 13, 1, "segment-file"),
    ]
    shown = alone("check", name, exit=1).stderr
    assert f"{name}:8:9  unknown field 'contry'; did you mean 'country'?" in shown
    assert '         and contry = "FR"\n             ^^^^^^\n' in shown
    assert "did you mean 'segment'?" in shown


def test_a_place_holds_under_comments_and_deeper_indentation(alone, write):
    name = write(SCHEMA + "segment x\n    # why\n    points > 3   # few\n      # between\n      and pionts < 9\n")
    assert problems(alone, name) == [(name, 9, 11, "unknown-field")]


def test_a_circle_is_named_once_with_everybody_in_it(alone, write):
    name = write(
        SCHEMA
        + """
segment a under b
  everyone
segment b
  in segment c and points > 1
segment c
  in segment a
segment d
  in segment d
"""
    )
    found = alone.json("check", name, exit=1)["problems"]
    assert [(p["code"], p["span"]["line"]) for p in found] == [("segment-cycle", 11), ("segment-cycle", 13)]
    assert "c -> a -> b -> c" in found[0]["message"]
    assert "d -> d" in found[1]["message"]


def test_bad_rows_are_told_together(alone, write):
    rows = "contacts\n  ann points\n  bob points=x\n  = 3\nevents\n  ann open\n  ann open 2026-01-01\n"
    name = write(SCHEMA + rows + "at 2026-01-01\ntest t\n  expect everyone -> ann\n")
    assert [found[1:] for found in problems(alone, name)] == [
        (6, 7, "segment-file"),
        (7, 14, "bad-value"),
        (8, 3, "segment-file"),
        (10, 3, "segment-file"),
        (11, 7, "unknown-event-type"),
    ]


def test_an_expression_may_begin_deeper_than_it_goes_on(filled, write):
    filled("segments", "apply", write("segment x\n      points > 1\n  and points < 9\n"))
    assert filled.json("segments", "show", "x")["expression"] == "points > 1\nand points < 9"


def test_segments_may_name_one_another_in_any_order(alone, write):
    name = write(
        SCHEMA + 'segment a under b\n  in segment "Third"\nsegment b\n  everyone\nsegment c "Third"\n  everyone\n'
    )
    assert alone.json("check", name)["files"] == [{"file": name, "segments": 3, "tests": 0}]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("segment x\n", 5, "segment-file"),
        ("segment x static\n  everyone\n", 5, "segment-file"),
        ("segment Big\n  everyone\n", 5, "bad-key"),
        ("segment x\n  everyone\nsegment x\n  everyone\n", 7, "segment-twice"),
        ('segment x "X"\n  everyone\nsegment y "X"\n  everyone\n', 7, "name-taken"),
        ("segment x\n  everyone top 3 by points\n", 6, "cut-in-segment"),
        ('test "t"\n  expect everyone -> ann\n', 6, "segment-file"),
        ('test "t"\n  at 2026-01-01\n', 5, "segment-file"),
        ('test "t"\n  at soon\n  expect everyone -> ann\n', 6, "bad-value"),
        ('test "t"\n  at 2026-01-01\n  expect everyone\n', 7, "segment-file"),
        ('at 2026-01-01\ntest "t"\n  expect points > $n -> ann\n', 7, "missing-parameter"),
        ("contacts\n  ann points=x\ntest t\n  at 2026-01-01\n  expect everyone -> ann\n", 6, "bad-value"),
        ("contacts\n  ann pionts=1\ntest t\n  at 2026-01-01\n  expect everyone -> ann\n", 6, "unknown-field"),
        ("events\n  ann opn 2026-01-01\ntest t\n  at 2026-01-01\n  expect everyone -> ann\n", 6, "unknown-event-type"),
        ("contacts from gone.csv\ntest t\n  at 2026-01-01\n  expect everyone -> ann\n", 5, "segment-file"),
        ("members x add ann\ntest t\n  at 2026-01-01\n  expect everyone -> ann\n", 5, "segment-file"),
        ("use gone.segments\n", 5, "segment-file"),
        ("schema\n  contacts x nmber\n", 6, "unknown-type"),
        ("schema\n  fields x text\n", 6, "segment-file"),
        ("schema\n  timezone Mars/North\n", 6, "bad-timezone"),
        ("schema from gone.json\n", 5, "segment-file"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(alone, write, text, line, code):
    name = write(SCHEMA + text)
    assert (line, code) in [(found[1], found[3]) for found in problems(alone, name)]


def test_without_a_schema_of_its_own_a_file_is_held_against_the_workspace(tamis, write):
    tamis("schema", "patch", '{"contacts": {"points": {"type": "number"}}}')
    tamis("segments", "put", "base", "points > 0", "--name", "Base")
    name = write('segment rich under base\n  points > 100 and in segment "Base"\n')
    assert tamis.json("check", name)["problems"] == []
    assert problems(tamis, write("segment rich\n  pionts > 100\n")) == [(name, 2, 3, "unknown-field")]
    assert problems(tamis, write("segment base\n  in segment rich\nsegment rich\n  in segment base\n"))[0][3] == (
        "segment-cycle"
    )


def test_a_schema_given_in_json_is_stronger_than_the_files_own(alone, write, tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps({"contacts": {"score": {"type": "number"}}}))
    own = write(SCHEMA + "segment x\n  score > 3\n")
    assert problems(alone, own) == [(own, 6, 3, "unknown-field")]
    assert alone.json("check", own, "--schema", "schema.json")["problems"] == []
    named = write("schema from schema.json\nsegment x\n  score > 3\n")
    assert alone.json("check", named)["problems"] == []


def test_an_argument_is_a_file_by_its_suffix_alone(filled, write):
    write("not a segment file at all", "everyone")
    assert filled("check", "everyone").stdout == "ok\n"
    filled("check", "gone.segments", exit=2)
    filled("check", "everyone", write("schema\n"), exit=2)
    filled("check", "everyone", "nobody", exit=2)


# --- test -----------------------------------------------------------------------------------------------------

FAILING = """
segment rich
  points > 100
at 2026-11-22
contacts
  ann points=31
  bob points=200
  cid points=300
test "wrong on purpose"
  expect in segment rich -> ann bob
test "right"
  expect in segment rich -> cid bob
"""


def test_a_failing_test_names_the_missing_and_those_too_many(alone, write, tmp_path):
    name = write(SCHEMA + FAILING)
    result = alone("test", name, "--junit", "found.xml", exit=1)
    lines = result.stdout.splitlines()
    assert lines[0] == "FAIL  wrong on purpose"
    assert lines[1].split() == [f"{name}:14", "in", "segment", "rich"]
    assert [line.strip() for line in lines[2:6]] == [
        "missing   ann",
        "points > 100: points is 31",
        "too many  cid",
        "points > 100: points is 300",
    ]
    assert lines[-2:] == ["ok    right", "2 tests, 2 expectations: 1 failed"]
    suite = ElementTree.parse(tmp_path / "found.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "too many  cid" in suite[0][0].text
    assert len(suite[1]) == 0


def test_a_failing_test_as_json(alone, write):
    answer = alone.json("test", write(SCHEMA + FAILING), exit=1)
    wrong, right = answer["files"][0]["tests"]
    assert (answer["passed"], wrong["passed"], right["passed"]) == (False, False, True)
    [failure] = wrong["failures"]
    assert (failure["line"], failure["missing"], failure["extra"]) == (14, ["ann"], ["cid"])
    assert failure["reasons"] == {"ann": ["points > 100: points is 31"], "cid": ["points > 100: points is 300"]}


SHOWN_IN_THE_REFERENCE = """\
schema
  contacts points number 0
segment rich
  points > 100
at 2026-11-22
contacts
  ann points=31
test "rich means more than a hundred"
  expect in segment rich -> ann
"""


def test_a_failure_is_shown_as_in_the_reference(alone, write):
    [shown] = re.findall(r"```console\n(.*?)```", REFERENCE, re.DOTALL)
    assert alone("test", write(SHOWN_IN_THE_REFERENCE, "wrong.segments"), exit=1).stdout.startswith(shown)


def test_a_contact_that_is_not_there_is_told_so(alone, write):
    name = write(SCHEMA + "at 2026-11-22\ntest t\n  expect everyone -> zoe\n")
    [failure] = alone.json("test", name, exit=1)["files"][0]["tests"][0]["failures"]
    assert failure["reasons"] == {"zoe": ["no contact with the id 'zoe'"]}


def test_steps_are_done_in_order_and_nothing_is_left_for_the_next_test(alone, write):
    name = write(
        SCHEMA
        + """
at 2026-11-22
contacts
  ann country=33 points=-5
test "a contact changes"
  expect country = "33" and points = -5 -> ann
  contacts
    ann points=7
  expect points = 7 -> ann
  contacts
    bob
  contacts
    ann points=null
  expect points is set -> nobody
  expect everyone -> bob, ann
test "and is as before"
  expect points = -5 -> everyone
  expect everyone -> ann
"""
    )
    assert alone.json("test", name)["passed"] is True


def test_windows_follow_the_clock_and_the_time_zone_of_the_file(alone, write):
    """In Paris 2026-11-22 begins at 23:00 UTC of the day before."""
    name = write(
        SCHEMA
        + """
events
  ann purchase 2026-11-21T22:59:59Z amount=1
  bob purchase 2026-11-21T23:00:00Z amount=1
test "days are those of Paris"
  at 2026-11-22T08:00
  expect did purchase on 2026-11-22 -> bob
  expect did purchase on yesterday -> ann
  at 2026-11-22T00:30+01:00
  expect did purchase in last 30 minutes -> bob
"""
    )
    assert alone.json("test", name)["passed"] is True


def test_rows_come_from_files_beside_it(alone, write, tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "people.csv").write_text("id,country,points\nann,FR,31\nbob,BE,12\n")
    (folder / "buys.ndjson").write_text('{"contact": "bob", "at": "2026-11-01T10:00:00Z", "amount": 3}\n')
    write("use ../shop.segments\n" + "at 2026-11-22\n", "tests/common.segments")
    write(SCHEMA + "segment rich\n  points > 20\ntest elsewhere\n  expect everyone -> nobody\n")
    name = write(
        """use common.segments
contacts from people.csv
events from buys.ndjson type purchase
test "from files"
  expect in segment rich -> ann
  expect sum(amount of purchase) = 3 -> bob
""",
        "tests/rich.segments",
    )
    answer = alone.json("test", name)
    assert [test["name"] for test in answer["files"][0]["tests"]] == ["from files"]
    (folder / "people.csv").write_text("id,country,points\nann,FR,many\n")
    broken = alone.json("test", name, exit=1)["files"][0]["tests"][0]
    assert "line 2" in broken["problems"][0]


def test_a_file_with_problems_is_not_run(alone, write):
    alone("test", write(SCHEMA + "segment x\n  pionts > 1\n"), exit=1)
    alone("test", "gone.segments", exit=2)
    assert list(Path().glob("tamis-*")) == []


# --- in and out of a workspace --------------------------------------------------------------------------------

CUSTOMERS = """
segment rich "Rich \\"and\\" famous" under french
  # More than a hundred points.
  #
  # Ask Ann before changing it.
  points > 100   # strictly
    and in segment "By hand"

segment french
  # Those who speak it.
  pays = "FR"
  # and nobody else

segment hand "By hand" static
"""


def changes(answer):
    return {item["key"]: (item["change"], item["differing"]) for item in answer["segments"]}


def test_segments_are_applied_once_and_then_are_the_same(filled, write):
    name = write(CUSTOMERS)
    new = {key: ("new", []) for key in ("french", "hand", "rich")}
    assert changes(filled.json("segments", "apply", name, "--dry-run")) == new
    assert filled.json("segments", "list")["segments"] == []
    assert changes(filled.json("segments", "apply", name)) == new
    same = {key: ("same", []) for key in new}
    assert changes(filled.json("segments", "apply", name)) == same
    rich = filled.json("segments", "show", "rich")
    assert (rich["name"], rich["parent"]) == ('Rich "and" famous', "french")
    assert rich["description"] == "More than a hundred points.\n\nAsk Ann before changing it."
    assert rich["expression"] == 'points > 100   # strictly\n  and in segment "By hand"'


def test_what_differs_is_shown_before_and_after(filled, write):
    filled("segments", "apply", write(CUSTOMERS))
    filled("segments", "members", "hand", "--add", "ann")
    other = write(CUSTOMERS.replace("points > 100", "points > 30").replace("Those who speak it.", "Parleurs."))
    answer = filled.json("segments", "apply", other, "--dry-run")
    assert changes(answer) == {
        "french": ("changed", ["description"]),
        "hand": ("same", []),
        "rich": ("changed", ["expression"]),
    }
    shown = filled("segments", "apply", other).stdout
    assert "points > 100" in shown
    assert "points > 30" in shown
    members = filled.json("segments", "members", "rich", "--fields", "id")["contacts"]
    assert members == [{"id": "ann"}], "who was added by hand is still there"


def test_nothing_is_applied_when_anything_is_wrong(filled, write):
    filled("segments", "put", "old", "everyone")
    wrong = write(CUSTOMERS + "segment broken\n  pionts > 3\n")
    shown = filled("segments", "apply", wrong, exit=1).stderr
    assert "unknown field 'pionts'; did you mean 'points'?" in shown
    assert [view["key"] for view in filled.json("segments", "list")["segments"]] == ["old"]


def test_a_circle_through_the_workspaces_own_segments_is_found(filled, write):
    filled("segments", "put", "base", "everyone")
    filled("segments", "put", "mine", "in segment base")
    shown = filled("segments", "apply", write("segment base\n  in segment mine\n"), exit=1).stderr
    assert "base -> mine -> base" in shown


def test_the_tests_of_a_file_do_not_hinder_that_it_is_applied(filled, write):
    """They play with the schema of the file, which need not be all of the workspace's."""
    other = "schema\n  contacts pays text, colour text\ncontacts\n  ann colour=red\n"
    name = write(other + 'segment french\n  pays = "FR"\nat 2026-01-01\ntest t\n  expect colour = "red" -> ann\n')
    filled("test", name)
    filled("segments", "apply", name)
    assert filled.json("segments", "show", "french")["count"] == 2


def test_what_is_dumped_and_applied_changes_nothing(filled, write, tmp_path):
    filled("segments", "apply", write(CUSTOMERS))
    filled(
        "segments", "put", "odd", "points > 1\n\n  or points < 0", "--name", "Été #1 -> «x»", "--description", "# no"
    )
    before = filled.json("segments", "list")["segments"]
    filled("segments", "dump", "-o", "all.segments")
    assert {change for change, _ in changes(filled.json("segments", "apply", "all.segments")).values()} == {"same"}
    assert filled.json("segments", "list")["segments"] == before
    assert filled("segments", "dump").stdout == (tmp_path / "all.segments").read_text("utf-8")
    assert filled("segments", "dump", "hand").stdout == 'segment hand "By hand" static\n'
    filled("segments", "dump", "gone", exit=5)


def test_a_test_does_not_know_the_segments_of_the_workspace(filled, write):
    filled("segments", "put", "base", "everyone")
    name = write("segment x\n  in segment base\nat 2026-01-01\ntest t\n  expect in segment x -> nobody\n")
    filled("check", name)
    assert "unknown segment 'base'" in filled("test", name, exit=1).stderr
