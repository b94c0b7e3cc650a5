"""The grammar that is kept on disk is the one that was written there, or is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.grammar import _keeping, _kept, _understood

SMALL = """
selection: "a" selection -> more
         | "a"
"""


def rows(grammar):
    """What the parser does in each state, by the names of the rules."""
    conf = grammar.parse_interactive("").parser_state.parse_conf
    return [{symbol: (str(action), str(to)) for symbol, (action, to) in row.items()} for row in conf.states.values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "small.lark"


def test_what_is_kept_is_what_was_made(path):
    made = _keeping(_understood(SMALL), path)
    kept = _kept(path)
    assert kept is not None
    assert kept.rules == made.rules
    assert sorted(map(len, rows(kept))) == sorted(map(len, rows(made)))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_is_not_whole_is_not_taken(path):
    assert _kept(path) is None
    _keeping(_understood(SMALL), path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:3], whole[:-1], whole[:50] + b"x" + whole[51:]):
        path.write_bytes(damaged)
        assert _kept(path) is None


def test_a_folder_that_cannot_be_written_to_does_no_harm(tmp_path):
    made = _understood(SMALL)
    (tmp_path / "file").write_text("")
    assert _keeping(made, tmp_path / "file" / "small.lark") is made
