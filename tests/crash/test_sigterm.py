"""SIGTERM while four clients write: the server finishes what it accepted, and ends in good order."""

from __future__ import annotations

import threading
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import sleep

from engine.directory import Tamis
from tests.crash.batches import SCHEMA, SIZE, WRITERS, Marked, found
from tests.crash.served import W, send, served


def keep_posting(address: str, writer: int, acked: list[str], sent: list[str]) -> None:
    """Batch after batch until the server is gone."""
    connection = HTTPConnection(address, timeout=30)
    number = 0
    while True:
        batch = Marked(writer, 3 * number)
        sent.append(batch.name)
        try:
            status, _ = send(connection, "POST", f"{W}/events", {"events": batch.event_rows()})
        except (OSError, HTTPException):
            return
        if status == 200:
            acked.append(batch.name)
        number += 1


def test_sigterm_finishes_what_was_accepted(tmp_path: Path) -> None:
    acked: list[str] = []
    sent: list[str] = []
    with served(tmp_path / "data") as (process, address):
        assert send(HTTPConnection(address), "PATCH", f"{W}/schema", SCHEMA)[0] == 200
        writers = [threading.Thread(target=keep_posting, args=(address, n, acked, sent)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        sleep(1)
        process.terminate()
        assert process.wait(30) == 0
        for writer in writers:
            writer.join(30)
    tamis = Tamis.open(tmp_path / "data")
    rows = found(tamis.workspace("default"))
    tamis.close()
    assert len(acked) >= WRITERS
    assert set(rows.values()) == {SIZE}
    assert set(acked) <= rows.keys() <= set(sent)
