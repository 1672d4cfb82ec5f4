"""The blocks of a study in processes of this machine, joined to this one by pipes: nothing listens.

A study's analyses hold the interpreter's lock, so threads do not speed them up. A cluster would, but it listens on a
port, and that is for the user to ask for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from replicant.errors import PartialError
from replicant.run.failure import guarded
from replicant.studies import Block, Room, Study, open_room
from replicant.table import Table

__all__ = ["in_processes"]

AHEAD = 2
"""Blocks under way for each process."""

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_room: list[Room] = []


def in_processes(study: Study, table: Table, todo: Sequence[int], count: int) -> Iterator[Block]:
    """Measure blocks, and hand over each as soon as it is there.

    Parameters
    ----------
    study, table
        The study, and its table.
    todo
        Indices of blocks.
    count
        How many processes.

    Raises
    ------
    PartialError
        If a process dies.
    ReplicantError
        Whatever goes wrong in a block.
    """
    spawning = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(count, mp_context=spawning, initializer=_open, initargs=(study, table))
        left = list(todo)[::-1]
        under_way: set[Future[Block]] = set()
        try:
            while left or under_way:
                while left and len(under_way) < AHEAD * count:
                    under_way.add(pool.submit(_measure, left.pop()))
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise PartialError(
                "A process died while the study ran.", fix="see whether memory was short, or use fewer: --workers 1"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _open(study: Study, table: Table) -> None:
    # Ctrl-C in a terminal reaches this process too; ending it is the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _room.append(guarded("study", open_room, study, table))


def _measure(block: int) -> Block:
    return guarded(f"block {block}", _room[0].measure, block)


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
