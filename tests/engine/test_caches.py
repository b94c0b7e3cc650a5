"""What is remembered is never wrong: writes in between, other clocks, other values, other names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from dsl.problems import ExpressionError
from engine.caches import NUMBER_BYTES, Asked, Cache, Memo, Use, bitmap_bytes
from engine.directory import Tamis
from engine.explanation import as_text, without_times
from engine.workspace import Workspace
from tests.engine.test_deadlines import AT, OF_EVERY_OPERATOR, SCHEMA, contact, events

DAY = 86_400_000
MOVING = ("did open in last 20 days", "years since born > 40", "did open then purchase within 3 days")
ASKED = (
    tuple(text for text in OF_EVERY_OPERATOR if "keen" not in text) + MOVING + ('in segment "Keen"', "in segment kept")
)


def opened(path: Path, **more: Any) -> tuple[Tamis, Workspace]:
    tamis = Tamis.open(path, **more)
    workspace = tamis.workspace("default")
    if not workspace.schema.contacts:
        workspace.patch_schema(SCHEMA).result()
        workspace.upsert_companies([{"id": "acme", "industry": "Toys"}]).result()
        workspace.upsert_contacts([contact(n) for n in range(20)]).result()
        workspace.add_events([event for n in range(20) for event in events(n)]).result()
        workspace.put_segment("keen", {"name": "Keen", "expression": "count(open) > 1"}).result()
        workspace.put_segment("kept", {"name": "Kept"}).result()
    return tamis, workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    tamis, workspace = opened(tmp_path / "data")
    yield workspace
    tamis.close()


def use(workspace: Workspace, cache: Cache) -> Use:
    return dict(workspace.caches.uses)[cache]


# --- never stale --------------------------------------------------------------------------------------------

WRITES = ("upsert", "event", "erase", "segment", "rename", "members", "schema", "checkpoint")


def write(workspace: Workspace, kind: str, n: int) -> None:
    match kind:
        case "upsert":
            workspace.upsert_contacts([{"id": f"c{n}", "points": n * 3 % 20, "country": "BE"}]).result()
        case "event":
            workspace.add_events(
                [{"contact": f"c{n}", "type": "open", "at": "2026-11-19", "campaign": "Spring"}]
            ).result()
        case "erase" if workspace.contact(f"c{n}") is not None:
            workspace.erase_contact(f"c{n}").result()
        case "segment":
            name = workspace.segment("keen").name
            workspace.put_segment("keen", {"name": name, "expression": f"points > {n}"}).result()
        case "rename":
            # The name "Keen" goes from one segment to another.
            names = ("Keen", "Other") if n % 2 else ("Other", "Keen")
            for key, name in zip(("keen", "kept"), ("X", "Y"), strict=True):
                workspace.put_segment(
                    key, {"name": name, "expression": "points > 5" if key == "keen" else None}
                ).result()
            for key, name in zip(("keen", "kept"), names, strict=True):
                workspace.put_segment(
                    key, {"name": name, "expression": "points > 5" if key == "keen" else None}
                ).result()
        case "members" if workspace.contact(f"c{n}") is not None:
            workspace.change_members("kept", [f"c{n}"], [], []).result()
        case "schema":
            workspace.patch_schema({"timezone": ("Europe/Paris", "Pacific/Kiritimati")[n % 2]}).result()
        case "checkpoint":
            workspace.checkpoint()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(WRITES),
            st.integers(0, 25),
            st.lists(st.tuples(st.sampled_from(ASKED), st.sampled_from((0, 1, 30))), min_size=1, max_size=5),
        ),
        max_size=8,
    )
)
def test_answers_are_those_of_a_workspace_that_remembers_nothing(tmp_path_factory: Any, steps: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("twins")
    (one, remembers), (other, forgets) = opened(folder / "a"), opened(folder / "b", cache_bytes=0)
    try:
        for kind, n, asked in steps:
            write(remembers, kind, n)
            write(forgets, kind, n)
            for text, days in asked * 2:
                at = AT + days * DAY
                try:
                    right = forgets.query(text, at=at)
                except ExpressionError as error:
                    with pytest.raises(type(error)):
                        remembers.query(text, at=at)
                    continue
                found = remembers.query(text, at=at)
                answer = found.count()
                assert (answer.count, answer.identified, answer.total) == _numbers(right)
                assert found.members == right.members
        assert [view.count for view in remembers.segments()] == [view.count for view in forgets.segments()]
        assert use(forgets, Cache.ANSWER) == Use(0, use(forgets, Cache.ANSWER).misses, 0, 0)
    finally:
        one.close()
        other.close()


def _numbers(query: Any) -> tuple[int, int | None, int]:
    answer = query.count()
    return answer.count, answer.identified, answer.total


def test_values_of_other_types_are_other_questions(workspace: Workspace) -> None:
    assert workspace.query("points = $n", params={"n": 1}, at=AT).count().count == 2
    with pytest.raises(ExpressionError, match="a number is needed"):
        workspace.query("points = $n", params={"n": True}, at=AT)
    assert workspace.query("country = $c", params={"c": "FR"}).count().count == 7
    assert workspace.query("country = $c", params={"c": "BE"}).count().count == 7
    keys = {Asked("x", {"n": value}).key for value in (1, 1.0, True, "1", None, [1], [True], [[1]])}
    assert len(keys) == 8
    assert Asked("x", {"n": object()}).key is None


def test_the_name_of_a_segment_is_not_the_key_of_another(workspace: Workspace) -> None:
    workspace.put_segment("fr", {"name": "be", "expression": 'country = "FR"'}).result()
    workspace.put_segment("be", {"name": "fr", "expression": 'country = "BE" and points > 3'}).result()
    by_key = {key: workspace.segment_query(key).count().count for key in ("fr", "be")}
    assert by_key["fr"] != by_key["be"]
    for text in ('in segment "fr"', 'in segment "be"'):
        first = workspace.query(text).count().count
        assert workspace.query(text).count().count == first
    assert {key: workspace.segment_query(key).count().count for key in ("fr", "be")} == by_key


# --- what serves what ------------------------------------------------------------------------------------------


def test_a_plan_that_does_not_look_at_the_clock_serves_any(workspace: Workspace) -> None:
    for text, moves in (
        ("month of born = 3", False),
        ("did open after 2026-11-03", False),
        *((t, True) for t in MOVING[:2]),
    ):
        workspace.query(text, at=AT)
        assert (Cache.PLAN in workspace.query(text, at=AT + DAY).served) is not moves, text
        assert Cache.PLAN in workspace.query(text, at=AT + DAY).served


def test_expressions_of_one_meaning_share_plan_and_answer(workspace: Workspace) -> None:
    workspace.query("points > 3 and points < 9", at=AT).count()
    again = workspace.query("points < 9 and (points > 3)", at=AT)
    other = workspace.query("points between 4 and 8", at=AT)
    assert other.planned is again.planned or other.count().count == again.count().count
    assert workspace.query("points > 3  and  points < 9", at=AT).explain().served == (Cache.ANSWER,)


def test_an_explanation_tells_what_a_count_need_not_do(workspace: Workspace) -> None:
    def served() -> tuple[Cache, ...] | None:
        return workspace.query("points > 7", at=AT).explain().served

    assert served() == ()
    assert served() == (Cache.PARSE, Cache.CHECK, Cache.PLAN)
    workspace.query("points > 7", at=AT).count()
    assert served() == tuple(Cache)
    workspace.upsert_contacts([{"id": "new"}]).result()
    assert served() == (Cache.PARSE, Cache.CHECK)
    workspace.put_segment("new", {"expression": "everyone"}).result()
    assert served() == (Cache.PARSE,)


def test_an_explanation_without_times_is_the_same_whatever_was_remembered(workspace: Workspace) -> None:
    first = workspace.query("points > 8", at=AT).explain()
    workspace.query("points > 8", at=AT).count()
    again = workspace.query("points > 8", at=AT).explain()
    assert as_text(first).endswith("from memory\n  nothing")
    assert as_text(again).endswith("from memory\n  parse, check, plan, members")
    assert as_text(without_times(first)) == as_text(without_times(again))


def test_nothing_is_remembered_of_what_was_refused(workspace: Workspace) -> None:
    workspace.limit(1)
    dear = " or ".join(f'city contains "{n}"' for n in range(200))
    for _ in range(2):
        assert [problem.code for problem in workspace.check(dear)] == ["too-costly"]
    workspace.limit(None)
    assert workspace.check(dear) == ()


# --- bounds ----------------------------------------------------------------------------------------------------


def test_answers_take_no_more_than_they_may(tmp_path: Path) -> None:
    tamis, workspace = opened(tmp_path / "data", cache_bytes=1000)
    for n in range(30):
        assert workspace.query(f"points > {n % 15}", at=AT).members == workspace.query(f"points > {n % 15}").members
        assert 0 < use(workspace, Cache.ANSWER).size <= 1000
    tamis.close()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40), st.integers(0, 60))
def test_a_memo_keeps_what_was_used_last(puts: list[tuple[int, int]], most: int) -> None:
    memo: Memo[int] = Memo(most)
    state = object()
    memo.begin(state)
    model: dict[int, int] = {}
    for key, size in puts:
        memo.put((state,), key, size, size)
        if size <= most:
            model.pop(key, None)
            model[key] = size
        while sum(model.values()) > most:
            model.pop(next(iter(model)))
        assert memo.use.size == sum(model.values())
    assert {key: memo.get((state,), key) for key in range(6)} == {key: model.get(key) for key in range(6)}


def test_a_memo_knows_one_state() -> None:
    memo: Memo[str] = Memo(10)
    old, new = [1], [1]  # equal, and not the same
    memo.begin(old)
    memo.put((old,), "k", "v")
    memo.put((new,), "k", "wrong")
    assert (memo.get((old,), "k"), memo.get((new,), "k")) == ("v", None)
    memo.begin(old)
    assert memo.get((old,), "k") == "v"
    memo.begin(new)
    assert (memo.get((old,), "k"), memo.get((new,), "k")) == (None, None)
    assert memo.use == Use(2, 3, 0, 0)


def test_sizes_are_those_of_containers() -> None:
    assert bitmap_bytes(BitMap()) == NUMBER_BYTES
    assert bitmap_bytes(BitMap(range(0, 20_000, 2))) == NUMBER_BYTES + 8192
    assert bitmap_bytes(BitMap([1, 5, 70_000])) == NUMBER_BYTES + 6


def test_readers_and_a_writer_at_once(workspace: Workspace) -> None:
    """Counts of a growing set never fall, whoever asks."""
    stop = threading.Event()
    wrong: list[tuple[int, int]] = []

    def read() -> None:
        before = 0
        while not stop.is_set():
            now = workspace.query('country = "NL"', at=AT).count().count
            if now < before:
                wrong.append((before, now))
            before = now

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(100):
        workspace.upsert_contacts([{"id": f"n{n}", "country": "NL"}]).result()
        assert workspace.query('country = "NL"', at=AT).count().count == n + 1
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
