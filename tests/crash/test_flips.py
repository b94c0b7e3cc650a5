"""A byte that changed in any file of a closed data directory is detected, and the file named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from engine.directory import Tamis
from storage.errors import DamageError
from tests.crash.batches import SCHEMA, Marked

FLIPS = 120
UNREAD = {"lock"}
"""Files whose content says nothing about the data."""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with blocks, a journal, segments, a second workspace and a document, closed in good order."""
    path = tmp_path_factory.mktemp("flips") / "data"
    tamis = Tamis.open(path)
    tamis.catalog.put("keys", "k", b"secret")
    for name in ("default", "other"):
        workspace = tamis.create(name)
        workspace.patch_schema(SCHEMA).result()
        for number in range(12):
            Marked(0, number).write(workspace)
            if number == 6:
                workspace.checkpoint()
        workspace.put_segment("scored", {"name": "Scored", "expression": "score > 3"}).result()
    tamis.close()
    return path


def flip(path: Path, source: random.Random) -> Path:
    """Change one byte of one file, every file as likely as another."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    file = source.choice([file for file in files if file.name not in UNREAD])
    content = bytearray(file.read_bytes())
    content[source.randrange(len(content))] ^= source.randrange(1, 256)
    file.write_bytes(content)
    return file


def test_any_flipped_byte_is_detected_and_its_file_named(closed: Path, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    for number in range(FLIPS):
        copy = tmp_path / str(number)
        shutil.copytree(closed, copy)
        changed = flip(copy, source)
        with pytest.raises(DamageError) as damage:
            Tamis.open(copy).close()
        assert damage.value.path == changed
        shutil.rmtree(copy)
