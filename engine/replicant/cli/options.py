"""What several commands share: state of one invocation, and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

__all__ = ["State", "alone", "debug_option", "set_option", "where_options"]

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


def where_options(command: F) -> F:
    """`--threads`, `--workers`, `--scheduler`: where a job runs."""
    threads = click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="Threads in this process.  [default: all usable CPUs; of a study, processes]",
    )
    workers = click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Start a Dask cluster of N processes on this machine.",
    )
    scheduler = click.option(
        "--scheduler", metavar="ADDRESS", help="Run on the Dask scheduler at ADDRESS, such as tcp://10.0.0.5:8786."
    )
    return threads(workers(scheduler(command)))


def alone(threads: int | None, workers: int | None, scheduler: str | None) -> None:
    """Refuse more than one of them."""
    if sum(choice is not None for choice in (threads, workers, scheduler)) > 1:
        raise click.UsageError("--threads, --workers and --scheduler exclude each other: choose one.")
