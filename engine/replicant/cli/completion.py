"""`replicant completion`. The scripts are click's; the words that they offer come from `offers`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from replicant.cli.options import common_options

__all__ = ["completion"]

VARIABLE = "_REPLICANT_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands in a shell.

    \b
    Examples:
        source <(replicant completion bash)        in ~/.bashrc
        source <(replicant completion zsh)         in ~/.zshrc
        replicant completion fish > ~/.config/fish/completions/replicant.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    script = kind(ctx.find_root().command, {}, "replicant", VARIABLE)
    click.echo(script.source_template % script.source_vars())
