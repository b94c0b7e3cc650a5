"""The question of `measure`, asked of DuckDB."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.generate import Files
from bench.peers.duck import DuckDB
from bench.questions import questions
from bench.timing import timed, times_of


def measure(files: Files, folder: Path, runs: int) -> dict[str, Any]:
    """The same questions as in process, so that answers can be compared."""
    load_seconds, peer = timed(partial(DuckDB.open, files, folder))
    asked = list(questions(runs + 20))
    answers = [peer.number(question.sql) for question in asked[:50]]
    times = times_of(partial(peer.number, question.sql) for question in asked[20:])
    peer.close()
    return {"load_seconds": load_seconds, "question": asdict(times), "answers": answers}
