"""Followers answer as the workspace does that they follow, whatever is written, imported, erased and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.directory import Tamis
from engine.feed import Beginning
from engine.following import Follower
from engine.questions import Questions
from engine.workspace import Workspace
from formats.batch import Batch, Kind
from storage import Checkpoint, mapped_blocks
from tests.folders import brief_folder

SCHEMA = {
    "contacts": {"country": {"type": "text"}, "points": {"type": "number"}, "interests": {"type": "tags"}},
    "events": {"open": {"campaign": {"type": "text"}}},
}
QUESTIONS = (
    "everyone",
    'country = "FR"',
    "points >= 3",
    'interests has any ("ski", "golf")',
    "did open",
    'did open(campaign = "spring") at least 2 times',
    "in segment french",
    "not did open and points is known",
)
NOW = 1_800_000_000_000
IDS = [f"c{i}" for i in range(8)]


class Follow:
    """A follower, and what it was told: at once, or when `deliver` is called."""

    def __init__(self, data: Path, workspace: Workspace, *, late: bool = False) -> None:
        self.follower: Follower | None = None
        self._blocks = mapped_blocks(data, workspace.name)
        self._limits = workspace.limits
        self._late = late
        self._told: list[Callable[[], None]] = []
        self._workspace = workspace
        workspace.feed(self)

    def began(self, workspace: str, beginning: Beginning) -> None:
        self.follower = Follower(workspace, self._blocks, beginning, self._limits, 0)

    def written(self, workspace: str, last: int, records: Sequence[bytes]) -> None:
        assert self.follower is not None
        follower, kept = self.follower, list(records)
        self._tell(lambda: follower.follow(last, kept))

    def saved(self, workspace: str, checkpoint: Checkpoint) -> None:
        assert self.follower is not None
        follower = self.follower
        self._tell(lambda: follower.adopt(checkpoint))

    def _tell(self, what: Callable[[], None]) -> None:
        self._told.append(what)
        if not self._late:
            self.deliver()

    def deliver(self) -> Follower:
        while self._told:
            self._told.pop(0)()
        assert self.follower is not None
        return self.follower

    def settled(self) -> Follower:
        """The follower once it has taken in all it was told; it is told nothing more."""
        self._workspace.starve(self)
        follower = self.deliver()
        follower.close()
        return follower


@contextmanager
def opened() -> Iterator[tuple[Path, Workspace]]:
    with brief_folder() as folder:
        tamis = Tamis.open(Path(folder) / "data")
        workspace = tamis.workspace("default")
        workspace.patch_schema(SCHEMA).result()
        workspace.put_segment("french", {"expression": 'country = "FR"'}).result()
        yield Path(folder) / "data", workspace
        tamis.close()


def answers(asked: Questions) -> list[Any]:
    """Members of every question, and the state they are of."""
    found: list[Any] = [asked.seq]
    for text in QUESTIONS:
        page = asked.query(text, at=NOW).page(fields=None, limit=100, cursor=None, sort="id")
        found.append((page.count, [contact["id"] for contact in page.contacts]))
    found.append([(view.key, view.count, view.etag) for view in asked.segments()])
    return found


Write = Callable[[Workspace], object]


def upsert(ids: list[str], country: str, points: int, tag: str) -> Write:
    rows = [{"id": id, "country": country, "points": points, "interests": [tag]} for id in ids]
    return lambda workspace: workspace.upsert_contacts(rows).result()


def opens(ids: list[str], campaign: str) -> Write:
    rows = [{"contact": id, "type": "open", "campaign": campaign, "at": "2026-11-01T10:00:00Z"} for id in ids]
    return lambda workspace: workspace.add_events(rows).result()


def imports(ids: list[str], country: str) -> Write:
    contacts = Batch(Kind.CONTACTS, pa.array(ids, pa.string()), columns={"country": pa.array([country] * len(ids))})
    events = Batch(
        Kind.EVENTS, pa.array(ids, pa.string()), event="open", columns={"campaign": pa.array(["spring"] * len(ids))}
    )
    return lambda workspace: (workspace.bulk_contacts([contacts]), workspace.bulk_events([events]))


def erase(id: str) -> Write:
    def write(workspace: Workspace) -> None:
        if workspace.contact(id) is not None:
            workspace.erase_contact(id).result()

    return write


def override(id: str) -> Write:
    def write(workspace: Workspace) -> None:
        if workspace.contact(id) is not None:
            workspace.change_members("french", [id], [], []).result()

    return write


def grow(name: str) -> Write:
    return lambda workspace: workspace.patch_schema({"contacts": {name: {"type": "text"}}}).result()


ids = st.lists(st.sampled_from(IDS), min_size=1, max_size=5)
countries = st.sampled_from(["FR", "BE"])
writes = st.one_of(
    st.builds(upsert, ids, countries, st.integers(0, 5), st.sampled_from(["ski", "tea"])),
    st.builds(opens, ids, st.sampled_from(["spring", "autumn"])),
    st.builds(imports, ids, countries),
    st.builds(erase, st.sampled_from(IDS)),
    st.builds(override, st.sampled_from(IDS)),
    st.builds(grow, st.sampled_from(["zip", "city"])),
    st.just(Workspace.checkpoint),
)


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(before=st.lists(writes, max_size=4), after=st.lists(writes, max_size=8))
def test_followers_answer_as_the_one_they_follow(before: list[Write], after: list[Write]) -> None:
    with opened() as (data, workspace):
        for write in before:
            write(workspace)
        prompt, late = Follow(data, workspace), Follow(data, workspace, late=True)
        for write in after:
            write(workspace)
        joined = Follow(data, workspace)
        for follow in (prompt, late, joined):
            follower = follow.settled()
            assert follower.healthy is None
            assert answers(follower) == answers(workspace)


def test_records_whose_blocks_are_gone_are_had_from_the_checkpoint_that_removed_them() -> None:
    with opened() as (data, workspace):
        slow = Follow(data, workspace, late=True)
        imports(IDS, "FR")(workspace)
        upsert(["c1"], "BE", 1, "ski")(workspace)
        for tell in slow._told[:1]:
            tell()
        assert slow.follower is not None
        # The staged rows of the import are in no file any more; nothing of it is shown yet.
        assert slow.follower.healthy is not None
        assert slow.follower.query("everyone").count().count == 0
        follower = slow.settled()
        assert follower.healthy is None
        assert answers(follower) == answers(workspace)


def test_an_adopted_checkpoint_is_the_same_state_and_old_readers_keep_theirs() -> None:
    with opened() as (data, workspace):
        follow = Follow(data, workspace)
        upsert(IDS, "FR", 3, "ski")(workspace)
        follower = follow.deliver()
        before = follower.snapshot
        query = follower.query("points >= 3")
        workspace.checkpoint()
        erase("c1")(workspace)
        workspace.checkpoint()
        follow.settled()
        assert follower.snapshot is not before
        assert query.count().count == len(IDS)
        assert follower.query("points >= 3").count().count == len(IDS) - 1
        assert len(follower._records) == 0


def test_what_is_not_followed_is_told_nothing() -> None:
    with opened() as (data, workspace):
        follow = Follow(data, workspace)
        workspace.starve(follow)
        upsert(IDS, "FR", 3, "ski")(workspace)
        assert answers(follow.deliver())[0] == 2


@pytest.mark.parametrize("reading", [True, False])
def test_a_follower_waits_for_the_state_it_is_asked_for(reading: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.questions.MIN_SEQ_PATIENCE", 0.05)
    with opened() as (data, workspace):
        follow = Follow(data, workspace, late=not reading)
        ack = workspace.upsert_contacts([{"id": "c1"}]).result()
        assert follow.follower is not None
        if reading:
            assert follow.follower.query("everyone", min_seq=ack.seq).count().count == 1
        else:
            with pytest.raises(Exception, match=str(ack.seq)):
                follow.follower.query("everyone", min_seq=ack.seq)
