"""A server on a disk of a few MiB that fills up: run as `python -m tests.crash.small_disk DISK`."""

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


def count(connection: HTTPConnection) -> int:
    status, answer = send(connection, "POST", f"{W}/query/count", {"expression": "batch is set"})
    assert status == 200, answer
    return int(answer["count"])


def main(disk: Path) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(os.urandom(12 << 20))
    with served(disk / "data") as (process, address):
        connection = HTTPConnection(address)
        assert send(connection, "PATCH", f"{W}/schema", SCHEMA)[0] == 200
        accepted, refusal = fill(connection)
        assert accepted > 0
        assert refusal["status"] == 507, refusal
        assert refusal["code"], refusal
        assert count(connection) == accepted
        status, ready = send(connection, "GET", "/readyz")
        ballast.unlink()
        one = {"contacts": [{"id": "after", "batch": "there is room"}]}
        status, answer = send(connection, "POST", f"{W}/contacts", one)
        assert status == 200, answer
        assert count(connection) == accepted + 1
        process.terminate()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    with served(disk / "data") as (_, address):
        assert count(HTTPConnection(address)) == accepted + 1
    print(f"{accepted} contacts, then {refusal['code']}, then room again; ready said {ready}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
