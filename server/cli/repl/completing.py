"""What may come next at the prompt: commands and their words, and whatever the language can take."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from server.cli.repl.commands import COMMANDS, Repl
from server.cli.repl.prompt import is_command


class ReplCompleter(Completer):
    """Completes commands, and expressions by what the backend says."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor.lstrip()
        if is_command(before) and " " not in before:
            for command in COMMANDS:
                if command.name.startswith(before):
                    yield Completion(command.name, -len(before), display_meta=command.meaning)
