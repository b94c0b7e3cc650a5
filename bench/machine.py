"""What a result was measured on, and what a process costs in memory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "pyarrow", "pyroaring", "apsw", "starlette", "uvicorn", "duckdb")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process and its children: resident, of which `anonymous` and `mapped` (pages of files, which the
    kernel may take back); `proportional` counts a shared page in part; `peak` is the highest `resident` ever was."""

    resident: int
    anonymous: int
    mapped: int
    proportional: int
    peak: int


def memory_of(pid: int | None = None) -> Memory:
    """From the kernel's own account; of this process when none is named."""
    every = [_memory(each) for each in processes_of(pid or os.getpid())]
    return Memory(*map(sum, zip(*every, strict=True)))


def _memory(pid: int) -> tuple[int, ...]:
    status, maps = (_kilobytes(Path(f"/proc/{pid}/{name}")) for name in ("status", "smaps_rollup"))
    mapped = status["RssFile"] + status["RssShmem"]
    return tuple(1024 * each for each in (status["VmRSS"], status["RssAnon"], mapped, maps["Pss"], status["VmHWM"]))


def _kilobytes(path: Path) -> dict[str, int]:
    parts = (line.partition(":") for line in path.read_text().splitlines())
    return {name: int(rest.split()[0]) for name, _, rest in parts if rest.endswith("kB")}


def processes_of(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            children.setdefault(int(_stat(path)[1]), []).append(int(path.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def processor_seconds(pid: int) -> float:
    """That a process has spent up to now, its threads included, its children not."""
    user, system = _stat(Path(f"/proc/{pid}/stat"))[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> list[str]:
    """The fields after the command's name: state, parent, and so on."""
    return path.read_text().rpartition(")")[2].split()


def facts() -> dict[str, Any]:
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    total = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "memory": int(total) * 1024,
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in PACKAGES},
    }


def revision() -> str:
    """The version of this tree, and its commit where git knows it: `0.1.0 (8283cfc)`."""
    root = Path(__file__).parents[1]
    number = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    git = shutil.which("git")
    if git is None:
        return str(number)
    command = [git, "-C", str(root), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{number} ({commit})" if commit else str(number)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
