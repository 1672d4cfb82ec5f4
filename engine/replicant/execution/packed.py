"""Calls that travel as bytes, which only the worker that runs them opens.

Dask's scheduler unpickles the graphs it is sent. It would import the engine with pandas and PyArrow for that, more
than it takes itself, and make objects of tasks that it never looks at. So this module imports next to nothing.

A worker opens a call when it arrives, before any of its threads runs it. Arrivals, and what other workers send, are
unpickled one after the other. Were a thread to open its call itself, it would import the engine while others import
it too, and each of them may meet a module of which only a part is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distributed.protocol import pickle

__all__ = ["Packed", "packed", "run_packed"]

# At the level INFO, which workers have, Dask logs the bytes of what cannot be unpickled, cells and all.
logging.getLogger(pickle.__name__).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, repr=False)
class Packed:
    """A call with its first arguments, which does not show what it holds: Dask logs the arguments of what fails.

    It is pickled twice on its way: to the scheduler, and from there to a worker.

    Attributes
    ----------
    contents
        The pickled call.
    passed_on
        Whether it has reached the scheduler.
    opened
        At the worker, the call and its first arguments; None elsewhere, and where they cannot be unpickled.
    """

    contents: bytes
    passed_on: bool = False
    opened: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        return f"<Packed, {len(self.contents)} bytes>"

    def __reduce__(self) -> tuple[Callable[..., Packed], tuple[Any, ...]]:
        return (_at_worker, (self.contents,)) if self.passed_on else (Packed, (self.contents, True))


def _at_worker(contents: bytes) -> Packed:
    opened = None
    with suppress(Exception):  # what is wrong with it is an error of the task, which finds it again
        opened = _open(contents)
    return Packed(contents, passed_on=True, opened=opened)


def _open(contents: bytes) -> tuple[Any, ...]:
    call: tuple[Any, ...] = pickle.loads(contents)  # type: ignore[no-untyped-call]
    return call


def packed(call: Callable[..., Any], *args: Any) -> Packed:
    """A call with its first arguments; none of them may hold a future."""
    return Packed(pickle.dumps((call, *args)))  # type: ignore[no-untyped-call]


def run_packed(sent: Packed, *rest: Any) -> Any:
    """Make a call, with the rest of its arguments, in which Dask has replaced futures by their results."""
    call, *args = sent.opened or _open(sent.contents)
    return call(*args, *rest)
