"""A run: one mode after the other, each in a process of its own. What is found is kept as it comes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

from bench.concluding import concluded
from bench.course import Course, Result
from bench.machine import facts, revision

Say = Callable[[str], None]
LAST_LINES = 25
"""Lines of what a mode that failed said at its end."""


def run(course: Course, modes: Sequence[str], target: Path, minutes: float, say: Say, before: Result) -> Result:
    """What all modes found, by name, besides what an earlier run has `before`; `failed` has why one found less than it
    should. `target` is written after each mode, one that takes longer than so many `minutes` is ended."""
    result = {**before, "size": course.size.name, "tamis": revision(), "seconds": course.seconds, "machine": facts()}
    result["failed"] = {mode: why for mode, why in before.get("failed", {}).items() if mode not in modes}
    folder = run_folder(target)
    folder.mkdir(parents=True, exist_ok=True)
    course.write(course_file(folder))
    for mode in modes:
        say(f"--- {mode}")
        part_file(folder, mode).unlink(missing_ok=True)
        written(result, so_far_file(folder))
        failure: str | None = "interrupted"
        try:
            failure = one(mode, folder, minutes, say)
        finally:
            result = concluded(with_part(result, mode, folder, failure))
            written(result, target)
        if failure is not None:
            say(f"{mode} failed: {failure}")
    if not result["failed"]:
        shutil.rmtree(folder)
    return result


def with_part(result: Result, mode: str, folder: Path, failure: str | None) -> Result:
    """The run with what a mode found, and why it found no more."""
    part = part_file(folder, mode)
    found = {mode: json.loads(part.read_text())} if part.exists() else {}
    others = {name: each for name, each in result.items() if name != mode}
    failed = result["failed"] | ({} if failure is None else {mode: failure})
    return others | found | {"failed": failed, "machine": facts() | {"when": result["machine"]["when"]}}


def one(mode: str, folder: Path, minutes: float, say: Say) -> str | None:
    """Why it failed, if it did."""
    complaints = folder / f"{mode}.err"
    with (
        complaints.open("wb") as errors,
        group([sys.executable, "-m", "bench.modes", mode, str(folder)], errors) as process,
    ):
        late = Timer(minutes * 60, end, [process])
        late.daemon = True
        late.start()
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip("\n"))
        code = process.wait()
        in_time = late.is_alive()
        late.cancel()
    if code == 0:
        return None
    said = "\n".join(complaints.read_text(errors="replace").splitlines()[-LAST_LINES:])
    return f"exit code {code}: {said}" if in_time else f"not done within {minutes:g} minutes"


@contextmanager
def group(command: list[str], errors: IO[bytes]) -> Iterator[subprocess.Popen[str]]:
    """A process whose own children, servers above all, end with it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
    try:
        yield process
    finally:
        end(process)
        process.wait()


def end(process: subprocess.Popen[str]) -> None:
    """With its children; those that have ended already are no matter."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


# --- the files of a run that its modes share ---------------------------------------------------------------


def run_folder(target: Path) -> Path:
    """Beside the run while it lasts, so that even what is killed leaves something; it stays where a mode failed."""
    return target.with_suffix(".run")


def course_file(folder: Path) -> Path:
    return folder / "course.json"


def so_far_file(folder: Path) -> Path:
    return folder / "so_far.json"


def part_file(folder: Path, mode: str) -> Path:
    return folder / f"{mode}.json"


def written(result: Result, target: Path) -> None:
    """Whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result, indent=1) + "\n")
    unfinished.rename(target)
