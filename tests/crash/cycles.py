"""Kill a writing process, open what it left, and compare with what it was promised: `python -m tests.crash.cycles`.

Each cycle's process reports what it found before it writes, so that every recovery is from a crash, never from a
clean close.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import click

from tests.crash.batches import SIZE, WRITERS

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds in which a process must have opened its directory."""


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass
class Promises:
    """What the processes so far were told, by writer: the last batch acknowledged and the last one sent."""

    acked: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(WRITERS), -1))
    sent: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(WRITERS), -1))
    seq: int = 0

    def hear(self, line: str) -> None:
        match line.split():
            case ["sent", writer, number]:
                self.sent[int(writer)] = int(number)
            case ["ack", writer, number, seq]:
                self.acked[int(writer)] = int(number)
                self.seq = max(self.seq, int(seq))

    def check(self, report: dict[str, object]) -> None:
        """The state is a prefix of each writer's batches, all of them whole, none acknowledged missing."""
        assert isinstance(report["rows"], dict)
        rows = Counter(report["rows"])
        halves = {name: count for name, count in rows.items() if count != SIZE}
        if halves:
            raise Broken(f"half there: {halves}")
        if int(str(report["seq"])) < self.seq:
            raise Broken(f"sequence {report['seq']} after {self.seq} was acknowledged")
        for writer in range(WRITERS):
            self._check_writer(writer, {int(n.split("-")[1]) for n in rows if n.startswith(f"{writer}-")})

    def _check_writer(self, writer: int, numbers: set[int]) -> None:
        reached = len(numbers) - 1
        if numbers != set(range(len(numbers))):
            raise Broken(f"writer {writer}: not a prefix, {sorted(set(range(max(numbers))) - numbers)[:5]} missing")
        if not self.acked[writer] <= reached <= self.sent[writer]:
            raise Broken(
                f"writer {writer}: {reached} there, {self.acked[writer]} acknowledged, {self.sent[writer]} sent"
            )
        self.acked[writer] = self.sent[writer] = reached


@dataclass
class Tally:
    kills: int = 0
    early: int = 0
    checkpoints: int = 0
    batches: int = 0
    unacknowledged: int = 0
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        slowest = max(self.seconds, default=0.0)
        return (
            f"{self.kills} kills ({self.early} of them during start-up), {self.checkpoints} checkpoints, "
            f"{self.batches} batches kept, {self.unacknowledged} of them not acknowledged before the kill; "
            f"start-up at most {slowest * 1000:.0f} ms"
        )


@dataclass
class Cycles:
    path: Path
    random: random.Random
    promises: Promises = field(default_factory=Promises)
    tally: Tally = field(default_factory=Tally)

    def run(self, cycles: int) -> Tally:
        for _ in range(cycles):
            self.cycle()
        self.finish()
        return self.tally

    def cycle(self) -> None:
        """One process: report, write, die. One in eight dies before it can say anything."""
        process = spawn(self.path)
        if self.random.random() < 0.125:
            self.tally.early += 1
            self.kill_after(process, self.random.uniform(0.1, 0.6))
            return
        self.hear_report(process)
        self.kill_after(process, self.random.expovariate(2.5))

    def hear_report(self, process: subprocess.Popen[bytes]) -> None:
        line = first_line(process)
        report = json.loads(line)
        acknowledged = sum(self.promises.acked.values())
        self.promises.check(report)
        self.tally.unacknowledged += sum(self.promises.acked.values()) - acknowledged
        self.tally.batches = len(report["rows"])
        self.tally.seconds.append(report["seconds"])

    def kill_after(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Listen for `seconds`, kill, and hear what was still on its way."""
        assert process.stdout is not None
        deadline = monotonic() + seconds
        pending = b""
        while (left := deadline - monotonic()) > 0 and select.select([process.stdout], [], [], left)[0]:
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise Broken(f"the process ended by itself with {process.wait()}")
            pending = self.hear_lines(pending + chunk)
        process.send_signal(signal.SIGKILL)
        self.hear_lines(pending + process.stdout.read())
        process.wait()
        process.stdout.close()
        self.tally.kills += 1

    def hear_lines(self, data: bytes) -> bytes:
        """Take whole lines in; returns what follows the last of them."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):  # the report of a process that was meant to die before it
                self.promises.check(json.loads(line))
            self.tally.checkpoints += line == b"checkpoint"
            self.promises.hear(line.decode())
        return rest

    def finish(self) -> None:
        """A last start, ended by SIGTERM: it finishes what it accepted, and closes in good order."""
        process = spawn(self.path)
        self.hear_report(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        rest = process.stdout.read()
        process.stdout.close()
        if process.wait() != 0 or not rest.endswith(b"closed\n"):
            raise Broken(f"SIGTERM: status {process.returncode}")
        self.hear_lines(rest)
        if self.promises.acked != self.promises.sent:
            raise Broken(f"SIGTERM: sent {self.promises.sent}, acknowledged {self.promises.acked}")


def spawn(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.worker", str(path)], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0
    )


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([process.stdout], [], [], PATIENCE)[0]:
            process.kill()
            raise Broken(f"no start within {PATIENCE:.0f} s")
        byte = process.stdout.read(1)
        if not byte:
            raise Broken(f"the process could not start: status {process.wait()}")
        line += byte
    return line


@click.command()
@click.option("--cycles", default=200, show_default=True)
@click.option("--seed", type=int, help="Of the moments of the kills; drawn when absent.")
@click.option("--slowest-start", default=2.0, show_default=True, help="Seconds; a slower start-up fails.")
def main(cycles: int, seed: int | None, slowest_start: float) -> None:
    """Kill a writing process again and again; exits with 1 when a promise was broken."""
    seed = random.randrange(1 << 32) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="tamis-crash-"))
    click.echo(f"seed {seed}, in {folder}")
    try:
        tally = Cycles(folder / "data", random.Random(seed)).run(cycles)
    except Broken as broken:
        click.echo(f"BROKEN: {broken}; the directory is kept")
        sys.exit(1)
    click.echo(str(tally))
    shutil.rmtree(folder)
    if max(tally.seconds) > slowest_start:
        click.echo(f"start-up took longer than {slowest_start} s")
        sys.exit(1)


if __name__ == "__main__":
    main()
