"""The grammar as Lark understands it, kept on disk once it was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from io import BytesIO
from os import getpid
from pathlib import Path
from typing import Any
from zlib import crc32

import lark
from lark import Lark
from lark.common import LexerConf
from lark.lexer import Lexer, LexerState, Token

CHECKSUM = 4
"""Bytes of the checksum of a kept grammar."""


class _NoLexer(Lexer):
    """Tokens come from `lexing`; Lark is only asked for its tables."""

    def __init__(self, conf: LexerConf) -> None: ...

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Token]:
        return iter(())


@cache
def grammar() -> Lark:
    """The grammar as Lark understands it: that takes some 0.3 s once, and is kept beside this file like bytecode."""
    text = files("dsl").joinpath("grammar.lark").read_bytes()
    kept = Path(__file__).parent / "__pycache__" / f"grammar.{crc32(text + lark.__version__.encode()):08x}.lark"
    return _kept(kept) or _keeping(_understood(text.decode()), kept)


def _understood(text: str) -> Lark:
    return Lark(text, parser="lalr", lexer=_NoLexer, start="selection", keep_all_tokens=True, maybe_placeholders=False)


def _kept(path: Path) -> Lark | None:
    """A grammar from a file of its checksum and itself; None where there is none that is whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, saved = content[:CHECKSUM], content[CHECKSUM:]
    return Lark.load(BytesIO(saved)) if checksum == _checksum(saved) else None


def _keeping(made: Lark, path: Path) -> Lark:
    """The grammar, kept where that can be."""
    saved = BytesIO()
    made.save(saved)
    own = path.with_suffix(f".{getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        own.write_bytes(_checksum(saved.getvalue()) + saved.getvalue())
        own.replace(path)
    except OSError:  # nothing can be written beside the source
        pass
    return made


def _checksum(saved: bytes) -> bytes:
    return crc32(saved).to_bytes(CHECKSUM)
