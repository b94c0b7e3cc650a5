"""`tamis segments apply` and `tamis segments dump`: between a workspace and segment files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from dsl.schema import Schema
from dsl.schema_json import schema_from_json
from engine.results import SegmentView
from server.cli.backend import Backend
from server.cli.command import Command
from server.cli.export import destination
from server.cli.segment_file import SegmentFileName, counted
from server.cli.session import Session
from server.segment_files.checking import check_segments, in_order
from server.segment_files.document import Entry, SegmentFile
from server.segment_files.text import FileProblems
from server.segment_files.writing import dumped


class Change(StrEnum):
    """What applying a segment does."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Planned:
    """A segment of a file beside the one of the workspace, and which of its members differ: (before, after)."""

    entry: Entry
    before: SegmentView | None
    differing: Mapping[str, tuple[str | None, str | None]]

    @property
    def change(self) -> Change:
        if self.before is None:
            return Change.NEW
        return Change.CHANGED if self.differing else Change.SAME


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=SegmentFileName(), metavar="FILE.segments...")
@click.option("--dry-run", is_flag=True, help="check, and show what would change, and write nothing")
@click.pass_obj
def apply(session: Session, files: tuple[SegmentFile, ...], dry_run: bool) -> None:
    """Save the segments of FILES in the workspace.

    Everything is checked first, against the schema and the segments of the workspace: nothing is written when anything
    is wrong. Segments that are in no file stay as they are, and so does the schema.
    """
    with session.backend() as backend:
        planned = plan(files, schema_from_json(backend.schema()), backend.segments())
        if not dry_run:
            write(backend, planned)
    document = [
        {"key": str(item.entry.key), "change": item.change, "differing": list(item.differing)} for item in planned
    ]
    session.answer({"dry_run": dry_run, "segments": document}, _table(planned))
    changes = [item for item in planned if item.change is not Change.SAME]
    session.remark(f"{counted(changes, 'segment')} {'to be ' if dry_run else ''}written, of {len(planned):,}")


def plan(files: Sequence[SegmentFile], schema: Schema, views: Sequence[SegmentView]) -> list[Planned]:
    """What the files would do, each segment after those it names. FileProblems."""
    findings = [finding for file in files for finding in check_segments(file, schema, views)]
    if findings:
        raise FileProblems(dict.fromkeys(findings))
    by_key = {view.key: view for view in views}
    entries = {str(entry.key): entry for file in files for entry in file.entries}
    return [_beside(entry, by_key.get(str(entry.key))) for entry in in_order(entries.values(), schema, views)]


def _beside(entry: Entry, before: SegmentView | None) -> Planned:
    if before is None:
        return Planned(entry, None, {})
    pairs = {name: (getattr(before, name), after) for name, after in entry.body.items()}
    return Planned(entry, before, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


def write(backend: Backend, planned: Sequence[Planned]) -> None:
    """Saves what is new or changed; one that somebody else has changed meanwhile is refused."""
    for item in planned:
        if item.change is not Change.SAME:
            etag = None if item.before is None else item.before.etag
            backend.put_segment(str(item.entry.key), item.entry.body, if_match=etag)


def _table(planned: Sequence[Planned]) -> Table:
    rows = Table("segment", "", "what", box=SIMPLE_HEAD, pad_edge=False)
    styles = {Change.NEW: "green", Change.CHANGED: "yellow", Change.SAME: "dim"}
    for item in planned:
        rows.add_row(str(item.entry.key), Text(item.change, styles[item.change]), _what(item))
    return rows


def _what(item: Planned) -> Text:
    """The expression of a new segment; each difference of a changed one on two lines, before and after."""
    if item.before is None:
        return Text(item.entry.text or "(static)")
    lines: list[Text] = []
    for name, (before, after) in item.differing.items():
        lines += [
            Text(f"{name}: {before or '(none)'}", "red"),
            Text(f"{' ' * len(name)}→ {after or '(none)'}", "green"),
        ]
    return Text("\n").join(lines)


@click.command(cls=Command)
@click.argument("keys", nargs=-1, metavar="[KEY...]")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="the file; a pipe by default")
@click.pass_obj
def dump(session: Session, keys: tuple[str, ...], output: Path | None) -> None:
    """Write the segments of the workspace, or those with these KEYS, as a segment file."""
    with session.backend() as backend:
        views = [backend.segment(key) for key in keys] if keys else backend.segments()
    text = dumped(views)
    if session.as_json:
        document: dict[str, Any] = {"segments": len(views), "text": text}
        session.answer(document, Text(text))
        return
    with destination(output) as sink:
        sink.write(text.encode())
        sink.flush()
    session.remark(f"{counted(views, 'segment')} written{f' to {output}' if output else ''}")
