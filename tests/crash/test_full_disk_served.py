"""A full disk refuses writes with 507, goes on answering, and accepts again when there is room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.served import ROOT

SIZE = "48m"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_on_a_disk_that_fills_up(tmp_path: Path, workers: int) -> None:
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", tmp_path], check=False).returncode:
        pytest.skip("this system does not let us mount a small disk")
    program = f"{sys.executable} -m tests.crash.small_disk {tmp_path} {workers}"
    run = f"mount -t tmpfs -o size={SIZE} none {tmp_path} && exec {program}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", run], cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
