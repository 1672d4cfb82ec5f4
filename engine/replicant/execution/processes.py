"""Runs tasks in processes of this machine, joined to this one by pipes: nothing listens.

A study's analyses hold the interpreter's lock, so threads do not speed them up. A cluster would, but it listens on a
port, and that is for the user to ask for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from replicant.errors import RunError
from replicant.execution.executor import Calls, Executor, Finished, LocalPool, Pool, Stage, run_task
from replicant.execution.failure import guarded
from replicant.execution.timing import StageTiming
from replicant.plan.task import Task

__all__ = ["ProcessExecutor"]

AHEAD = 2
"""Tasks under way for each process."""

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_shared: list[Any] = []


class ProcessExecutor(Executor):
    """Runs tasks in processes, each with a copy of what tasks share.

    Raises
    ------
    RunError
        If a process dies.
    """

    noun = "processes"

    @contextmanager
    def _pool(self, stage: Stage, timing: StageTiming) -> Iterator[Pool]:
        arguments = stage.name, stage.prepare, stage.shared
        with _one_thread_each():
            spawning = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(self.workers, spawning, initializer=_open, initargs=arguments)
            try:
                yield LocalPool(pool, AHEAD * self.workers, stage.name, stage.calls, run=_run)
            except BrokenProcessPool:
                raise RunError(
                    f"{stage.name}: a process died.", fix="see whether memory was short, or use fewer: --workers 1"
                ) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _open(name: str, prepare: Callable[[Any], Any] | None, shared: Any) -> None:
    # Ctrl-C in a terminal reaches this process too; ending it is the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.append(shared if prepare is None else guarded(name, prepare, shared))


def _run(name: str, calls: Calls, task: Task, needed: Sequence[Any]) -> Finished:
    return run_task(name, calls, _shared[0], task, needed)


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
