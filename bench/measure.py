"""One run of all measurements: JSON with machine facts, and a table for people."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from bench import duckdb_peer, language, over_http, safety
from bench.generate import Files, Size
from bench.machine import facts
from bench.race import Disagreement

Result = dict[str, Any]
GIB = 1 << 30


def measure(size: Size, files: Files, runs: int, seconds: float, work: Path | None = None) -> Result:
    """Import into a new directory, start again, ask, serve, ingest; then DuckDB, whose answers must be the same."""
    folder = Path(tempfile.mkdtemp(prefix="tamis-bench-", dir=work))
    try:
        data = folder / "data"
        result: Result = {"size": size.name, "machine": facts()}
        result["language"] = language.measure()
        result["import"] = inside("import", str(files.folder), str(data))
        result["in_process"] = inside("query", str(data), str(runs))
        result["safety"] = run_alone("bench.safety", str(data), str(runs))
        result["duckdb"] = duckdb_peer.measure(files, folder, runs)
        compare_answers(result)
        result["http"] = over_http.measure(data, runs, seconds)
        return result
    finally:
        shutil.rmtree(folder)


def inside(*arguments: str) -> Result:
    """What `bench.inside` measured, in a process of its own."""
    return run_alone("bench.inside", *arguments)


def run_alone(module: str, *arguments: str) -> Result:
    done = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, check=True)
    result: Result = json.loads(done.stdout)
    return result


def compare_answers(result: Result) -> None:
    ours, theirs = result["in_process"]["answers"], result["duckdb"]["answers"]
    if ours != theirs:
        wrong = [(number, a, b) for number, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
        raise Disagreement(f"(question, Tamis, DuckDB): {wrong[:5]}")


# --- the table ---------------------------------------------------------------------------------------------


def table(result: Result) -> Table:
    shown = Table("what", "measured", "target", title=f"size {result['size']}")
    for row in rows(result):
        shown.add_row(*row)
    return shown


def rows(result: Result) -> Iterator[tuple[str, str, str]]:
    """(what, measured, target at size M)."""
    yield from language.rows(result["language"])
    imported, inside, http, peer = (result[name] for name in ("import", "in_process", "http", "duckdb"))
    yield f"import {imported['contacts']:,} contacts (CSV)", f"{imported['contacts_seconds']:.2f} s", "8 s"
    yield f"import {imported['events']:,} events (Parquet)", f"{imported['events_a_second']:,.0f}/s", "400,000/s"
    yield "data directory", f"{imported['data_bytes'] / GIB:.2f} GiB", ""
    yield "resident after import (peak)", gib(imported["memory"]), ""
    yield "start-up, opening", f"{inside['open_seconds']:.2f} s", "2 s"
    yield "start-up, server ready", f"{http['ready_seconds']:.2f} s", ""
    yield "resident after start (peak)", gib(inside["memory_after_open"]), "2 GiB"
    yield "resident after questions (peak)", gib(inside["memory_after_queries"]), "2 GiB"
    yield "resident, serving (peak)", gib(http["memory"]), "2 GiB"
    yield "the question, first", f"{inside['first_ms']:.2f} ms", ""
    yield "the question, in process", milliseconds(inside["question"]), "2 ms"
    yield "completion, at each keystroke", milliseconds(inside["completion"]["again"]), "5 ms"
    yield "completion, columns asked for the first time", milliseconds(inside["completion"]["first"]), ""
    yield "the question, over HTTP", milliseconds(http["question"]), "3 ms"
    yield "a route that does nothing", milliseconds(http["floor"]), ""
    yield "the question again, over HTTP", milliseconds(http["again"]), ""
    yield from safety.rows(result["safety"])
    yield "the question, DuckDB in process", milliseconds(peer["question"]), ""
    for name, what, target in (
        ("batches", "durable events in batches", "30,000/s"),
        ("singles", "durable single events", "1,000/s"),
        ("singles_16", "durable single events", ""),
    ):
        measured = http[name]
        what = f"{what}, {measured['connections']} connections"
        yield what, f"{measured['events_a_second']:,.0f}/s; {milliseconds(measured['post'])}", target


def gib(memory: dict[str, int]) -> str:
    return f"{memory['resident'] / GIB:.2f} ({memory['peak'] / GIB:.2f}) GiB"


def milliseconds(times: dict[str, float]) -> str:
    return f"p50 {times['p50']:.2f}, p99 {times['p99']:.2f} ms"
