"""What a result was measured on, and what a process costs in memory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "pyarrow", "pyroaring", "apsw", "starlette", "uvicorn", "duckdb")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident now, the part of it that is not backed by files, and the highest it ever was."""

    resident: int
    anonymous: int
    peak: int


def memory_of(pid: int | str = "self") -> Memory:
    """From the kernel's own account of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest
    }
    return Memory(*(kilobytes[name] * 1024 for name in ("VmRSS", "RssAnon", "VmHWM")))


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


def as_dict(memory: Memory) -> dict[str, int]:
    return asdict(memory)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
