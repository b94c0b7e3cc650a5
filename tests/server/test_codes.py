"""Every code that is raised anywhere stands in a table, and every one of a table is raised somewhere."""

import ast
import re
from pathlib import Path

import dsl
from dsl.problems import CODES
from formats.convert import WANTED
from server.codes import OTHER_CODES
from server.errors import Failure

ROOT = Path(dsl.__file__).parent.parent
PLACES = {"Problem": 0, "add": 2, "_problem": 1, "wrong": 2}
"""The functions that make problems, and which of their arguments is the code."""
CODE = re.compile(r"[a-z]+([-_][a-z]+)*")


def called(node):
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def raised():
    for room in ("dsl", "engine", "formats", "server", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and called(node.func) in PLACES:
                    for argument in node.args[PLACES[called(node.func)] :][:1]:
                        yield from (part.value for part in ast.walk(argument) if isinstance(part, ast.Constant))
    yield from (code for code, _ in WANTED.values())


def test_every_code_raised_is_in_one_table():
    found = {code for code in raised() if isinstance(code, str) and CODE.fullmatch(code)}
    assert found - {failure.code for failure in Failure} <= set(CODES) | set(OTHER_CODES)
    assert set(OTHER_CODES) <= found
    assert not set(CODES) & set(OTHER_CODES)
