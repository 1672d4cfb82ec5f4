"""`replicant help`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options

__all__ = ["help_"]


@click.command("help")
@click.argument("command", required=False)
@common_options
@click.pass_context
def help_(ctx: click.Context, command: str | None) -> None:
    """Print the help of a command: the same as COMMAND --help.

    \b
    Examples:
        replicant help
        replicant help run
    """
    root = ctx.find_root()
    group = root.command
    if not isinstance(group, click.Group):
        raise TypeError("the root is a group of commands")
    if command is None:
        click.echo(root.get_help())
        return
    name, found, _ = group.resolve_command(root, [command])
    if found is not None:
        with click.Context(found, info_name=name, parent=root, **group.context_settings) as context:
            click.echo(found.get_help(context))
