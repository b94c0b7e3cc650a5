"""Plans print the same from run to run, and explain counts every operator."""

from __future__ import annotations

from dsl import typed
from dsl.problems import NOWHERE
from engine.plan import describe_logical, explain, plan, rewrite
from engine.plan.printing import ExplainNode
from tests.engine.plan.test_plan_constructs import FRANCE, RICH, TOYS, ask, both, but, company, did, events, last_days
from tests.engine.plan.twin import Twin


def question(twin: Twin) -> typed.Condition:
    twin.segment("toys", did(events(where=TOYS)), added=("e",))
    of_company = typed.OfCompany(NOWHERE, ask(company("industry"), typed.OneOf(("software",))))
    toys = typed.InSegment(NOWHERE, "toys")
    return both(FRANCE, toys, but(did(events("open", window=last_days(2)), 2)), typed.Or(NOWHERE, (RICH, of_company)))


def test_logical_plan(twin: Twin) -> None:
    assert describe_logical(rewrite(twin.lowered(question(twin)))).splitlines() == [
        "Difference",
        "  Intersection",
        "    Match scope=contacts field=country predicate=OneOf(('fr')) event=None",
        "    Segment key='toys' overrides=+1 -0",
        "      Did selected=Selected('purchase', ('purchase')) low=1 high=None",
        "        Match scope=events field=product predicate=OneOf(('toy')) event='purchase'",
        "    Union",
        "      Match scope=contacts field=points predicate=Range(3001, False, False) event=None",
        "      OfCompany",
        "        Match scope=companies field=industry predicate=OneOf(('software')) event=None",
        "  Did selected=Selected('open', ('open'), 1795176000123, 1795348800123) low=2 high=None",
    ]


def test_physical_plan_with_estimates(twin: Twin) -> None:
    version = twin.state.publish(1)
    nodes, again = (
        [(node.label, node.estimate) for node in walked(explain(plan(rewritten, version), version))]
        for rewritten in (rewrite(twin.lowered(question(twin))) for _ in range(2))
    )
    assert nodes == again
    assert [label for label, _ in nodes][:3] == ["but not", "all of", "country = 'fr'"]
    assert dict(nodes)["country = 'fr'"] == 2, "an index knows"


def test_explain_counts_every_operator_by_itself(twin: Twin) -> None:
    version = twin.state.publish(1)
    root = explain(plan(rewrite(twin.lowered(question(twin))), version), version)
    counts = {node.label: node.count for node in walked(root)}
    assert root.count == 1
    assert counts["country = 'fr'"] == 2
    assert counts["members of segment 'toys'"] == 2
    assert counts["product = 'toy'"] == 3  # events, the erased contact's included
    assert all(node.milliseconds >= 0 for node in walked(root))


def walked(node: ExplainNode) -> list[ExplainNode]:
    return [node, *(found for item in node.inputs for found in walked(item))]
