"""Hints for wrong usage of the command line: click's message, followed by the right form."""

from __future__ import annotations

import re

import click

from replicant.errors import closest

__all__ = ["hinted"]


def hinted(error: click.ClickException) -> click.ClickException:
    """The same error, with a hint if there is one."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return error
    hint = _hint(error, error.ctx)
    return click.UsageError(f"{error.format_message()} {hint}", error.ctx) if hint else error


def _hint(error: click.UsageError, ctx: click.Context) -> str:
    message, command = error.format_message(), ctx.command_path
    if message.startswith("Got unexpected extra argument"):
        return "A path with spaces goes in quotes; --set takes one word, such as synthesis.m=2."
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        example = _EXAMPLES.get(str(error.param.name))
        return f"For example: {command} {example}" if example else ""
    if isinstance(error, click.NoSuchOption) and not error.possibilities:
        known = [option for one in ctx.command.params for option in one.opts if option.startswith("--")]
        near = closest(error.option_name, known)
        return f"Did you mean {near}? {command} --help lists its options." if near else f"{command} --help lists them."
    if re.fullmatch(r"Option '--?[\w-]+' requires an argument\.", message):
        return f"See {command} --help for the values it takes."
    return ""


_EXAMPLES = {
    "job": "job.yaml",
    "release": "release",
    "run": "release",
    "results": "study",
    "earlier": "release2020 release2021",
    "later": "release2020 release2021",
    "shell": "bash",
}
