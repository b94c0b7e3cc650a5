"""`tamis completion`: the script that teaches a shell to complete Tamis's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash   eval "$(tamis completion bash)"        in ~/.bashrc
    zsh    eval "$(tamis completion zsh)"         in ~/.zshrc
    fish   tamis completion fish > ~/.config/fish/completions/tamis.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "tamis", "_TAMIS_COMPLETE").source())
