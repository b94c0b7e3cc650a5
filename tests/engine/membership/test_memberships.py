"""The segments that a contact is in: the same as its being among the members of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.directory import Tamis
from engine.membership.checks import Planned
from engine.workspace import Workspace
from tests.engine.test_deadlines import OF_EVERY_OPERATOR, SCHEMA, contact, events

CONTACTS = 40
UNKNOWN_TO_CHECKS = {"country = city", "first(campaign of open) = last(campaign of open)"}
"""What compares texts with each other is planned."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A segment for every operator, some resting on others, with contacts put in and kept out by hand."""
    tamis = Tamis.open(tmp_path_factory.mktemp("memberships") / "data", cache_bytes=0)
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    workspace.upsert_companies([{"id": "acme", "industry": "Toys"}]).result()
    for half in (range(20), range(20, CONTACTS)):
        workspace.upsert_contacts([contact(n) for n in half]).result()
        workspace.add_events([event for n in half for event in events(n)]).result()
        if half.start == 0:
            workspace.checkpoint()
    workspace.erase_contact("c7").result()
    workspace.put_segment("keen", {"name": "Keen", "expression": "count(open) > 1"}).result()
    for number, expression in enumerate(e for e in OF_EVERY_OPERATOR if not e.startswith("everyone ")):
        parent = "keen" if number % 5 == 4 else None
        body = {"name": f"S{number}", "expression": expression, "parent": parent}
        workspace.put_segment(f"s{number}", body).result()
        if number % 3 == 0:
            workspace.change_members(f"s{number}", add=["c1", "c2"], remove=["c3", "c4"], reset=[]).result()
    workspace.put_segment("by_hand", {"name": "By hand"}).result()
    workspace.change_members("by_hand", add=["c5"], remove=[], reset=[]).result()
    yield workspace
    tamis.close()


def test_memberships_are_those_of_each_segment(workspace: Workspace) -> None:
    members = {segment.key: workspace.segment_query(segment.key).members for segment in workspace.snapshot.segments}
    for number in (n for n in range(CONTACTS) if n != 7):
        row = workspace.snapshot.data.contacts.row(f"c{number}")
        found = {segment.key for segment in workspace.memberships(f"c{number}")}
        assert found == {key for key, rows in members.items() if row in rows}
        assert all(workspace.is_member(key, f"c{number}") for key in found)
    assert sum(map(bool, members.values())) > len(members) // 2, "most segments should have members"


def test_few_conditions_are_left_to_plans(workspace: Workspace) -> None:
    segments = workspace.snapshot.segments
    planned = {segments[key].expression for key, rule in segments.rules.items() if isinstance(rule.check, Planned)}
    assert planned == UNKNOWN_TO_CHECKS


def test_equal_conditions_are_one_check(workspace: Workspace) -> None:
    text = 'did open(campaign = "Spring") in last 30 days'
    for key, expression in (("one", text), ("other", f"not {text}")):
        workspace.put_segment(key, {"name": key, "expression": expression}).result()
    rules = workspace.snapshot.segments.rules
    assert rules["other"].check.check is rules["one"].check  # type: ignore[union-attr]
