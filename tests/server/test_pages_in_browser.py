"""The pages, as a real browser shows them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from server.service import Service

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def shown(url: str, profile: Path) -> str:
    """The page's document once its scripts have run."""
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    command = [str(BROWSER), *quiet, f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_first_page_counts_everyone(running: tuple[str, Service], tmp_path: Path) -> None:
    document = shown(f"{running[0]}/", tmp_path)
    assert ">0</" in document.replace(" ", "")
    assert "of 0 contacts, in " in document


def test_the_description_is_drawn_with_every_route(running: tuple[str, Service], tmp_path: Path) -> None:
    document = shown(f"{running[0]}/docs", tmp_path)
    for path in ("/v1/workspaces/{workspace}/query/count", "/v1/workspaces/{workspace}/imports", "/healthz"):
        assert path in document
    assert "<code>min_seq</code>" in document
