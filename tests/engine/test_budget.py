"""Costs are estimated before anything runs; what exceeds the budget is refused, wherever it hides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.problems import DataError
from engine.budget import DEFAULT_BUDGET_MS, TooCostly
from engine.directory import Tamis
from engine.plan.physical.costs import STEP
from engine.plan.physical.difference import Complement
from engine.plan.physical.intersection import Intersection
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.union import Union
from engine.workspace import Workspace
from tests.engine.test_deadlines import AT, OF_EVERY_OPERATOR, SCHEMA
from tests.opening import opened

CONTACTS = 12_000
CHEAP = 'country = "FR"'
DEAR = "did open then purchase within 1 month"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Some thousand contacts with five events each."""
    with opened(tmp_path_factory.mktemp("budget") / "data", SCHEMA) as workspace:
        workspace.upsert_contacts([{"id": f"c{n}", "country": "FR", "points": n} for n in range(CONTACTS)]).result()
        for kind in ("open", "purchase"):
            days = [f"2026-10-{1 + n % 30:02}" for n in range(5 * CONTACTS)]
            events = [{"contact": f"c{n % CONTACTS}", "type": kind, "at": day} for n, day in enumerate(days)]
            workspace.add_events(events).result()
        workspace.checkpoint()
        yield workspace
        workspace.limit(None)


@pytest.fixture
def poor(workspace: Workspace) -> Iterator[Workspace]:
    """With a budget between what a lookup and a sequence cost."""
    low, high = cost(workspace, CHEAP), cost(workspace, DEAR)
    assert low * 10 < high
    workspace.limit(max(1.0, low * 3))
    yield workspace
    workspace.limit(None)


def cost(workspace: Workspace, expression: str) -> float:
    return workspace.query(expression, at=AT).cost_ms


def refused(workspace: Workspace, expression: str) -> TooCostly:
    with pytest.raises(TooCostly) as caught:
        workspace.query(expression, at=AT)
    return caught.value


@pytest.mark.parametrize("expression", OF_EVERY_OPERATOR)
def test_every_operator_has_a_cost(workspace: Workspace, expression: str) -> None:
    if "segment" not in expression:
        assert 0 < cost(workspace, expression) < DEFAULT_BUDGET_MS


def test_costs_grow_with_what_is_looked_at(workspace: Workspace) -> None:
    assert cost(workspace, "did open(at before 2026-10-03)") < cost(workspace, "did open(at before 2026-10-30)")
    assert cost(workspace, DEAR) < cost(workspace, f"{DEAR} or did purchase then open within 3 days")
    assert cost(workspace, f'id = "c1" and {DEAR}') < cost(workspace, DEAR) / 5
    assert cost(workspace, "sum(amount of purchase) > 1") < cost(workspace, "distinct(amount of purchase) > 1")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_more_is_never_cheaper(workspace: Workspace, data: st.DataObject) -> None:
    """Alternatives cost at least what each does, a negation what it negates, few candidates no more than all."""
    texts = [text for text in OF_EVERY_OPERATOR if "segment" not in text]
    one, other = (workspace.query(data.draw(st.sampled_from(texts)), at=AT).operator for _ in range(2))
    version = workspace.snapshot.data

    def costs(operator: Operator, asked: int = CONTACTS) -> float:
        return operator.cost(Context.of_contacts(version), asked)

    assert costs(Union((one, other))) >= max(costs(one), costs(other))
    assert costs(Complement(one)) >= costs(one)
    assert costs(Intersection((one, other))) >= costs(one)
    assert costs(one, 1) <= costs(one) + 2 * STEP


WINDOWED = (
    "did open before {}",
    "did open(at before {})",
    "did open at least 2 times before {}",
    "sum(amount of purchase before {}) > 1",
    "max(amount of purchase before {}) > 1",
    "distinct(amount of purchase before {}) > 1",
)


@pytest.mark.parametrize("template", WINDOWED)
def test_a_longer_window_is_never_cheaper(workspace: Workspace, template: str) -> None:
    found = [cost(workspace, template.format(f"2026-10-{day:02}")) for day in range(2, 32, 3)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    "template", ["did {}", "did {} at least 2 times", "sum(amount of {}) > 1", "min(amount of {}) > 1"]
)
def test_what_is_made_for_a_question_is_paid_by_the_first(
    tmp_path_factory: pytest.TempPathFactory, template: str
) -> None:
    """The estimate of who asks first holds what has to be made; that of who comes later does not."""
    tamis = Tamis.open(tmp_path_factory.mktemp("first") / "data", cache_bytes=0)
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    workspace.upsert_contacts([{"id": f"c{n}"} for n in range(1000)]).result()
    for kind in ("open", "purchase"):
        amount = {"amount": 1} if kind == "purchase" else {}
        workspace.add_events(
            [{"contact": f"c{n % 1000}", "type": kind, "at": "2026-10-01", **amount} for n in range(5000)]
        ).result()
    workspace.checkpoint()
    expression = template.format("purchase")
    first = cost(workspace, expression)
    other = cost(workspace, template.format("purchase"))
    assert first == other, "to estimate makes nothing"
    workspace.query(expression, at=AT).count()
    later = cost(workspace, expression)
    tamis.close()
    assert later < first


def test_what_exceeds_the_budget_is_refused_with_the_estimate_and_the_place(poor: Workspace) -> None:
    assert poor.query(CHEAP, at=AT).count().count == CONTACTS
    expression = f"{CHEAP} and\n  {DEAR}"
    [problem] = refused(poor, expression).problems
    assert problem.code == "too-costly"
    assert problem.span is not None
    assert expression[problem.span.start : problem.span.end] == DEAR
    assert "estimated to take" in problem.message
    assert f"budget of the workspace is {poor.limits.budget_ms:.2g} ms" in problem.message
    assert problem.hint is not None
    assert "window" in problem.hint


def test_narrowing_as_the_hint_says_mends_it(poor: Workspace) -> None:
    """This contact did everything on days that lie ten apart."""
    assert poor.query(f'id = "c1" and {DEAR}', at=AT).count().count == 0


def test_check_and_many_at_once_tell_it_too(poor: Workspace) -> None:
    assert [problem.code for problem in poor.check(DEAR)] == ["too-costly"]
    with pytest.raises(TooCostly) as caught:
        poor.queries([CHEAP, DEAR])
    assert caught.value.problems[0].path == "$.expressions[1]"


def test_a_cut_may_be_the_costliest_part(poor: Workspace) -> None:
    expression = "everyone top 3 by avg(amount of purchase)"
    [problem] = refused(poor, expression).problems
    assert problem.span is not None
    assert expression[problem.span.start : problem.span.end].startswith("top 3")


def test_a_segment_that_nobody_could_count_is_not_saved(poor: Workspace) -> None:
    with pytest.raises(TooCostly) as caught:
        poor.put_segment("dear", {"expression": f"{CHEAP} and {DEAR}"}).result()
    span = caught.value.problems[0].span
    assert span is not None
    assert caught.value.text[span.start : span.end] == DEAR
    assert poor.segments() == []


def test_costs_do_not_hide_in_nested_segments(workspace: Workspace) -> None:
    before = "s0"
    workspace.put_segment(before, {"expression": DEAR}).result()
    for level in range(1, 4):
        workspace.put_segment(f"s{level}", {"expression": f"not in segment {before}"}).result()
        before = f"s{level}"
    try:
        workspace.limit(max(1.0, cost(workspace, CHEAP) * 3))
        expression = f"{CHEAP} or in segment {before}"
        [problem] = refused(workspace, expression).problems
        assert problem.span is not None
        assert expression[problem.span.start : problem.span.end] == f"in segment {before}"
        assert problem.hint is not None
        assert f"segment '{before}'" in problem.hint
        views = workspace.segments()
        assert [view.count for view in views] == [None] * 4
        assert all(view.refused is not None and "estimated to take" in view.refused for view in views)
        with pytest.raises(TooCostly):
            workspace.segment_query(before)
    finally:
        workspace.limit(None)
        for level in reversed(range(4)):
            workspace.drop_segment(f"s{level}").result()


@pytest.mark.parametrize("ending", ["", " top 5 by points"])
def test_segments_that_share_segments_are_costed_and_run_once(workspace: Workspace, ending: str) -> None:
    """Counted along every path, thirty levels would take a billion steps."""
    keys = [f"w{level}" for level in range(30)]
    workspace.put_segment(keys[0], {"expression": "points > 3"}).result()
    for level, (below, key) in enumerate(pairwise(keys)):
        rules = f"(in segment {below} and points > {level}) or (not in segment {below} and points < 0)"
        workspace.put_segment(key, {"expression": rules}).result()
    started = thread_time()
    query = workspace.query(f"in segment {keys[-1]}{ending}", at=AT)
    assert query.cost_ms < 1_000
    assert query.count().count == (5 if ending else CONTACTS - 29)
    assert thread_time() - started < 5
    for key in reversed(keys):
        workspace.drop_segment(key).result()


def test_budgets_are_kept(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data", budget_ms=50)
    workspace = tamis.workspace("default")
    assert (workspace.limits.budget_ms, workspace.limits.own) == (50, False)
    workspace.limit(123)
    tamis.create("other")
    tamis.close()
    tamis = Tamis.open(tmp_path / "data", budget_ms=60)
    workspace = tamis.workspace("default")
    assert (workspace.limits.budget_ms, workspace.limits.own) == (123, True)
    assert tamis.workspace("other").limits.budget_ms == 60
    assert workspace.limit(None).budget_ms == 60
    for bad in (0.5, float("nan"), float("inf")):
        with pytest.raises(DataError, match="a budget of"):
            workspace.limit(bad)
    tamis.close()
