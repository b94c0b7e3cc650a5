"""`tamis demo`: real data, three questions, and a server to go on with."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from engine import native
from engine.results import Count
from server.cli.backend import Question
from server.cli.command import Command
from server.cli.exits import DemoDiffers
from server.cli.local import Local, opened
from server.cli.remote import Remote
from server.cli.serve import SERVING, run
from server.cli.session import Session, reading
from server.client import Client
from server.demo import AT, EXPECTED, QUESTIONS, Source, data_folder, is_loaded, load, totals
from server.serve import address_of, told_when_slow

WORKSPACE = "default"
PATIENCE = 60.0
"""Seconds a server may take to start, or to stop."""

TRY = """
Try next, in another terminal:
  tamis count 'did purchase(department = "FLORAL") in 2017-02 and not in segment "families"' --url {url}
  tamis segments tree --url {url}
  curl -s {url}/v1/workspaces/default/query/count -H 'Content-Type: application/json' \\
       -d '{{"expression": "did redeem at least 5 times", "at": "2018-01-01"}}'"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the demo must hold or answer, and what it does."""

    what: str
    expected: int
    found: int


@click.command(cls=Command, settings=SERVING)
@click.option("--check", is_flag=True, help="verify and stop, instead of staying: for machines")
@click.pass_obj
def demo(session: Session, check: bool) -> None:
    """Load a year of a grocer's customers, ask three questions, and serve it.

    2,469 households, 1,469,307 lines of 155,848 baskets, 6,589 campaign receipts and 2,102 redeemed coupons. A second
    run uses what is there.
    """
    with opened(session.settings.data, create=True) as directory:
        local = Local(directory.create(WORKSPACE))
        Thread(target=native.warm, name="kernels", daemon=True).start()  # beside the loading: `warm` waits for them
        prepare(session, local)
        with told_when_slow(session.remark):
            native.warm()
        answers = [local.count(Question(ask.expression, at=AT)) for ask in QUESTIONS]
        held = totals(local.workspace) if check else EXPECTED
    if not check:
        session.answer({"answers": answers}, answer_table(answers))
        run(session, welcome=lambda url: session.remark(TRY.format(url=url)))
        return
    expected = asdict(EXPECTED)
    findings = [Finding(name, expected[name], number) for name, number in asdict(held).items()]
    findings += [Finding(ask.words, ask.answer, answer.count) for ask, answer in zip(QUESTIONS, answers, strict=True)]
    findings.append(Finding("the first question, over HTTP", QUESTIONS[0].answer, count_over_http(session)))
    conclude(session, findings)


def prepare(session: Session, local: Local) -> None:
    """Loads the demo where it is not there yet."""
    if is_loaded(local.workspace):
        session.remark(f"using what {session.settings.data} holds")
        return
    source = Source(data_folder())
    started = time.perf_counter()
    with session.progress() as bar:
        load(local.workspace, source, lambda words, rows: reading(bar, words, rows))
    session.remark(f"loaded in {time.perf_counter() - started:.1f} s")


def answer_table(answers: list[Count]) -> Table:
    rows = Table("question", "expression", "households", "time", box=SIMPLE_HEAD, pad_edge=False)
    for ask, answer in zip(QUESTIONS, answers, strict=True):
        rows.add_row(ask.words, ask.expression, f"{answer.count:,}", f"{answer.elapsed_ms:.1f} ms")
    return rows


def count_over_http(session: Session) -> int:
    """Starts a server on a free port, asks it the first question, and stops it."""
    with serving(Path(session.settings.data)) as url:
        return Remote(Client(url), WORKSPACE).count(Question(QUESTIONS[0].expression, at=AT)).count


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """`tamis serve` in a process of its own: its address once it answers; stopped politely afterwards."""
    command = [sys.executable, "-m", "server.cli", "serve", "--data", str(data), "--port", "0", "--quiet"]
    with subprocess.Popen(command) as process:
        try:
            yield _address(process, data)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _address(process: subprocess.Popen[bytes], data: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        url = address_of(data)
        if url is not None:
            return url
        time.sleep(0.05)
    raise DemoDiffers("the server did not start")


def conclude(session: Session, findings: list[Finding]) -> None:
    """Shows what was found; DemoDiffers when any of it is not as expected."""
    rows = Table("", "expected", "found", "", box=SIMPLE_HEAD, pad_edge=False)
    for finding in findings:
        mark = "ok" if finding.found == finding.expected else "[red]differs[/red]"
        rows.add_row(finding.what, f"{finding.expected:,}", f"{finding.found:,}", mark)
    differing = [finding.what for finding in findings if finding.found != finding.expected]
    session.answer({"findings": findings, "ok": not differing}, rows)
    if differing:
        raise DemoDiffers(f"not as expected: {', '.join(differing)}")
