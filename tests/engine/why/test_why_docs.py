"""The answers that docs/language.md shows are those that `why` gives."""

import re
from pathlib import Path

import pytest

from tests.opening import opened

REFERENCE = (Path(__file__).parents[3] / "docs" / "language.md").read_text()
SHOWN = re.findall(r"```why\n(.*?)\n---\n(.*?)\n```", REFERENCE, re.DOTALL)
CLOCK = 1_795_348_800_000
"""2026-11-22T12:00Z"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with opened(
        tmp_path_factory.mktemp("why") / "data",
        {
            "timezone": "Europe/Paris",
            "contacts": {"country": {"type": "text"}, "points": {"type": "number"}},
            "events": {"open": {"campaign": {"type": "text"}}, "purchase": {"amount": {"type": "number"}}},
        },
    ) as workspace:
        workspace.upsert_contacts([{"id": "ann", "country": "FR", "points": 12}]).result()
        workspace.add_events(
            [
                {"contact": "ann", "type": "open", "at": "2026-09-04T12:00:00Z", "campaign": "Spring"},
                {"contact": "ann", "type": "purchase", "at": "2026-11-01T12:00:00Z", "amount": 20},
                {"contact": "ann", "type": "purchase", "at": "2026-02-01T12:00:00Z", "amount": 80},
            ]
        ).result()
        yield workspace


def test_the_reference_shows_some():
    assert len(SHOWN) == 3


@pytest.mark.parametrize(("expression", "answer"), SHOWN)
def test_what_is_shown_is_what_is_said(workspace, expression, answer):
    assert workspace.why("ann", expression, at=CLOCK).text == answer
