"""Segment files on the command line: which arguments are files, and which schema they are held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from dsl.schema import Schema
from dsl.schema_json import schema_from_json
from engine.results import SegmentView
from server.cli.command import ExpressionText, Function, json_object
from server.cli.session import Session
from server.segment_files.checking import check
from server.segment_files.document import SegmentFile
from server.segment_files.reading import SUFFIX, read_file
from server.segment_files.text import FileProblems

Item = TypeVar("Item")


class SegmentFileName(click.ParamType[SegmentFile]):
    """A segment file, read."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> SegmentFile:
        try:
            return read_file(Path(value))
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"cannot read {value}: {error}", param, ctx)


class ExpressionOrFile(click.ParamType[str | SegmentFile]):
    """A segment file when it ends in `.segments`, else an expression."""

    name = "expression"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str | SegmentFile:
        kind = SegmentFileName() if value.endswith(SUFFIX) else ExpressionText()
        return kind.convert(value, param, ctx)


def schema_option(function: Function) -> Function:
    option = click.option(
        "--schema",
        "schema_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="the schema in JSON (see: tamis schema show --json), instead of the file's own or the workspace's",
    )
    return option(function)


@dataclass(frozen=True, slots=True)
class Held:
    """A file, and what it is held against: a schema, and the segments of the workspace that the schema came from."""

    file: SegmentFile
    schema: Schema
    known: Sequence[SegmentView] = ()


def held(session: Session, file: SegmentFile, schema_file: Path | None) -> Held:
    """A file held against the schema of --schema, else its own, else that of the workspace."""
    if schema_file is not None:
        return Held(file, schema_from_json(json_object(schema_file.read_text("utf-8"))))
    if file.schema is not None:
        return Held(file, file.schema)
    if file.findings:  # one of them may be its schema
        raise FileProblems(file.findings)
    session.remark(f"{file.source.path} declares no schema: the workspace's counts")
    with session.backend() as backend:
        return Held(file, schema_from_json(backend.schema()), backend.segments())


def refuse_problems(files: Sequence[Held]) -> None:
    """FileProblems with everything wrong in any of the files."""
    findings = [finding for item in files for finding in check(item.file, item.schema, item.known)]
    if findings:
        raise FileProblems(dict.fromkeys(findings))


def counted(items: Iterable[Item], what: str) -> str:
    """`1 test`, `2 tests`."""
    number = len(list(items))
    return f"{number:,} {what}{'' if number == 1 else 's'}"
