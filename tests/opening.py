"""A workspace of a data directory of its own, as most tests of the engine want one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.directory import Tamis
from engine.workspace import Workspace


@contextmanager
def opened(path: Path, schema: Mapping[str, Any], **options: Any) -> Iterator[Workspace]:
    """With the fields of `schema` and nothing else; closed afterwards."""
    tamis = Tamis.open(path, **options)
    try:
        workspace = tamis.workspace("default")
        workspace.patch_schema(schema).result()
        yield workspace
    finally:
        tamis.close()
