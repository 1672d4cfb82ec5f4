"""Pieces in processes of this machine, joined to this one by pipes: nothing listens.

A study's analyses hold the interpreter's lock, so threads do not speed them up. A cluster would, but it listens on a
port, and that is for the user to ask for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from replicant.errors import RunError
from replicant.execution.failure import guarded
from replicant.execution.timing import timed

__all__ = ["in_processes"]

AHEAD = 2
"""Pieces under way for each process."""

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_shared: list[Any] = []


def in_processes(
    call: Callable[..., Any],
    shared: Any,
    ready: Callable[[Any], Any],
    items: Sequence[tuple[Any, ...]],
    what: str,
    count: int,
) -> Iterator[tuple[int, Any, float, int]]:
    """Make pieces, and hand over each as soon as it is there: position, result, seconds, most bytes of its process.

    Parameters
    ----------
    call, shared, ready, items, what
        As for `farm`.
    count
        How many processes.

    Raises
    ------
    RunError
        If a process dies.
    ReplicantError
        Whatever goes wrong in a piece.
    """
    spawning = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(count, mp_context=spawning, initializer=_open, initargs=(what, ready, shared))
        left = list(enumerate(items))[::-1]
        under_way: dict[Future[Any], int] = {}
        try:
            while left or under_way:
                while left and len(under_way) < AHEAD * count:
                    at, item = left.pop()
                    under_way[pool.submit(_make, what, call, item)] = at
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield under_way.pop(future), *future.result()
        except BrokenProcessPool:
            raise RunError(
                f"{what}: a process died.", fix="see whether memory was short, or use fewer: --workers 1"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _open(what: str, ready: Callable[[Any], Any], shared: Any) -> None:
    # Ctrl-C in a terminal reaches this process too; ending it is the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.append(guarded(what, ready, shared))


def _make(what: str, call: Callable[..., Any], item: tuple[Any, ...]) -> tuple[Any, float, int]:
    return timed(guarded, what, call, _shared[0], *item)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that each use every core for small matrices only hinder one another."""
    before = {name: os.environ.get(name) for name in _BLAS}
    os.environ.update(dict.fromkeys(_BLAS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
