"""What may come next at the prompt: commands and their words, and whatever the language can take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from dsl.complete import Item
from server.cli.exits import KNOWN
from server.cli.repl.commands import BY_NAME, COMMANDS, Repl
from server.cli.repl.entries import is_command


class ReplCompleter(Completer):
    """Completes commands, and expressions by what the backend says may come at the cursor."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        if not is_command(before):
            return self._in_expression(before)
        name, space, rest = before.lstrip().partition(" ")
        if not space:
            return _commands(name)
        expression = _after_words(rest, BY_NAME[name].words) if name in BY_NAME else None
        return [] if expression is None else self._in_expression(expression)

    def _in_expression(self, before: str) -> Iterator[Completion]:
        try:
            found = self._repl.backend.complete(before)
        except KNOWN:  # the line under the prompt tells it
            return
        for item in found.items:
            yield Completion(item.text, found.start - len(before), display_meta=_meaning(item))


def _commands(begun: str) -> Iterator[Completion]:
    for command in COMMANDS:
        if command.name.startswith(begun):
            yield Completion(command.name, -len(begun), display_meta=command.meaning)


_WORD = re.compile(r"""\s*(?:"[^"]*"|'[^']*'|\S+)\s""")


def _after_words(rest: str, words: int | None) -> str | None:
    """The expression that follows so many words; None where none is due, or not yet."""
    if words is None:
        return None
    at = 0
    for _ in range(words):
        found = _WORD.match(rest, at)
        if found is None:
            return None
        at = found.end()
    return rest[at:]


def _meaning(item: Item) -> str:
    """`field, number`, `value, 288 contacts`."""
    count = None if item.count is None else f"{item.count:,} {item.counted or ''}".rstrip()
    return ", ".join(part for part in (item.kind.value, item.label, item.detail, count) if part)
