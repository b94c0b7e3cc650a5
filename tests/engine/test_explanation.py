"""Explanations as text, to the byte; and that every part of them is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.explanation import Explanation, as_text, without_times
from engine.plan import ExplainNode
from engine.workspace import Workspace
from tests.opening import opened

AT = 1_795_348_800_000
SCHEMA = {
    "timezone": "Europe/Paris",
    "contacts": {"country": {"type": "text"}, "points": {"type": "number", "decimals": 0}},
    "companies": {"industry": {"type": "text"}},
    "events": {"open": {"campaign": {"type": "text"}}},
}
COMPANIES = [{"id": "acme", "industry": "Toys"}, {"id": "bolt"}]
CONTACTS = [
    {"id": "a", "country": "FR", "points": 40, "company": "acme"},
    {"id": "b", "country": "BE", "points": 10, "company": "bolt"},
    {"id": "c", "points": 50},
    {"id": "d", "country": "fr"},
    {"id": "e"},
]
OPENS = [
    {"contact": "a", "type": "open", "at": "2026-11-20T10:00:00Z", "campaign": "Spring"},
    {"contact": "b", "type": "open", "at": "2026-11-20T11:00:00Z"},
    {"contact": "c", "type": "open", "at": "2026-01-01"},
]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "data", SCHEMA) as workspace:
        workspace.upsert_companies(COMPANIES).result()
        workspace.upsert_contacts(CONTACTS).result()
        workspace.add_events(OPENS).result()
        workspace.put_segment("rich", {"name": "Rich", "expression": "points > 30"}).result()
        yield workspace


def explained(workspace: Workspace, expression: str) -> Explanation:
    return workspace.query(expression, at=AT).explain()


GOLDEN = {
    'country!="FR" and points>30': """\
expression
  country != "FR" and points > 30
logical plan
  Intersection
    Complement
      Match scope=contacts field=country predicate=OneOf(('fr')) event=None
    Match scope=contacts field=points predicate=Range(31, False, False) event=None
rules fired
  absorb_negations
rewritten plan
  Difference
    Match scope=contacts field=points predicate=Range(31, False, False) event=None
    Match scope=contacts field=country predicate=OneOf(('fr')) event=None
physical plan
  but not: expected 1 at 0.02 ms, found 1, 1 for want of a value
    points in [31..]: expected 1 at 0.01 ms, found 2
    country = 'fr': expected 2 at 0.01 ms, found 2
cost
  0.02 ms of a budget of 20000 ms, estimated
answer
  count 1, seq 5""",
    'not (in segment "rich" and did open(campaign != "Spring") in last 30 days)': """\
expression
  not (in segment "rich" and did open(campaign != "Spring") in last 30 days)
logical plan
  Complement
    Intersection
      Segment key='rich' overrides=+0 -0
        Match scope=contacts field=points predicate=Range(31, False, False) event=None
      Did selected=Selected('open', ('open'), 1792753200000, 1795348800000) low=1 high=None
        Complement
          Match scope=events field=campaign predicate=OneOf(('spring')) event='open'
rules fired
  none
rewritten plan
  Complement
    Intersection
      Segment key='rich' overrides=+0 -0
        Match scope=contacts field=points predicate=Range(31, False, False) event=None
      Did selected=Selected('open', ('open'), 1792753200000, 1795348800000) low=1 high=None
        Complement
          Match scope=events field=campaign predicate=OneOf(('spring')) event='open'
physical plan
  not: expected 5 at 0.04 ms, found 5
    all of: expected 0 at 0.04 ms, found 0
      members of segment 'rich': expected 1 at 0.01 ms, found 2
        points in [31..]: expected 1 at 0.01 ms, found 2
      did open in [1792753200000, 1795348800000) where: expected 0 at 0.02 ms, found 1
        not: expected 0 at 0.01 ms, found 2, 2 for want of a value
          campaign = 'spring': expected 3 at 0.01 ms, found 1
cost
  0.04 ms of a budget of 20000 ms, estimated
answer
  count 5, seq 5""",
}


@pytest.mark.parametrize("expression", GOLDEN)
def test_the_text_is_the_same_to_the_byte(workspace: Workspace, expression: str) -> None:
    assert as_text(without_times(explained(workspace, expression))) == GOLDEN[expression]


def test_times_and_what_was_remembered_are_all_that_they_leave_out(workspace: Workspace) -> None:
    explanation = explained(workspace, "points > 30")
    assert explanation.physical.milliseconds is not None
    untimed = as_text(explanation).replace(f", {explanation.physical.milliseconds:.2f} ms", "")
    assert untimed == as_text(without_times(explanation)) + "\nfrom memory\n  nothing"


SWEPT = {
    'country != "FR"': 2,  # c, e
    "not points > 5": 2,  # d, e
    'country != "FR" and country is set': 0,
    "country is not set": None,  # they were asked for by name
    'country != "FR" and points < 100': 1,  # c
    'country != "FR" or points > 30': 1,  # e: c has points
    'country != "FR" and country != "BE"': 2,
    'not (points > 5 and country = "BE")': 2,  # c, e: country is missing; d is not Belgian, whatever its points
    'not (points > 5 or country = "BE")': 2,  # d, e: c has points
    'not at least 2 of (points > 5, country = "BE", everyone)': 2,  # d, e
    'not company.industry = "Toys"': 4,  # bolt has none, three contacts have no company
    "not company.industry is set": None,
    "not did open": None,
    'not in segment "rich"': None,
    "not points > 2 * points": 2,
    'not last(campaign of open) = "Spring"': 4,
    "not last(open) before 2026-06-01": None,  # planned as what they did
}


@pytest.mark.parametrize("expression", SWEPT)
def test_whom_a_negation_swept_in(workspace: Workspace, expression: str) -> None:
    assert explained(workspace, expression).physical.swept == SWEPT[expression]


def test_rules_are_named_each_time_they_fire(workspace: Workspace) -> None:
    explanation = explained(workspace, "points > 5 or (points > 5 and country is set) or not points > 5")
    assert explanation.rules == ("absorb_negations", "drop_duplicates", "fold_constants")
    assert (explanation.rewritten, explanation.count) == ("Everything", 5)


def test_segments_that_share_segments_are_shown_once(workspace: Workspace) -> None:
    """Shown at every reference, these would take a quarter of a million lines."""
    before = "rich"
    for level in range(18):
        one, other = f'in segment "{before}" and points > {level}', f'not in segment "{before}" and points < 0'
        before = f"s{level}"
        workspace.put_segment(before, {"name": before, "expression": f"{one} or {other}"}).result()
    explanation = workspace.segment_query(before).explain()
    assert explanation.expression == 'in segment "s17"'
    assert explanation.count == workspace.segment(before).count == 2
    assert len(as_text(explanation).splitlines()) < 600
    assert any(node.label == "shared, as above" for node in walked(explanation.physical))


def walked(node: ExplainNode) -> list[ExplainNode]:
    return [node, *(found for item in node.inputs for found in walked(item))]
