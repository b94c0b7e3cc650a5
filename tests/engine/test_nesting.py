"""How deep segments may rest on one another: counted over parents and references, refused before anything walks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields

from dsl.problems import DataError, ExpressionError, ProblemError
from dsl.schema import Field, Schema, Type
from dsl.typed import Condition, Selection, Selector, Step, Term
from engine.directory import Tamis
from engine.language import understand
from engine.nesting import INSIDE, MOST_DEEP, MOST_DEEP_SAVED, is_shallow, nest_of
from engine.workspace import Workspace
from tests.opening import opened

SCHEMA = {"contacts": {"country": {"type": "text"}, "points": {"type": "number"}}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "data", SCHEMA) as workspace:
        yield workspace


@pytest.mark.parametrize("times", [0, 1, 5, 60])
@pytest.mark.parametrize(
    ("opens", "inner", "closes"),
    [
        ("!", "vip", ""),
        ("!(a!=1 or ", "vip", ")"),
        ("!(vip&", "company.a!=1", ")"),
        ("-(", "a", ")"),
        ("a+", "a", ""),
        ("exactly 1 of(vip,vip,", "vip", ")"),
        ("", "exactly 1 of(count(e(a!=1))-1/a!=1,vip)", ""),
    ],
)
def test_a_text_of_few_characters_is_shallow(opens: str, inner: str, closes: str, times: int) -> None:
    """Each of these says as much as can be said in few characters."""
    fields = {"a": Field("a", Type.NUMBER), "vip": Field("vip", Type.BOOLEAN)}
    schema = Schema(contacts=fields, companies=fields, events={"e": fields})
    text = opens * times + inner + closes * times
    for written in (text, text + ">1"):
        try:
            depth = nest_of(understand(written, schema, {})).depth
        except ExpressionError:
            continue
        assert depth <= len(written) + 2
        assert depth <= MOST_DEEP or not is_shallow(written)


def test_a_segment_that_is_named_is_never_shallow() -> None:
    assert is_shallow('country = "FR"')
    assert not is_shallow('country = "FR" and in SEGMENT "x"')


def put(workspace: Workspace, key: str, expression: str, parent: str | None = None) -> None:
    workspace.put_segment(key, {"expression": expression, "parent": parent}).result()


def refusal(workspace: Workspace, key: str, expression: str, parent: str | None = None) -> ProblemError:
    with pytest.raises((DataError, ExpressionError)) as refused:
        put(workspace, key, expression, parent)
    [problem] = refused.value.problems
    assert problem.code == "too-deep"
    return refused.value


def negated(times: int, inner: str) -> str:
    """Conditions in one another, so that none can be merged with the next: each step is an `or` and a `not`."""
    return "points > 1 or not (" * times + inner + ")" * times


def chain(workspace: Workspace, links: int) -> str:
    """Parents on parents: each link holds the next two conditions deep, below itself and their intersection."""
    put(workspace, "s0", "points > 0")
    for link in range(1, links):
        put(workspace, f"s{link}", f"points > {link}", f"s{link - 1}")
    return f"s{links - 1}"


LINKS = (MOST_DEEP_SAVED - 2) // 2 + 1
"""The last is two deep, a test of a field; each of the others holds the next two below itself."""


def test_parents_may_nest_to_the_limit_and_no_further(workspace: Workspace) -> None:
    top = chain(workspace, LINKS)
    refused = refusal(workspace, "beyond", "points > 9", top)
    assert isinstance(refused, DataError)
    [problem] = refused.problems
    assert problem.path == "$.parent"
    assert f"a chain of {LINKS + 1} segments (beyond -> {top} -> " in problem.message
    assert f"at most {MOST_DEEP_SAVED} " in problem.message
    assert problem.hint is not None


def test_a_reference_counts_where_it_stands(workspace: Workspace) -> None:
    put(workspace, "base", negated(20, "points > 2"))  # 2 for each step, 2 for the test
    put(workspace, "level", negated(20, 'in segment "base"'))  # 2 for each step, 1 for the reference
    put(workspace, "beside", " or ".join(f'points = {n} or in segment "level"' for n in range(40)))
    depths = workspace._snapshot.segments.depths
    assert (depths["base"], depths["level"], depths["beside"]) == (42, 83, 85)
    refused = refusal(workspace, "over", negated(20, 'in segment "level"'))
    assert isinstance(refused, ExpressionError)
    assert "124 conditions deep, through a chain of 3 segments (over -> level -> base)" in refused.problems[0].message


def test_an_edit_may_not_deepen_those_that_rest_on_it(workspace: Workspace) -> None:
    top = chain(workspace, LINKS)
    refused = refusal(workspace, "s0", negated(4, "points > 2"))
    assert f"segment '{top}', which rests on 's0', would be" in refused.problems[0].message
    put(workspace, "other", "points > 4")
    assert refusal(workspace, "s0", "points > 0", "other").problems[0].path == "$.parent"
    put(workspace, top, "points > 4")  # less deep: it may be saved, and then there is room
    put(workspace, "s0", "points > 0", "other")


def test_what_is_asked_counts_with_the_segments_it_names(workspace: Workspace) -> None:
    workspace.upsert_contacts([{"id": "ann", "points": 500}]).result()
    top = chain(workspace, LINKS)
    asked = f'in segment "{top}"'
    assert workspace.query(negated(3, asked)).count().count == 1
    for ask in (workspace.query, lambda text: workspace.why("ann", text)):
        with pytest.raises(ExpressionError) as refused:
            ask(negated(4, asked))
        assert refused.value.problems[0].code == "too-deep"
        assert f"at most {MOST_DEEP} are taken" in refused.value.problems[0].message


def test_segments_stay_after_reopening(tmp_path: Path) -> None:
    tamis = Tamis.open(tmp_path / "data")
    tamis.workspace("default").patch_schema(SCHEMA).result()
    top = chain(tamis.workspace("default"), LINKS)
    tamis.close()
    tamis = Tamis.open(tmp_path / "data")
    assert tamis.workspace("default")._snapshot.segments.depths[top] == MOST_DEEP_SAVED
    refusal(tamis.workspace("default"), "beyond", "points > 9", top)
    tamis.close()


KINDS = {Selection, Selector, Step, *get_args(Condition), *get_args(Term)}


def mentioned(hint: object) -> set[object]:
    """The classes that an annotation is made of."""
    return {hint}.union(*map(mentioned, get_args(hint)))


def test_every_node_that_holds_others_is_looked_into() -> None:
    holding = {kind: {f.name for f in fields(kind) if mentioned(f.type) & (KINDS - {Selection})} for kind in KINDS}
    assert {kind: set(names) for kind, names in INSIDE.items()} == holding
