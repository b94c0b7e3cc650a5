"""The small workspace that the planner's tests ask."""

from __future__ import annotations

import pytest

from tests.engine.plan.twin import DAY, NOW, Twin


@pytest.fixture
def twin() -> Twin:
    """Five contacts, two companies, some events, and one contact `z` that was erased."""
    twin = Twin()
    twin.company("acme", industry="Software", staff=50)
    twin.company("bolt", industry="Métal")
    twin.contact("z", country="FR", points=100, newsletter=True)
    twin.contact("a", "acme", country="FR", points=3100, newsletter=True, interests=("Ski", "VTT"), birthdate=12_000)
    twin.contact("b", "bolt", country="fr", points=200, kind="red", signup=NOW - DAY, score=1.5)
    twin.contact("c", country="BE", points=-200, newsletter=False, interests=("ski",), birthdate=11_016)
    twin.contact("d", kind="Green", signup=NOW - 400 * DAY)
    twin.contact("e", country="purchase")
    for contact, days, amount, product in (
        ("z", 1, 100, "toy"),
        ("a", 1, 1000, "toy"),
        ("a", 2, 250, "Toy"),
        ("a", 100, 333, "game"),
        ("b", 3, None, "game"),
        ("c", 50, 1000, None),
    ):
        twin.event("purchase", contact, NOW - days * DAY, amount=amount, product=product)
    twin.event("open", "a", NOW - DAY, campaign="Spring")
    twin.event("open", "b", NOW - 40 * DAY, campaign="Spring")
    twin.event("open", "b", NOW - DAY, campaign="Autumn")
    twin.event("open", "d", NOW, campaign="spring")
    twin.erase("z")
    return twin
