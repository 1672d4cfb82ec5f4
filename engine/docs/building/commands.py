"""The help of every command as Markdown, from the program itself."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator

import click

VERBATIM = "\b"
"""How click marks a paragraph whose lines stay as they are."""

OPTION = re.compile(r"(?<![`\w-])(--[a-z][a-z-]*\w)(?!`)")
"""An option within a sentence."""


def commands_as_markdown(program: click.Group, name: str, level: int = 2) -> str:
    """A section for each command.

    Parameters
    ----------
    program
        The group of commands.
    name
        What it is called by.
    level
        Of the headings.
    """
    return "\n\n".join(_sections(program, name, level, None))


def _sections(command: click.Command, name: str, level: int, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=name.rsplit(maxsplit=1)[-1], parent=parent)
    yield f"{'#' * level} {name}"
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    yield _fenced("text", usage)
    yield from _help(command.help or "")
    yield _options(command, context)
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            if below is not None and not below.hidden:
                yield from _sections(below, f"{name} {word}", level + (parent is not None), context)


def _help(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.startswith(VERBATIM):
            yield _said(paragraph)
            continue
        lines = paragraph.removeprefix(VERBATIM).strip("\n").split("\n")
        if not lines[0].startswith(" ") and lines[0].endswith(":") and len(lines) > 1:
            yield lines.pop(0)
        body = textwrap.dedent("\n".join(lines))
        yield _fenced("sh" if body.startswith("replicant") else "text", body)


def _options(command: click.Command, context: click.Context) -> str:
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [found for one in options if (found := one.get_help_record(context))]
    rows = [f"| `{_cell(names)}` | {_said(_cell(what))} |" for names, what in records]
    return "\n".join(["| option | |", "| --- | --- |", *rows])


def _said(text: str) -> str:
    """Options within sentences as code."""
    return OPTION.sub(r"`\1`", text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```"
