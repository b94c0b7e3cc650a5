"""Deadlines: every operator stops wherever its deadline passes, and what it stopped in is as good as before."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from engine.deadline import Deadline, DeadlineExceeded, QueryCancelled, QueryStopped, kept, still_wanted
from engine.plan import Operator
from engine.query import Query
from engine.workspace import Workspace
from tests.opening import opened

AT = 1_795_348_800_000
SCHEMA = {
    "timezone": "Europe/Paris",
    "contacts": {
        "country": {"type": "text"},
        "city": {"type": "text"},
        "points": {"type": "number", "decimals": 0},
        "interests": {"type": "tags"},
        "born": {"type": "date"},
    },
    "companies": {"industry": {"type": "text"}},
    "events": {
        "open": {"campaign": {"type": "text"}},
        "purchase": {"amount": {"type": "number", "decimals": 2}, "labels": {"type": "tags"}},
    },
    "identified_by": ["city"],
}
OF_EVERY_OPERATOR = (
    "everyone",
    "nobody",
    'country = "FR"',
    'country in ("FR", "BE") and points > 3',
    'city contains "i" or not points < 10',
    "city matches /^[a-m].*s$/",
    "country = city",
    "points * 2 > points + 3",
    "month of born = 3",
    'interests has any ("ski", "golf")',
    'company.industry = "Toys"',
    "did open in last 90 days",
    'did open(campaign contains "s")',
    'did open(campaign = "Spring") at least 2 times',
    "count(open) > count(purchase)",
    "sum(amount of purchase) > 20",
    "avg(amount of purchase) > 10 or min(amount of purchase) < 5",
    "distinct(campaign of open) >= 2",
    "distinct(amount of purchase) >= 2",
    "last(open) before 10 days ago",
    'last(campaign of open) = "Spring"',
    "first(campaign of open) = last(campaign of open)",
    "last(amount of purchase) > 5",
    "did open then purchase within 3 days",
    "did open then open(campaign = same campaign) within 1 month",
    "did open then not purchase within 3 days",
    "did open in at least 2 of last 8 weeks",
    'sample 30% seed "s"',
    'bucket("b", 4) = 1',
    "at least 2 of (did open, did purchase, points > 5)",
    'in segment "keen"',
    'not in segment "keen" and did any event',
    "(points > 2 + month of born and did open) or (not points > 2 + month of born and did purchase)",
    "everyone top 5 by points",
    "everyone bottom 5 by avg(amount of purchase)",
    'everyone random 5 seed "s"',
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Sixty contacts: some columns and parts sealed, some still in their tails."""
    with opened(tmp_path_factory.mktemp("deadlines") / "data", SCHEMA, cache_bytes=0) as workspace:
        workspace.upsert_companies([{"id": "acme", "industry": "Toys"}]).result()
        for half in (range(30), range(30, 60)):
            workspace.upsert_contacts([contact(n) for n in half]).result()
            workspace.add_events([event for n in half for event in events(n)]).result()
            if half.start == 0:
                workspace.checkpoint()
        workspace.put_segment("keen", {"name": "Keen", "expression": "count(open) > 1"}).result()
        yield workspace


def contact(n: int) -> dict[str, object]:
    given: dict[str, object] = {"id": f"c{n}", "points": n % 17, "born": f"19{60 + n % 30}-0{1 + n % 9}-11"}
    given |= {"country": ("FR", "BE", "Paris")[n % 3], "city": ("Paris", "Lyon", "Mons")[n % 3]}
    return given | ({"interests": ["ski"], "company": "acme"} if n % 2 else {})


def events(n: int) -> Iterator[dict[str, object]]:
    for k in range(n % 5):
        day = f"2026-11-{1 + (3 * n + k) % 20:02}T10:00:00Z"
        yield {"contact": f"c{n}", "type": "open", "at": day, "campaign": ("Spring", "Sales")[k % 2]}
        yield {"contact": f"c{n}", "type": "purchase", "at": day, "amount": n + k / 4, "labels": ["a", f"l{k}"]}


class Countdown(Deadline):
    """Passes at the check after `left` checks."""

    def __init__(self, left: int) -> None:
        super().__init__(timeout_ms=1)
        self.left = left
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked > self.left:
            raise DeadlineExceeded(1, 2)


def asked(workspace: Workspace, expression: str) -> Query:
    return workspace.query(expression, at=AT)


def walked(operator: Operator) -> Iterator[Operator]:
    yield operator
    for item in (*operator.inputs, *(events.where for events in operator.selections if events.where is not None)):
        yield from walked(item)


@pytest.mark.parametrize("expression", OF_EVERY_OPERATOR)
def test_it_stops_at_every_check_and_answers_rightly_afterwards(workspace: Workspace, expression: str) -> None:
    right = asked(workspace, expression).members
    expired = 0
    while True:
        deadline = Countdown(expired)
        try:
            with kept(deadline):
                found = asked(workspace, expression).members
            break
        except DeadlineExceeded:
            expired += 1
            if expired < 4 or expired % 5 == 0:
                assert asked(workspace, expression).members == right
    assert found == right
    assert expired > 1  # entering, and at least one step of the work


def test_every_operator_is_among_them(workspace: Workspace) -> None:
    met = {type(found) for text in OF_EVERY_OPERATOR for found in walked(asked(workspace, text).operator)}
    assert met == set(concrete(Operator))


def concrete(kind: type[Operator]) -> Iterator[type[Operator]]:
    """Every operator there is. A slotted dataclass is made anew; the class it was made from is left out."""
    for below in kind.__subclasses__():
        yield from concrete(below)
        if not below.__abstractmethods__ and vars(sys.modules[below.__module__]).get(below.__name__) is below:
            yield below


@pytest.mark.parametrize("step", ["count", "page", "sorted", "explain", "stream"])
def test_every_way_of_asking_stops(workspace: Workspace, step: str) -> None:
    query = asked(workspace, "points > 3 and did open")
    answers = {
        "count": query.count,
        "page": lambda: query.page(fields=None, limit=10, cursor=None, sort=None),
        "sorted": lambda: query.page(fields=None, limit=10, cursor=None, sort="points"),
        "explain": query.explain,
        "stream": lambda: list(query.stream(None)[1]),
    }
    with kept(Countdown(1)), pytest.raises(DeadlineExceeded):
        answers[step]()


def test_a_stream_stops_between_batches(workspace: Workspace) -> None:
    deadline = Deadline()
    with kept(deadline):
        _, batches = asked(workspace, "everyone").stream(["id"], rows=7)
        assert next(batches).num_rows == 7
        deadline.cancel()
        with pytest.raises(QueryCancelled):
            next(batches)


def test_how_long_it_ran_is_told() -> None:
    now = [10.0]
    deadline = Deadline(250, clock=lambda: now[0])
    deadline.check()
    now[0] += 0.2
    assert deadline.left_seconds == pytest.approx(0.05)
    now[0] += 0.1
    assert deadline.left_seconds == 0
    with pytest.raises(DeadlineExceeded, match="not answered within 250 ms: stopped after 300 ms"):
        deadline.check()


def test_deadlines_are_of_their_own_thread_and_nest() -> None:
    outer, inner = Deadline(), Deadline()
    with kept(outer):
        with kept(inner), kept(None):
            inner.cancel()
            with pytest.raises(QueryCancelled):
                still_wanted()
        still_wanted()
        outer.cancel()
        others = threading.Thread(target=still_wanted)
        others.start()
        others.join()
        with pytest.raises(QueryStopped):
            still_wanted()
    still_wanted()


def test_a_deadline_that_has_passed_begins_nothing(workspace: Workspace) -> None:
    deadline = Deadline(0.001)
    time.sleep(0.001)
    with pytest.raises(DeadlineExceeded), kept(deadline):
        pytest.fail("the work began")
