"""A run: one mode after the other, each in a process of its own. What is found is kept as it comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
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


def run(course: Course, modes: Sequence[str], target: Path, mode_minutes: float, say: Say) -> Result:
    """What all modes found, by name; `failed` has why one found less than it should. `target` is written after each,
    and a mode that takes longer than `mode_minutes` is ended."""
    result: Result = {
        "size": course.size.name,
        "tamis": revision(),
        "seconds": course.seconds,
        "machine": facts(),
        "failed": {},
    }
    with tempfile.TemporaryDirectory(prefix="tamis-run-") as temporary:
        folder = Path(temporary)
        course.write(course_file(folder))
        for mode in modes:
            say(f"--- {mode}")
            written(result, so_far_file(folder))
            failure = one(mode, folder, mode_minutes, say)
            if part_file(folder, mode).exists():
                result[mode] = json.loads(part_file(folder, mode).read_text())
            if failure is not None:
                result["failed"][mode] = failure
                say(f"{mode} failed: {failure}")
            result["machine"] = facts() | {"when": result["machine"]["when"]}
            result = concluded(result)
            written(result, target)
    return result


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
