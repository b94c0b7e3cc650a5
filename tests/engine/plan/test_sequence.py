"""Sequences as plans: how they are shown, bounded and folded, and data at the edges of what fits."""

from __future__ import annotations

from dsl import typed
from dsl.moments import Duration, Unit
from dsl.problems import NOWHERE
from dsl.typed import Correlation
from engine.plan import explain, plan, reads, rewrite
from engine.plan.logical import Nothing
from engine.plan.reads import ColumnOf, EventsOf
from tests.engine.plan.test_plan_constructs import Between
from tests.engine.plan.twin import DAY, NOW, SCHEMA, Twin


def step(
    event: str | None, gap: int | None = None, *, absent: bool = False, window: Between | None = None
) -> typed.Step:
    return typed.Step(NOWHERE, typed.Selector(NOWHERE, event, None, window), gap, absent)


def sequence(*steps: typed.Step) -> typed.Sequence:
    return typed.Sequence(NOWHERE, steps)


def sharing() -> typed.Step:
    """`then open(campaign = same product)`."""
    same = Correlation(SCHEMA.events["open"]["campaign"], SCHEMA.events["purchase"]["product"])
    return typed.Step(NOWHERE, typed.Selector(NOWHERE, "open"), correlations=(same,), within=Duration(2, Unit.MONTH))


def test_a_sequence_reads_its_events_and_what_they_share(twin: Twin) -> None:
    assert reads(twin.lowered(sequence(step("purchase"), sharing()))) == {
        EventsOf("purchase"),
        EventsOf("open"),
        ColumnOf(typed.Scope.EVENTS, "product", "purchase"),
        ColumnOf(typed.Scope.EVENTS, "campaign", "open"),
    }


def test_a_sequence_is_shown_step_by_step(twin: Twin) -> None:
    version = twin.state.publish(1)
    shown = plan(twin.lowered(sequence(step("purchase"), sharing(), step("open", 5, absent=True))), version)
    text = "did purchase then open same product within 2 months then not open within 5 ms"
    assert explain(shown, version).label == text


def test_a_window_that_holds_nothing_leaves_nobody(twin: Twin) -> None:
    empty = sequence(step("purchase", window=Between(NOW, NOW)), step("open"))
    assert rewrite(twin.lowered(empty)) == Nothing()
    before = step("open", window=Between(None, NOW - 50 * DAY))
    assert rewrite(twin.lowered(sequence(step("purchase", window=Between(NOW - DAY, None)), before))) == Nothing()


def test_a_gap_longer_than_all_time_is_none(twin: Twin) -> None:
    for gap in (1 << 62, 1 << 80):
        assert twin.agreed(sequence(step("purchase"), step("open", gap))) == "a b"
        assert twin.agreed(sequence(step("purchase", window=Between(0, NOW)), step("open", gap))) == "a b"
    years = typed.Step(NOWHERE, typed.Selector(NOWHERE, "open"), within=Duration(5_000, Unit.YEAR))
    assert twin.engine(sequence(step("purchase"), years)) == {"a", "b"}


def test_moments_at_both_ends_of_the_calendar() -> None:
    twin = Twin()
    for id in ("a", "b"):
        twin.contact(id)
        twin.event("purchase", id, -62_000_000_000_000)
        twin.event("open", id, 253_000_000_000_000)
    twin.event("open", "a", -62_000_000_000_000 + DAY)
    assert twin.agreed(sequence(step("purchase"), step("open"))) == "a b"
    assert twin.agreed(sequence(step("purchase"), step("open", DAY))) == "a"
    assert twin.agreed(sequence(step("purchase"), step("open", DAY - 1))) == ""
    assert twin.agreed(sequence(step("purchase"), step("open", DAY), step("open"))) == "a"


def test_a_sequence_of_one_step_is_that_step(twin: Twin) -> None:
    assert twin.agreed(sequence(step("open"))) == "a b d"
