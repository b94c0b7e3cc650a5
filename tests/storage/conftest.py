from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import DataDirectory, Store


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    directory = DataDirectory.open(tmp_path / "data")
    yield directory
    directory.close()


@pytest.fixture
def store(directory: DataDirectory) -> Store:
    return directory.create("default")
