"""A conversation on a terminal that can move its cursor."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples

from server.cli.repl.commands import BY_NAME, COMMANDS, Repl
from server.cli.repl.completing import ReplCompleter
from server.cli.repl.live import Live
from server.cli.repl.prompt import Prompt, history, history_path

WELCOME = "Enter an expression to count it; .help lists what else can be asked; Ctrl-D leaves."


def converse(conversation: Repl) -> None:
    """Prompts until the user leaves."""
    conversation.session.remark(WELCOME)
    live = Live(conversation.judge, lambda: prompt.refresh())
    prompt = Prompt(live, words, ReplCompleter(conversation), history(history_path()))
    with live:
        while True:
            try:
                text = prompt.ask()
            except EOFError:
                return
            live.ask(None)
            if not conversation.enter(text):
                return


def words(text: str) -> StyleAndTextTuples:
    """The line under a prompt that holds no expression: how the command that is being typed is used."""
    name = text.strip().partition(" ")[0].lower()
    if name in BY_NAME:
        return [("class:live", f"{BY_NAME[name].usage}: {BY_NAME[name].meaning}")]
    fitting = [command.name for command in COMMANDS if name and command.name.startswith(name)]
    return [("class:live", " ".join(fitting) or ".help lists what can be asked; Ctrl-D leaves")]
