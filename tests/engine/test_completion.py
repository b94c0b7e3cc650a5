"""Values for completion: what the columns hold, and exactly how many have it, whatever was written since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsl.folding import fold
from engine.directory import Tamis
from engine.workspace import Workspace
from tests.opening import opened

SCHEMA = {
    "contacts": {"country": {"type": "text"}, "vip": {"type": "boolean"}, "interests": {"type": "tags"}},
    "companies": {"industry": {"type": "text"}},
    "events": {"visit": {"page": {"type": "text"}, "paid": {"type": "boolean"}}},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "data", SCHEMA) as workspace:
        yield workspace


def counted(workspace: Workspace, expression: str, limit: int = 1000) -> dict[str, int]:
    """The values offered at the end, folded, each with its count."""
    items = workspace.complete(expression, limit=limit).items
    return {fold(item.text.strip('"')): item.count for item in items if item.kind == "value" and item.count is not None}


countries = st.sampled_from(["FR", "fr", "Be", "Été", "ete", None])
contacts = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("abcdefgh"),
            "country": countries,
            "interests": st.lists(st.sampled_from(["Ski", "ski", "vtt"]), max_size=2),
            "company": st.sampled_from(["x", "y", None]),
        }
    ),
    max_size=12,
)
steps = st.lists(st.one_of(contacts, st.sampled_from(["checkpoint", "erase a", "erase b"])), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_counts_are_those_of_the_contacts_there_are(tmp_path_factory, taken):
    tamis = Tamis.open(tmp_path_factory.mktemp("data"))
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    workspace.upsert_companies([{"id": "x", "industry": "Toys"}, {"id": "y", "industry": "Wine"}]).result()
    there: dict[str, dict] = {}
    for step in taken:
        match step:
            case "checkpoint":
                workspace.checkpoint()
            case "erase a" | "erase b":
                if there.pop(step[-1], None):
                    workspace.erase_contact(step[-1]).result()
            case rows:
                latest = {row["id"]: row for row in rows}
                workspace.upsert_contacts(list(latest.values())).result()
                there |= latest
    held = Counter(fold(row["country"]) for row in there.values() if row["country"])
    assert counted(workspace, "country = ") == held
    assert counted(workspace, 'country = "e') == {text: n for text, n in held.items() if "e" in text}
    tags = Counter(tag for row in there.values() for tag in {fold(tag) for tag in row["interests"]})
    assert counted(workspace, "interests has ") == tags
    industries = Counter({"x": "toys", "y": "wine"}[row["company"]] for row in there.values() if row["company"])
    assert counted(workspace, "company.industry = ") == industries
    tamis.close()


def test_properties_are_counted_in_events_without_those_of_erased_contacts(workspace):
    rows = [("a", "home", True), ("a", "Home", False), ("b", "shop", True), ("c", "home", None)]
    events = [
        {"contact": who, "type": "visit", "at": f"2026-01-0{day}T00:00:00Z", "page": page, "paid": paid}
        for day, (who, page, paid) in enumerate(rows, 1)
    ]
    workspace.add_events(events[:3]).result()
    workspace.checkpoint()
    workspace.add_events(events[3:]).result()
    found = workspace.complete("did visit(page = ").items
    assert [(fold(item.text), item.count, item.counted) for item in found if item.kind == "value"] == [
        ('"home"', 3, "events"),
        ('"shop"', 1, "events"),
    ]
    assert counted(workspace, "did visit(paid = ") == {"true": 2, "false": 1}
    assert [item.count for item in workspace.complete("did vis").items] == [3]
    workspace.erase_contact("b").result()
    assert counted(workspace, "did visit(page = ") == {"home": 3}
    assert [item.count for item in workspace.complete("did vis").items] == [2]


def test_booleans_are_counted(workspace):
    workspace.upsert_contacts([{"id": "a", "vip": True}, {"id": "b", "vip": True}, {"id": "c", "vip": False}]).result()
    assert counted(workspace, "vip = ") == {"true": 2, "false": 1}


def test_the_most_held_come_first_and_a_limit_keeps_them(workspace):
    rows = [{"id": f"{n}-{i}", "country": f"land {n}"} for n in range(1, 30) for i in range(n)]
    workspace.upsert_contacts(rows).result()
    workspace.checkpoint()
    assert list(counted(workspace, "country = ", 3).items()) == [("land 29", 29), ("land 28", 28), ("land 27", 27)]
    workspace.upsert_contacts([{"id": f"29-{i}", "country": "land 1"} for i in range(29)]).result()
    assert list(counted(workspace, "country = ", 3).items()) == [("land 1", 30), ("land 28", 28), ("land 27", 27)]
    assert list(counted(workspace, 'country = "land 2', 2).items()) == [("land 28", 28), ("land 27", 27)]
    assert list(counted(workspace, 'country = "and 28').items()) == [("land 28", 28)]
    assert counted(workspace, 'country = "lnad 3')["land 3"] == 3


def test_values_that_nobody_has_any_more_take_no_place(workspace):
    workspace.upsert_contacts([{"id": f"{n}", "country": f"land {n // 2}"} for n in range(20)]).result()
    workspace.checkpoint()
    workspace.upsert_contacts([{"id": f"{n}", "country": None} for n in range(15)]).result()
    assert counted(workspace, "country = ", 3) == {"land 7": 1, "land 8": 2, "land 9": 2}


def test_segments_are_offered_by_name_or_by_key_when_two_have_it(workspace):
    for key, name in (("nl", "Clients NL"), ("one", "Twins"), ("two", "twins")):
        workspace.put_segment(key, {"name": name, "expression": "everyone"}).result()
    texts = [item.text for item in workspace.complete("in segment ").items]
    assert sorted(texts) == ['"Clients NL"', '"one"', '"two"']
