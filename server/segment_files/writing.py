"""Saved segments as the text of a segment file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from engine.results import SegmentView

INDENT = "  "


def dumped(views: Sequence[SegmentView]) -> str:
    """Segments by key, each followed by those that narrow it; reading it again gives the same segments.

    Except that a comment at the very beginning of an expression becomes the end of the description.
    """
    return "\n".join("\n".join([*_lines(view), ""]) for view in _in_families(views))


def _in_families(views: Sequence[SegmentView]) -> Iterator[SegmentView]:
    keys = {view.key for view in views}
    children: dict[str | None, list[SegmentView]] = defaultdict(list)
    for view in sorted(views, key=lambda view: view.key, reverse=True):
        children[view.parent if view.parent in keys else None].append(view)
    pending = children[None]
    while pending:
        view = pending.pop()
        yield view
        pending += children[view.key]


def _lines(view: SegmentView) -> Iterator[str]:
    name = "" if view.name == view.key else f" {json.dumps(view.name, ensure_ascii=False)}"
    parent = "" if view.parent is None else f" under {view.parent}"
    static = " static" if view.expression is None else ""
    yield f"segment {view.key}{name}{parent}{static}"
    for line in (view.description or "").splitlines():
        yield f"{INDENT}# {line}".rstrip()
    for line in (view.expression or "").strip().splitlines():
        yield f"{INDENT}{line}".rstrip()
