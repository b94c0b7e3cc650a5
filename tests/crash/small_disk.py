"""A server on a disk of a few MiB that fills up: run as `python -m tests.crash.small_disk DISK WORKERS`."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection
from pathlib import Path

from tests.crash.batches import SCHEMA
from tests.crash.served import W, send, served

TEXT = "x" * 2_000
ROWS = 200
MOST_POSTS = 200


def fill(connection: HTTPConnection) -> tuple[int, dict[str, object]]:
    """Post until refused: (contacts accepted, the refusal)."""
    for number in range(MOST_POSTS):
        rows = [{"id": f"c{number}-{row}", "batch": f"{number} {row} {TEXT}"} for row in range(ROWS)]
        status, answer = send(connection, "POST", f"{W}/contacts", {"contacts": rows})
        if status != 200:
            return number * ROWS, {"status": status, **answer}
    raise SystemExit("the disk never filled up")


def counts(connections: list[HTTPConnection]) -> set[int]:
    """What all count: the first of them wrote, and the others ask for that state."""
    found, least = set(), 0
    for connection in connections:
        asked = {"expression": "batch is set", "min_seq": least}
        status, answer = send(connection, "POST", f"{W}/query/count", asked)
        assert status == 200, answer
        found.add(int(answer["count"]))
        least = answer["seq"]
    return found


def main(disk: Path, workers: str) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(os.urandom(12 << 20))
    with served(disk / "data", "--workers", workers) as (process, address):
        connection, *_ = connections = [HTTPConnection(address) for _ in range(int(workers))]
        assert send(connection, "PATCH", f"{W}/schema", SCHEMA)[0] == 200
        accepted, refusal = fill(connection)
        assert accepted > 0
        assert refusal["status"] == 507, refusal
        assert refusal["code"], refusal
        assert counts(connections) == {accepted}
        status, ready = send(connection, "GET", "/readyz")
        ballast.unlink()
        one = {"contacts": [{"id": "after", "batch": "there is room"}]}
        status, answer = send(connection, "POST", f"{W}/contacts", one)
        assert status == 200, answer
        assert counts(connections) == {accepted + 1}
        process.terminate()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    with served(disk / "data") as (_, address):
        assert counts([HTTPConnection(address)]) == {accepted + 1}
    print(f"{accepted} contacts, then {refusal['code']}, then room again; ready said {ready}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
