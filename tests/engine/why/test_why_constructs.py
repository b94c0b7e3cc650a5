"""What `why` says of each construct of the language, for one small world; expectations are worked out by hand."""

import pytest

from engine.errors import UnknownContact, UnknownSegment
from tests.opening import opened

CLOCK = 1_795_348_800_000
"""2026-11-22T12:00Z"""

SCHEMA = {
    "timezone": "UTC",
    "contacts": {
        "country": {"type": "text"},
        "plan": {"type": "choice", "options": ["Free", "Pro"]},
        "points": {"type": "number", "decimals": 0},
        "score": {"type": "float"},
        "vip": {"type": "boolean"},
        "birthdate": {"type": "date"},
        "seen": {"type": "datetime"},
        "interests": {"type": "tags"},
    },
    "companies": {"industry": {"type": "text"}},
    "events": {
        "visit": {"url": {"type": "text"}},
        "open": {"campaign": {"type": "text"}},
        "purchase": {"amount": {"type": "number", "decimals": 2}},
    },
}
CONTACTS = [
    {"id": "ann", "country": "FR", "points": 12, "birthdate": "1990-11-30", "interests": ["ski"], "company": "acme"},
    {"id": "bob", "country": "BE", "points": 40, "plan": "Free", "score": 1.5, "seen": "2026-11-20T12:00:00Z"},
    {"id": "cid", "points": 40},
    {"id": "dan", "points": 7},
]
EVENTS = [
    {"contact": "ann", "type": "visit", "at": "2026-11-01T10:00:00Z", "url": "/pricing", "id": "v1"},
    {"contact": "ann", "type": "purchase", "at": "2026-11-10T10:00:00Z", "amount": 20},
    {"contact": "ann", "type": "purchase", "at": "2026-02-10T10:00:00Z", "amount": 80.5},
    {"contact": "ann", "type": "open", "at": "2026-11-20T12:00:00Z", "campaign": "Spring"},
    {"contact": "ann", "type": "open", "at": "2026-11-12T12:00:00Z", "campaign": "Fall"},
    {"contact": "bob", "type": "open", "at": "2026-11-21T12:00:00Z", "campaign": "Fall"},
]
SEGMENTS = {
    "fr": {"name": "French", "expression": 'country = "FR"'},
    "active": {"name": "Active", "parent": "fr", "expression": "did open in last 7 days or points > 30"},
    "hand": {"name": "By hand"},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("why") / "data", SCHEMA) as workspace:
        workspace.upsert_companies([{"id": "acme", "industry": "Software"}]).result()
        workspace.upsert_contacts(CONTACTS).result()
        workspace.add_events(EVENTS).result()
        for key, body in SEGMENTS.items():
            workspace.put_segment(key, body).result()
        workspace.change_members("active", ["cid"], ["dan"], []).result()
        yield workspace


@pytest.fixture
def why(workspace):
    return lambda id, text, **more: workspace.why(id, text, at=CLOCK, **more)


@pytest.fixture
def leaf(why):
    return lambda id, text, **more: why(id, text, **more).root


def values(node):
    return {value.name: value.value for value in node.values}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("birthdate before 0001-01-01", "nothing can change it"),
        ("birthdate > 9999-12-31", "nothing can change it"),
        ("birthdate between 0001-01-01 and 9999-12-31", "birthdate would have to have a value (it has no value)"),
        ("birthdate in 9999", "birthdate would have to be 1 January 9999 or later (it has no value)"),
        (
            "birthdate anniversary in 9999-12-31",
            "birthdate would have to have its anniversary on 31 December 9999 or later (it has no value)",
        ),
        ("seen before 0001-01-01", "nothing can change it"),
        ("seen after 9999-12-31", "nothing can change it"),
        ("seen > 9999-12-31T23:59-12:00", "nothing can change it"),
        ("seen = 0001-01-01T00:00+14:00", "nothing can change it"),
        (
            "seen in 9999-12-31",
            "seen would have to be 31 December 9999 at 00:00 or later (it has no value)",
        ),
    ],
)
def test_what_lies_beyond_the_calendar_is_not_asked_for(leaf, text, sentence):
    assert leaf("dan", text).change.sentence == sentence


@pytest.mark.parametrize(
    ("id", "text", "holds", "found", "set"),
    [
        ("ann", "points > 30", False, 12, {"points": 31}),
        ("ann", "points between 20 and 25", False, 12, {"points": 20}),
        ("bob", "points between 20 and 25", False, 40, {"points": 25}),
        ("bob", "points > 30", True, 40, {"points": None}),
        ("bob", 'country in ("FR", "NL")', False, "BE", {"country": "FR"}),
        ("bob", 'country != "be"', False, "BE", {"country": None}),
        ("bob", 'country is exactly "be"', False, "BE", {"country": "be"}),
        ("bob", 'plan = "pro"', False, "Free", {"plan": "Pro"}),
        ("bob", "score > 1.5", False, 1.5, {"score": 1.5000000000000002}),
        ("ann", "vip", False, None, {"vip": True}),
        ("ann", 'interests has all ("ski", "vtt")', False, ["ski"], {"interests": ["ski", "vtt"]}),
        ("ann", "birthdate before 1990-11-30", False, "1990-11-30", {"birthdate": "1990-11-29"}),
        ("bob", "seen in last 24 hours", False, "2026-11-20T12:00:00Z", {"seen": "2026-11-21T12:00:00Z"}),
        ("cid", 'country contains "r"', False, None, {"country": "r"}),
        ("cid", 'country like "F_%"', False, None, {"country": "Fx"}),
        ("cid", "country matches /^F/", False, None, None),
        ("cid", "country is set", False, None, None),
        ("cid", 'id = "ann"', False, "cid", None),
        ("ann", 'company.industry != "software"', False, "Software", None),
    ],
)
def test_values_and_what_to_set(leaf, id, text, holds, found, set):
    node = leaf(id, text)
    assert (node.holds, node.values[0].value) == (holds, found)
    assert node.change.set == set


def test_a_contact_without_a_company_is_told_apart_from_a_company_without_a_value(leaf):
    assert leaf("bob", 'company.industry = "x"').found == "the contact has no company"
    assert leaf("ann", 'company.industry = "x"').found == "company.industry is “Software”"


def test_nothing_can_satisfy_what_nothing_satisfies(leaf):
    change = leaf("ann", "points between 5 and 4").change
    assert (change.possible, change.set, change.sentence) == (False, None, "nothing can change it")


def test_terms_show_what_they_are_made_of(leaf):
    node = leaf("ann", "sum(amount of purchase) / count(purchase) + points > 100")
    assert [(value.name, float(value.value)) for value in node.values] == [
        ("sum(amount of purchase) / count(purchase) + points", 62.25),
        ("sum(amount of purchase)", 100.5),
        ("count(purchase)", 2),
        ("points", 12),
    ]
    assert leaf("ann", "last(campaign of open) = country").found == (
        "last(campaign of open) is “Spring” and country is “FR”"
    )


def test_matching_events_are_shown_newest_first_with_their_ids(leaf):
    assert [event.at for event in leaf("ann", "did open").events[0].newest] == [
        "2026-11-20T12:00:00Z",
        "2026-11-12T12:00:00Z",
    ]
    assert leaf("ann", "did visit").events[0].newest[0].id == "v1"


def test_near_misses_say_what_they_fail_the_nearest_first(leaf):
    events = leaf("ann", "did purchase(amount > 50 and amount < 60) since 2026-05-01").events[0]
    assert (events.count, events.missed) == (0, 2)
    assert [(event.at, event.fails) for event in events.nearest] == [
        ("2026-11-10T10:00:00Z", ("amount > 50 does not hold",)),
        ("2026-02-10T10:00:00Z", ("before 1 May 2026 at 00:00, when the period begins", "amount < 60 does not hold")),
    ]


@pytest.mark.parametrize(
    ("text", "sentence", "times"),
    [
        ("did open at least 5 times", "3 more events `open` would be needed (2 found)", 3),
        ("did open at most 1 times", "1 event fewer of `open` would be needed (2 found)", 1),
        ("did open exactly 2 times", "1 event fewer of `open` would be needed (2 found)", 1),
        ("did not visit in 2026-11", "1 event fewer of `visit in 2026-11` would be needed (1 found)", 1),
        ("did visit exactly 0 times in 2025", "1 more event `visit in 2025` would be needed (0 found)", 1),
    ],
)  # fmt: skip
def test_how_many_more_or_fewer(leaf, text, sentence, times):
    change = leaf("ann", text).change
    assert (change.sentence, change.times) == (sentence, times)


def test_an_event_to_add_lies_in_the_period(leaf):
    assert leaf("bob", "did visit in last month").change.add == {
        "contact": "bob",
        "type": "visit",
        "at": "2026-10-31T23:59:59.999Z",
    }


@pytest.mark.parametrize(
    ("id", "text", "at"),
    [
        ("ann", "did open in last 7 days", "2026-11-27T12:00:00.001Z"),
        ("ann", "did open at least 2 times in last 30 days", "2026-12-12T12:00:00.001Z"),
        ("ann", "did open in at least 2 of last 4 weeks", "2026-12-10T12:00:00.001Z"),
        ("ann", "birthdate anniversary in next 7 days", "2026-11-24T00:00:00Z"),
        ("ann", "years since birthdate >= 36", "2026-11-30T00:00:00Z"),
        ("ann", "last(open) before 30 days ago", "2026-12-20T12:00:00.001Z"),
        ("ann", "sum(amount of purchase in last 365 days) > 100", "2027-02-10T10:00:00.001Z"),
        ("bob", "seen in last 3 days", "2026-11-23T12:00:00.001Z"),
        ("ann", "did visit then purchase in last 30 days", "2026-12-01T10:00:00.001Z"),
        ("ann", "did open in this week", "2026-11-23T00:00:00Z"),
        ("ann", "points > 30 or did open in last 7 days", "2026-11-27T12:00:00.001Z"),
        ("ann", "not (country = 'FR' and did open in last 7 days)", "2026-11-27T12:00:00.001Z"),
        ("ann", "in segment active", "2026-11-27T12:00:00.001Z"),
        ("ann", "did open since 2026-01-01", None),
        ("ann", "did visit in last 7 days", None),
        ("ann", "did open in last 7 days top 5 by points", None),
    ],
)
def test_when_time_alone_turns_it(why, id, text, at):
    turn = why(id, text).turn
    assert (turn and turn.at) == at


def test_the_event_that_leaves_is_named(leaf):
    sentence = leaf("ann", "did open in last 7 days").turn.sentence
    assert sentence.endswith("when the open of 20 November 2026 at 12:00 leaves the period")


def test_a_sequence_shows_the_event_of_each_step(leaf):
    node = leaf("ann", 'did visit(url contains "pricing") then purchase within 10 days then open')
    assert [(step.holds, step.event.at) for step in node.steps] == [
        (True, "2026-11-01T10:00:00Z"),
        (True, "2026-11-10T10:00:00Z"),
        (True, "2026-11-20T12:00:00Z"),
    ]


def test_a_sequence_shows_where_it_stopped_and_until_when_it_could_have_gone_on(leaf):
    node = leaf("ann", "did visit then purchase within 7 days then open")
    assert [(step.text, step.reached, step.holds) for step in node.steps] == [
        ("visit", True, True),
        ("then purchase within 7 days", True, False),
        ("then open", False, False),
    ]
    assert node.found == "stopped at step 2 of 3"
    assert "after 1 November 2026 at 10:00 and not after 8 November 2026 at 10:00" in node.change.sentence


def test_an_event_that_should_not_have_come_is_named(leaf):
    node = leaf("ann", "did visit then not purchase within 10 days")
    assert (node.steps[1].holds, node.steps[1].event.at) == (False, "2026-11-10T10:00:00Z")
    assert node.change.sentence.endswith("should not have come at 10 November 2026 at 10:00")


def test_a_shared_value_is_that_of_the_step_it_names(leaf):
    assert leaf("ann", "did open then open(campaign = same campaign)").holds is False
    assert leaf("ann", "did open then not open(campaign = same campaign)").holds is True


def test_a_quorum_says_how_many_hold_and_which_of_them_decide(leaf):
    node = leaf("ann", "at least 2 of (points > 30, did open, did visit, did purchase(amount > 100))")
    assert (node.found, node.least, node.most) == ("2 of 4 hold", 2, 4)
    assert [(item.holds, item.deciding) for item in node.items] == [
        (False, False),
        (True, True),
        (True, True),
        (False, False),
    ]
    exact = leaf("ann", "exactly 2 of (points > 30, did open, did visit)")
    assert [item.deciding for item in exact.items] == [True, True, True]
    none = leaf("ann", "none of (points > 30, did open)")
    assert [(item.holds, item.deciding) for item in none.items] == [(False, False), (True, True)]


def test_except_is_a_negation(leaf):
    node = leaf("ann", 'country = "FR" except points < 20')
    assert [(item.kind, item.text, item.deciding) for item in node.items] == [
        ("leaf", 'country = "FR"', False),
        ("not", "except points < 20", True),
    ]
    assert node.items[1].items[0].deciding


def test_a_segment_is_opened_up_to_its_parent_and_rules(leaf):
    node = leaf("bob", "in segment Active")
    parent, rules = node.items
    assert (node.key, parent.key, parent.span, rules.kind, rules.segment) == ("active", "fr", None, "or", "active")
    assert [(each.holds, each.deciding) for each in (parent, rules)] == [(False, True), (True, False)]
    assert parent.items[0].values[0].value == "BE"
    source = SEGMENTS["active"]["expression"]
    assert source[rules.items[1].span.start : rules.items[1].span.end] == "points > 30"


def test_what_was_done_by_hand_decides_alone(leaf):
    added, removed = leaf("cid", "in segment active"), leaf("dan", "in segment active")
    assert (added.holds, added.by_hand, any(item.deciding for item in added.items)) == (True, "added", False)
    assert (removed.holds, removed.by_hand) == (False, "removed")
    rules = leaf("cid", "matches segment active")
    assert (rules.holds, rules.kind, rules.by_hand, rules.items[0].deciding) == (False, "rules", None, True)
    assert leaf("ann", "in segment hand").found == "not added by hand, and there are no rules"


def test_a_segment_is_opened_once(leaf):
    first, second = leaf("bob", "in segment active or in segment active and points > 3").items
    assert first.items
    assert second.items[0].opened_before
    assert second.items[0].items == ()


def test_the_rank_beside_the_edge(leaf):
    node = leaf("ann", "everyone top 2 by points")
    assert (node.holds, node.rank.rank, node.rank.members, node.rank.kept) == (False, 3, 4, 2)
    assert (node.rank.value, node.rank.edge) == (12, 40)
    assert (node.deciding, node.items[0].deciding) == (True, False)
    tied = leaf("cid", "everyone top 1 by points")
    assert (tied.holds, tied.rank.rank, tied.rank.edge) == (False, 2, 40)
    assert leaf("dan", "everyone bottom 1 by points").rank.rank == 1
    missing = leaf("dan", "everyone bottom 5 by seen")
    assert (missing.holds, missing.rank.rank, missing.rank.value) == (True, 4, None)


def test_a_cut_is_not_asked_about_those_it_never_saw(leaf):
    node = leaf("bob", 'country = "FR" top 1 by points')
    assert (node.rank, node.holds, node.items[0].deciding) == (None, False, True)


def test_every_rank_of_a_random_cut_is_there_once(why, workspace):
    ranks = {id: why(id, 'everyone random 2 seed "x"').root.rank.rank for id in ("ann", "bob", "cid", "dan")}
    assert sorted(ranks.values()) == [1, 2, 3, 4]


def test_draws_stay_as_they_are(leaf):
    for text in ('sample 10% seed "x"', 'bucket("x", 10) < 3'):
        assert leaf("ann", text).change.possible is False


def test_the_fewest_changes(why):
    texts = [
        flip.text for flip in why("ann", "points > 30 and (vip or country = 'FR') and did open at least 3 times").flips
    ]
    assert texts == ["points > 30", "did open at least 3 times"]
    assert [flip.text for flip in why("ann", "points < 30 and did open").flips] == ["points < 30"]
    assert why("ann", 'nobody and sample 0% seed "x"').flips == ()
    [flip] = why("dan", "in segment active").flips
    assert flip.change.sentence == "add the contact to segment “Active” by hand"


def test_who_or_what_is_unknown(workspace):
    with pytest.raises(UnknownContact):
        workspace.why("eve", "everyone")
    with pytest.raises(UnknownContact):
        workspace.why_member("fr", "eve")
    with pytest.raises(UnknownSegment):
        workspace.why_member("none", "ann")
