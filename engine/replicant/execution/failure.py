"""Whatever goes wrong in a task arrives as a `ReplicantError`, without a cell value in its text.

The text of an exception that is not our own may hold anything (pandas and pyarrow quote the cell they stumble over), so
only its type and the line that raised it are kept. Our own errors pass as they are.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import ParamSpec, TypeVar

from replicant.errors import ReplicantError, RunError, UnexpectedError

__all__ = ["Failure", "LostError", "describe", "described", "guarded", "raised_at"]


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed task, as a value.

    On a cluster a task returns its failure instead of raising it: Dask's workers log the arguments and the text of
    whatever a task raises, and neither belongs in a log.
    """

    error: ReplicantError


class LostError(RunError):
    """What workers held, and nobody can make again, is gone with them."""

    def __init__(self) -> None:
        super().__init__(
            "What the workers held was lost with them.",
            fix="give workers more memory, or give the data as a path that every worker can read",
        )


def raised_at(error: BaseException) -> str:
    """Where an exception was raised: the innermost line of ours, as `fcs/loop.py:120`, or an empty string."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        parts = PurePath(frame.filename).parts
        if "replicant" in parts:
            last = len(parts) - 1 - parts[::-1].index("replicant")
            return f"{'/'.join(parts[last + 1 :])}:{frame.lineno}"
    return ""


def describe(error: BaseException, during: str) -> ReplicantError:
    """The error to raise for any exception.

    Parameters
    ----------
    error
        What was caught.
    during
        The task it happened in, such as its stage and key.

    Returns
    -------
    ReplicantError
        The same object if it is one of ours, else a `RunError` with the type, the task and the line of code.
    """
    if isinstance(error, ReplicantError):
        return error
    if isinstance(error, MemoryError):
        return RunError(
            f"{during}: the process ran out of memory.",
            fix="use fewer threads or workers at a time, select fewer columns, or cut the table with `strata`",
        )
    where = raised_at(error)
    at = f" at {where}" if where else ""
    if isinstance(error, OSError) and error.errno:
        # The operating system's own words name no cell; those of a driver that borrows its numbers may name anything.
        return RunError(f"{during}: {os.strerror(error.errno)} ({type(error).__name__}{at}).")
    return UnexpectedError(
        f"{during}: unexpected {type(error).__name__}{at}. Its text is withheld because it may quote a cell.",
        fix="run again with --debug and --threads 1 where the text may be seen, and report its type and line",
    )


def _signal_in(error: BaseException | None) -> BaseException | None:
    """A signal's exception that was raised in compiled code: what comes out of that has it as its cause."""
    while isinstance(error, SystemError):
        error = error.__cause__
    return error if isinstance(error, KeyboardInterrupt | SystemExit) else None


@contextmanager
def described(during: str) -> Iterator[None]:
    """Whatever goes wrong meanwhile is raised as `describe` has it."""
    try:
        yield
    except Exception as error:
        if (signal := _signal_in(error)) is not None:
            raise signal from None
        known = describe(error, during)
        if known is error:
            raise
        raise known from None


def guarded(during: str, call: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Call something; whatever goes wrong in it is raised as `describe` has it."""
    with described(during):
        return call(*args, **options)
