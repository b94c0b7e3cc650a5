"""The writer: group commit, order, and what happens when something refuses."""

import threading
from collections.abc import Sequence

import pytest

from engine.changes import Change, DropSegment, decode
from engine.errors import Closed, WriterBroken
from engine.writer import Writer


class Journal:
    """Keeps records in memory; can be held, and told to refuse."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.transactions: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.refusal: Exception | None = None

    def append(self, records: Sequence[bytes], *, blocks: Sequence[str] = ()) -> int:
        self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.records.extend(records)
        self.transactions.append(len(records))
        return len(self.records)


class Target:
    def __init__(self) -> None:
        self.applied: list[tuple[int, str]] = []
        self.published: list[int] = []

    def apply(self, change: Change, seq: int) -> int:
        assert isinstance(change, DropSegment)
        if change.key == "bug":
            raise RuntimeError("boom")
        self.applied.append((seq, change.key))
        return len(self.applied)

    def publish(self, seq: int) -> None:
        self.published.append(seq)

    def after_group(self, size: int) -> None:
        assert size > 0

    def tick(self) -> None:
        pass


@pytest.fixture
def parts():
    journal, target = Journal(), Target()
    writer = Writer(journal, target, "test")
    yield journal, target, writer
    journal.gate.set()
    writer.close()


def test_an_answer_comes_after_the_record_is_durable_and_published(parts) -> None:
    journal, target, writer = parts
    seen = writer.submit(DropSegment("a"), lambda applied, seq: (applied, seq, list(target.published))).result()
    assert seen == (1, 1, [1])
    assert decode(journal.records[0]) == DropSegment("a")


def test_writes_that_wait_share_one_transaction_and_keep_their_order(parts) -> None:
    journal, target, writer = parts
    journal.gate.clear()
    futures = [writer.submit(DropSegment(f"k{i}"), lambda applied, seq: seq) for i in range(50)]
    journal.gate.set()
    assert [f.result() for f in futures] == list(range(1, 51))
    assert [key for _, key in target.applied] == [f"k{i}" for i in range(50)]
    assert len(journal.transactions) <= 3


def test_a_look_at_the_state_sees_every_earlier_write_and_none_later(parts) -> None:
    journal, target, writer = parts
    journal.gate.clear()
    writer.submit(DropSegment("before"), lambda applied, seq: seq)
    seen: list[int] = []

    def prepare() -> Change:
        seen.append(len(target.applied))
        return DropSegment("middle")

    middle = writer.submit_prepared(prepare, lambda applied, seq: seq)
    writer.submit(DropSegment("after"), lambda applied, seq: seq)
    journal.gate.set()
    assert middle.result() == 2
    assert seen == [1]


def test_a_refused_look_writes_nothing_and_spares_the_others(parts) -> None:
    journal, _, writer = parts

    def prepare() -> Change:
        raise ValueError("no")

    refused = writer.submit_prepared(prepare, lambda applied, seq: seq)
    accepted = writer.submit(DropSegment("b"), lambda applied, seq: seq)
    with pytest.raises(ValueError, match="no"):
        refused.result()
    assert accepted.result() == 1
    assert len(journal.records) == 1


def test_a_refusing_journal_is_heard_by_every_caller_and_may_recover(parts) -> None:
    journal, target, writer = parts
    journal.refusal = OSError("full")
    with pytest.raises(OSError, match="full"):
        writer.submit(DropSegment("a"), lambda applied, seq: seq).result()
    assert target.applied == []
    journal.refusal = None
    assert writer.submit(DropSegment("a"), lambda applied, seq: seq).result() == 1


def test_a_change_that_cannot_be_applied_stops_the_writer_and_says_so(parts) -> None:
    _, _, writer = parts
    with pytest.raises(WriterBroken, match="boom"):
        writer.submit(DropSegment("bug"), lambda applied, seq: seq).result()
    with pytest.raises(WriterBroken):
        writer.submit(DropSegment("fine"), lambda applied, seq: seq).result()
    assert "restart to recover" in (writer.broken or "")


def test_closing_finishes_what_was_accepted_and_takes_no_more() -> None:
    journal, target = Journal(), Target()
    writer = Writer(journal, target, "test")
    journal.gate.clear()
    futures = [writer.submit(DropSegment(f"k{i}"), lambda applied, seq: seq) for i in range(5)]
    journal.gate.set()
    writer.close()
    assert [f.result() for f in futures] == [1, 2, 3, 4, 5]
    with pytest.raises(Closed):
        writer.submit(DropSegment("late"), lambda applied, seq: seq)
