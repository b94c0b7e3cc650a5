"""`tamis test`: the tests of segment files, on the small fixtures they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from server.cli.command import Command
from server.cli.exits import Exit
from server.cli.segment_file import SegmentFileName, counted, held, refuse_problems, schema_option
from server.cli.session import Session
from server.segment_files import junit
from server.segment_files.document import SegmentFile
from server.segment_files.running import Failure, Result, run

SHOWN = 20
"""Wrong contacts of one expectation that are shown to people; the JSON answer has all of them."""


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=SegmentFileName(), metavar="FILE.segments...")
@schema_option
@click.option("--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="also a file in JUnit XML")
@click.pass_context
def test(ctx: click.Context, files: tuple[SegmentFile, ...], schema_file: Path | None, junit_file: Path | None) -> None:
    """Run the tests of FILES and show which contacts were missing or too many.

    The files are checked first. Each test runs in a workspace of its own, which is gone afterwards; no workspace is
    written to. See docs/segment-files.md. A test that fails ends with exit code 1.
    """
    session: Session = ctx.obj
    alone = [replace(held(session, file, schema_file), known=()) for file in files]
    refuse_problems(alone)
    results = {str(item.file.source.path): list(run(item.file, item.schema)) for item in alone}
    if junit_file is not None:
        junit.write(junit_file, results, {id(result): _told(result) for result in _all(results.values())})
    passed = all(result.passed for result in _all(results.values()))
    session.answer({"passed": passed, "files": results_json(results)}, _shown(list(_all(results.values()))))
    ctx.exit(Exit.OK if passed else Exit.UNEXPECTED)


def _all(results: Any) -> Iterator[Result]:
    for suite in results:
        yield from suite


# --- for people ----------------------------------------------------------------------------------------------


def _shown(results: Sequence[Result]) -> Text:
    failed = [result for result in results if not result.passed]
    expectations = sum(result.expectations for result in results)
    lines = [_line(result) for result in results]
    lines.append(
        Text(f"{counted(results, 'test')}, {expectations:,} expectation{'s' * (expectations != 1)}: ").append(
            f"{len(failed):,} failed" if failed else "ok", style="red" if failed else "green"
        )
    )
    return Text("\n").join(lines)


def _line(result: Result) -> Text:
    if result.passed:
        return Text("ok    ", style="green").append(result.test.name, style="not green default")
    said = Text("FAIL  ", style="bold red").append(result.test.name, style="not bold default")
    return said.append(f"\n{_told(result)}", style="not bold default")


def _told(result: Result) -> str:
    """Everything wrong with a test, each thing under its place."""
    findings = [finding.rendered() for finding in result.findings]
    return "\n".join([*(_failure(failure) for failure in result.failures), *findings])


def _failure(failure: Failure) -> str:
    """The expectation, and each wrong contact with the conditions that decided."""
    expression = failure.expectation.expression
    wrong = [("missing ", id) for id in failure.missing] + [("too many", id) for id in failure.extra]
    lines = [f"  {expression.place}  {' '.join(str(expression).split())}"]
    for word, id in wrong[:SHOWN]:
        lines.append(f"    {word}  {id}")
        lines += [f"      {reason}" for reason in failure.reasons.get(id, ())]
    if len(wrong) > SHOWN:
        lines.append(f"    and {len(wrong) - SHOWN:,} more, which --json tells")
    return "\n".join(lines)


# --- for machines --------------------------------------------------------------------------------------------


def results_json(results: dict[str, list[Result]]) -> list[dict[str, Any]]:
    return [{"file": name, "tests": [_result_json(result) for result in suite]} for name, suite in results.items()]


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.test.name,
        "line": result.test.place.line,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "failures": [_failure_json(failure) for failure in result.failures],
        "problems": [finding.rendered() for finding in result.findings],
    }


def _failure_json(failure: Failure) -> dict[str, Any]:
    return {
        "line": failure.expectation.expression.line,
        "expression": str(failure.expectation.expression),
        "missing": failure.missing,
        "extra": failure.extra,
        "reasons": dict(failure.reasons),
    }
