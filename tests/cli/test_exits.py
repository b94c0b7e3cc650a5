"""The table of exit codes: what it says, where it is shown, and which error has which code."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dsl.problems import DataError, ExpressionError, Problem
from engine.deadline import DeadlineExceeded, QueryCancelled
from engine.errors import PreconditionFailed, SegmentInUse, UnknownContact, UnknownSegment, UnknownWorkspace
from server.cli import main
from server.cli.exits import KNOWN, Exit, report
from server.client import Refused, Trouble, Unreachable
from server.settings import SettingError
from storage import DamageError, Locked, NewerFormat, NoDataDirectory, StorageFailed, StorageFull

PROBLEM = [Problem("some-code", "something is wrong")]


def refused(status, code="some-code"):
    return Refused(status, Trouble(status=status, code=code))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ExpressionError("x", PROBLEM), Exit.EXPRESSION),
        (DataError(PROBLEM), Exit.DATA),
        (SegmentInUse("a", ("b",)), Exit.DATA),
        (PreconditionFailed("changed"), Exit.DATA),
        (UnknownWorkspace("w"), Exit.NOT_FOUND),
        (UnknownContact("c"), Exit.NOT_FOUND),
        (UnknownSegment("s"), Exit.NOT_FOUND),
        (NoDataDirectory("d"), Exit.NOT_FOUND),
        (Locked(Path("d"), 1), Exit.STORAGE),
        (NewerFormat(Path("d"), 2, 1), Exit.STORAGE),
        (DamageError(Path("d"), "bytes differ"), Exit.STORAGE),
        (StorageFull("full"), Exit.STORAGE),
        (StorageFailed("failed"), Exit.STORAGE),
        (Unreachable("http://x", "refused"), Exit.SERVER),
        (SettingError("port"), Exit.USAGE),
        (refused(422, "invalid-expression"), Exit.EXPRESSION),
        (refused(422), Exit.DATA),
        (refused(412), Exit.DATA),
        (refused(404), Exit.NOT_FOUND),
        (refused(507, "storage-full"), Exit.STORAGE),
        (refused(503, "storage-failed"), Exit.STORAGE),
        (DeadlineExceeded(10, 12), Exit.LIMIT),
        (QueryCancelled(12), Exit.LIMIT),
        (refused(503, "deadline-exceeded"), Exit.LIMIT),
        (refused(409, "query-cancelled"), Exit.LIMIT),
        (refused(401), Exit.SERVER),
        (refused(503), Exit.SERVER),
    ],
)
def test_an_error_has_the_same_exit_code_here_and_from_a_server(error, code):
    assert report(error).exit is code
    assert isinstance(error, KNOWN)


def test_an_error_nobody_foresaw_is_not_dressed_up():
    assert not isinstance(ZeroDivisionError(), KNOWN)
    with pytest.raises(TypeError, match="ZeroDivisionError"):
        report(ZeroDivisionError())


def test_help_and_readme_show_the_whole_table():
    help = CliRunner().invoke(main, ["--help"]).output
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    for code in Exit:
        assert re.search(rf"^ *{int(code)}  {re.escape(code.meaning)}$", help, re.M)
        assert f"| {int(code)} | {code.meaning} |" in readme


def test_codes_are_those_that_were_promised():
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]
