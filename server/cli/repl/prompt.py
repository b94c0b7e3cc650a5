"""The prompt: an input of several lines, under it what is known of it, under that what may come next."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer, ThreadedCompleter
from prompt_toolkit.filters import completion_is_selected, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.key_bindings import merge_key_bindings
from prompt_toolkit.layout import (
    BufferControl,
    CompletionsMenu,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    HighlightMatchingBracketProcessor,
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from server.cli.repl.entries import PROMPT, is_command, is_unfinished
from server.cli.repl.highlighting import STYLES, ExpressionLexer, Look
from server.cli.repl.live import Live, Verdict

MORE = "  ...> "
MENU_LINES = 8

Words = Callable[[str], StyleAndTextTuples]
"""What the line under a text says, where no verdict on it is due."""


def history(path: Path) -> History:
    """What was entered before, in a file; in memory alone where the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def history_path() -> Path:
    """In the user's state directory, as XDG has it."""
    state = os.environ.get("XDG_STATE_HOME")
    return Path(state or Path.home() / ".local" / "state") / "tamis" / "history"


class Prompt:
    """Asks for one entry after the other. `ask` raises EOFError when the user leaves."""

    def __init__(self, live: Live, words: Words, completer: Completer, past: History) -> None:
        self.live = live
        self._words = words
        self.buffer = Buffer(
            completer=ThreadedCompleter(completer),
            complete_while_typing=True,
            history=past,
            auto_suggest=AutoSuggestFromHistory(),
            multiline=True,
            accept_handler=self._accept,
        )
        self.buffer.on_text_changed += self._changed
        self.application = self._application()

    def ask(self) -> str:
        """What is entered next."""
        self.buffer.reset()
        self.live.ask(None)
        return self.application.run()

    def refresh(self) -> None:
        """Draws anew; from any thread."""
        with suppress(RuntimeError):  # the prompt was left this very moment: nothing is to be drawn
            self.application.invalidate()

    def _changed(self, buffer: Buffer) -> None:
        text = buffer.text
        self.live.ask(text if text.strip() and not is_command(text) else None)

    def _accept(self, buffer: Buffer) -> bool:
        get_app().exit(result=buffer.text)
        return True  # the text stays where it is, above its answer

    def _application(self) -> Application[str]:
        search = SearchToolbar()
        control = BufferControl(
            self.buffer,
            lexer=ExpressionLexer(),
            input_processors=[
                ProblemsUnderlined(self.live),
                HighlightMatchingBracketProcessor(),
                AppendAutoSuggestion(),
            ],
            search_buffer_control=search.control,
            preview_search=True,
        )
        below = Window(
            FormattedTextControl(self._below), wrap_lines=True, height=Dimension(min=1, max=4), dont_extend_height=True
        )
        menu = CompletionsMenu(max_height=MENU_LINES, scroll_offset=1)
        typed = Window(control, wrap_lines=True, dont_extend_height=True, get_line_prefix=_prefix)
        return Application(
            Layout(HSplit([typed, search, ConditionalContainer(HSplit([below, menu]), ~is_done)])),
            key_bindings=merge_key_bindings([load_auto_suggest_bindings(), _keys()]),
            style=Style.from_dict(dict(STYLES)),
        )

    def _below(self) -> StyleAndTextTuples:
        text = self.buffer.text
        if not text.strip() or is_command(text):
            return self._words(text)
        verdict = self.live.of(text)
        return [("class:live", "…")] if verdict is None else said(verdict)


def said(verdict: Verdict) -> StyleAndTextTuples:
    """A verdict on one line: the count, or the first problem and how many more there are."""
    match verdict:
        case Verdict(count=count) if count is not None:
            share = f" ({count.count / count.total:.1%})" if count.total else ""
            rest = f" of {count.total:,} contacts{share} in {count.elapsed_ms:.2f} ms"
            return [("class:live.count", f"{count.count:,}"), ("class:live", rest)]
        case Verdict(problems=[first, *others]):
            style = "class:live" if first.code == "unexpected-end" else "class:live.problem"
            more = f" (and {len(others)} more)" if others else ""
            hint = f"; {first.hint}" if first.hint else ""
            return [(style, f"{first.message}{hint}{more}")]
        case _:
            return [("class:live.problem", verdict.trouble or "")]


def _prefix(line: int, wrapped: int) -> StyleAndTextTuples:
    if wrapped:
        return [("", " " * len(PROMPT))]
    return [("class:prompt", MORE if line else PROMPT)]


class ProblemsUnderlined(Processor):
    """Underlines what the verdict on the text finds wrong."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def apply_transformation(self, ti: TransformationInput) -> Transformation:
        verdict = self._live.of(ti.document.text)
        if verdict is None or not verdict.problems:
            return Transformation(ti.fragments)
        fragments = explode_text_fragments(ti.fragments)
        first = ti.document.translate_row_col_to_index(ti.lineno, 0)
        for problem in verdict.problems:
            if problem.span is not None:
                begin, end = max(problem.span.start - first, 0), min(problem.span.end - first, len(fragments))
                for at in range(begin, end):
                    fragments[at] = (f"{fragments[at][0]} class:{Look.PROBLEM}", fragments[at][1])
        return Transformation(fragments)


# --- keys ----------------------------------------------------------------------------------------------------


def _keys() -> KeyBindings:
    """Enter takes a completion, goes on with an unfinished text, and otherwise enters it."""
    keys = KeyBindings()

    @keys.add("enter", filter=completion_is_selected)
    def take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("enter", filter=~completion_is_selected)
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_unfinished(buffer.text):
            buffer.newline()
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def newline(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c")
    @keys.add("<sigint>")
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    @keys.add("c-d")
    def leave(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.delete()
        else:
            event.app.exit(exception=EOFError)

    return keys
