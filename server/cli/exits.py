"""Exit codes: the one table, and which of them an error means."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from dsl.problems import ExpressionError, ProblemError
from server.cli.keyring import OnDataDirectoryOnly
from server.cli.local import Busy
from server.client import Refused, Unreachable
from server.demo import NoDemoData
from server.errors import FAILURES, ApiError, Failure, ProblemView, shown
from server.segment_files.text import FileProblems, Finding
from server.serve import CannotServe
from server.settings import SettingError
from storage import BadName, NoDataDirectory, StorageError


class Exit(IntEnum):
    """What the command says to the shell. Each member carries its meaning, shown by `tamis --help`."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done"
    UNEXPECTED = 1, "an error nobody foresaw, or a check that failed"
    USAGE = 2, "the command, an option or a setting is not right"
    EXPRESSION = 3, "the expression cannot be understood, or does not fit the schema"
    DATA = 4, "the data does not fit: a file, a schema patch, a segment; nothing of it was written"
    NOT_FOUND = 5, "no such data directory, workspace, segment, contact or file"
    STORAGE = 6, "the data directory is locked, full, damaged or of a newer version"
    SERVER = 7, "the server cannot be reached, cannot be started, or refuses the key"
    LIMIT = 8, "the question costs or takes more than it may, or was cancelled"
    INTERRUPTED = 130, "interrupted from the keyboard"


class Declined(Exception):
    """The user said no, before anything was written."""


class DemoDiffers(Exception):
    """The demo does not hold, or does not answer, what it should."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as the command shows it. Its JSON form is that of the server's errors, with the exit code."""

    exit: Exit
    code: str
    detail: str
    hint: str | None = None
    problems: tuple[ProblemView, ...] = ()


OWN: Mapping[type[Exception], tuple[Exit, str]] = {
    OnDataDirectoryOnly: (Exit.USAGE, "on-data-directory-only"),
    SettingError: (Exit.USAGE, "setting"),
    Declined: (Exit.DATA, "declined"),
    NoDemoData: (Exit.NOT_FOUND, "no-demo-data"),
    NoDataDirectory: (Exit.NOT_FOUND, "no-data-directory"),
    BadName: (Exit.USAGE, "bad-name"),
    Busy: (Exit.STORAGE, "locked"),
    StorageError: (Exit.STORAGE, "storage"),
    CannotServe: (Exit.SERVER, "cannot-serve"),
    Unreachable: (Exit.SERVER, "unreachable"),
    DemoDiffers: (Exit.UNEXPECTED, "demo-differs"),
    FileProblems: (Exit.UNEXPECTED, "segment-file"),
}
"""Errors that a server never answers with. Those it does answer with have the code and the exit of that answer."""

SERVERS = {kind: failure for kind, failure in FAILURES.items() if kind is not Exception}

KNOWN: tuple[type[Exception], ...] = (Refused, ApiError, *OWN, *SERVERS)
"""The errors a command foresees; any other is a fault of ours and keeps its traceback."""


def report(error: Exception) -> Report:
    """What a foreseen error means to the shell, and says to its user."""
    match error:
        case Refused():
            return _refused(error)
        case ApiError():
            return Report(_exit(error.failure.status, error.failure.code), error.failure.code, error.detail)
        case ProblemError():
            text = error.text if isinstance(error, ExpressionError) else ""
            problems = tuple(shown(problem, text) for problem in error.problems)
            return Report(*_meaning(error), str(error), None, problems)
        case FileProblems():
            return Report(*_meaning(error), str(error), None, tuple(map(_placed, error.findings)))
        case Busy():
            return Report(*_meaning(error), str(error), _ask_the_server(error))
        case _:
            return Report(*_meaning(error), str(error))


def _placed(finding: Finding) -> ProblemView:
    """A problem of a file: its path is the file's name."""
    return msgspec.structs.replace(shown(finding.problem, finding.source.text), path=str(finding.source.path))


def _meaning(error: Exception) -> tuple[Exit, str]:
    """The exit code and the stable code of an error's class, or of the nearest class it is one of."""
    for kind in type(error).__mro__:
        if kind in OWN:
            return OWN[kind]
        if kind in SERVERS:
            failure = SERVERS[kind]
            return _exit(failure.status, failure.code), failure.code
    raise TypeError(f"no exit code for {type(error).__name__}")


def _refused(error: Refused) -> Report:
    trouble = error.trouble
    problems = msgspec.convert(trouble.problems, tuple[ProblemView, ...])
    return Report(_exit(error.status, trouble.code), trouble.code, str(error), None, problems)


def _exit(status: int, code: str) -> Exit:
    """What an answer of the server means to the shell; the same error has the same exit on a data directory."""
    if code == Failure.INVALID_EXPRESSION.code:
        return Exit.EXPRESSION
    if code in (Failure.TOO_COSTLY.code, Failure.DEADLINE_EXCEEDED.code, Failure.QUERY_CANCELLED.code):
        return Exit.LIMIT
    if code in (Failure.STORAGE_FULL.code, Failure.STORAGE_FAILED.code):
        return Exit.STORAGE
    match status:
        case 404:
            return Exit.NOT_FOUND
        case 401 | 403 | 429 | 500 | 502 | 503 | 504:
            return Exit.SERVER
        case _:
            return Exit.DATA


def _ask_the_server(busy: Busy) -> str | None:
    """How to go on when a running server holds the data directory."""
    return None if busy.url is None else f"its server answers at {busy.url}: use --url {busy.url}"
