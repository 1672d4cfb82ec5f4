"""What several commands share: state of one invocation, and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

__all__ = ["State", "debug_option", "set_option"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class State:
    """One invocation.

    Attributes
    ----------
    debug
        Whether a traceback is wanted.
    doing
        The command, for messages.
    """

    debug: bool = False
    doing: str = "replicant"


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    state = ctx.find_root().obj
    if isinstance(state, State):
        state.debug = state.debug or value
        state.doing = ctx.command_path


def debug_option(command: F) -> F:
    """`--debug`, understood before and after the command's name."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show the whole traceback of an error. It may quote cells of the data.",
    )(command)


def set_option(command: F) -> F:
    """`--set KEY=VALUE`, any number of times."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override one key of the job, such as synthesis.m=2. May be repeated.",
    )(command)
