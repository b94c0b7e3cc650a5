"""`tamis check`: everything wrong with an expression, or with files of segments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from dsl.problems import ExpressionError
from server.cli.backend import Question
from server.cli.command import Command, question_options
from server.cli.segment_file import ExpressionOrFile, counted, held, refuse_problems, schema_option
from server.cli.session import Session
from server.segment_files.document import SegmentFile


@click.command(cls=Command)
@click.argument("what", nargs=-1, required=True, type=ExpressionOrFile(), metavar="EXPRESSION|FILE.segments...")
@question_options
@schema_option
@click.pass_obj
def check(
    session: Session,
    what: tuple[str | SegmentFile, ...],
    params: tuple[tuple[str, Any], ...],
    at: str | None,
    schema_file: Path | None,
) -> None:
    """Check an expression against the schema, or whole files of segments, and show every problem.

    What ends in .segments is a file: see docs/segment-files.md. It is held against the schema it declares; against
    that of --schema, or of the workspace, where it declares none. Problems in a file end with exit code 1.
    """
    files = [item for item in what if isinstance(item, SegmentFile)]
    if files and len(files) < len(what):
        raise click.UsageError("give either one EXPRESSION, or files that end in .segments")
    if files:
        _check_files(session, files, schema_file)
        return
    if len(what) > 1 or schema_file is not None:
        raise click.UsageError("one EXPRESSION is checked at a time, against the workspace: put it in quotes")
    _check_expression(session, Question(str(what[0]), dict(params), at))


def _check_expression(session: Session, question: Question) -> None:
    with session.backend() as backend:
        problems = backend.check(question)
    if problems:
        raise ExpressionError(question.expression, problems)
    session.answer({"problems": []}, Text("ok", style="green"))


def _check_files(session: Session, files: Sequence[SegmentFile], schema_file: Path | None) -> None:
    refuse_problems([held(session, file, schema_file) for file in files])
    rows = [{"file": str(file.source.path), "segments": len(file.entries), "tests": len(file.tests)} for file in files]
    session.answer({"problems": [], "files": rows}, Text("\n").join(_line(file) for file in files))


def _line(file: SegmentFile) -> Text:
    said = f"{file.source.path}: {counted(file.entries, 'segment')}, {counted(file.tests, 'test')}: "
    return Text(said).append("ok", style="green")
