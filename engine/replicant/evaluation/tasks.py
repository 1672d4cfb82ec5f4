"""Independent steps of an evaluation as tasks: draws of a baseline, fits of an attack, sets.

They run on threads of this process or on the workers of a client, and give the same bits wherever they run: each has a
random stream of its own, and linear algebra has one thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from replicant.fcs.blas import one_blas_thread
from replicant.plan.seeds import Stage, stream
from replicant.plan.task import Task, numbered

if TYPE_CHECKING:
    import numpy as np

    from replicant.execution.executor import Executor

__all__ = ["Tasks", "one_openmp_thread", "opened", "seeds", "stream_of"]

R = TypeVar("R")


class Tasks:
    """Runs steps that do not need one another.

    Parameters
    ----------
    executor
        What runs them; None: this thread, one after the other.
    """

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor

    def each(self, stage: str, function: Callable[[Any, Any], R], data: Any, items: Sequence[Any]) -> list[R]:
        """What a function gives for each item, in their order.

        Parameters
        ----------
        stage
            In words, for progress and errors: `exchanging rows`.
        function
            Of the data and of an item, defined in a module: it may run in another process.
        data
            What all steps look at; it travels once.
        items
            Small. Those that draw have a seed of `seeds` and open its `stream_of`, so that a step that has to run
            again draws the same.
        """
        shared = (function, list(items))
        tasks = [_needing_data(task) for task in numbered("step", [1] * len(items))]
        if self._executor is None or len(tasks) < 2:
            return [_step(shared, task, data) for task in tasks]
        given = {"data": self._executor.sent(data)}
        with _steady_warnings():
            return self._executor.collect(stage, {"step": _step}, shared, tasks, given=given)


@contextmanager
def opened(client: Any = None, threads: int | None = None, *, shown: bool = False) -> Iterator[Tasks]:
    """Where the steps of a call run.

    Parameters
    ----------
    client
        A `distributed.Client`. None: the active one; this process, if there is none.
    threads
        Of this process, instead of a client; None for all usable CPUs.
    shown
        Whether progress is shown.
    """
    from replicant.execution.backend import Backend
    from replicant.execution.progress import choose

    with Backend.of_call(client, threads).open(choose(quiet=not shown)) as executor:
        yield Tasks(executor)


def seeds(rng: np.random.Generator, count: int) -> list[int]:
    """Seeds of steps, from the stream of all of them."""
    return [int(seed) for seed in rng.integers(2**63, size=count)]


def stream_of(seed: int) -> np.random.Generator:
    """The stream of a step."""
    return stream(seed, Stage.EVALUATION)


def _needing_data(task: Task) -> Task:
    return Task(task.key, task.kind, task.index, needs=("data",))


def _step(shared: tuple[Callable[[Any, Any], R], list[Any]], task: Task, data: Any) -> R:
    function, items = shared
    with one_blas_thread():
        return function(data, items[task.index])


@contextmanager
def _steady_warnings() -> Iterator[None]:
    """Filters of warnings as they were, after threads have run.

    scikit-learn sets them aside for a moment in each of its tasks. They belong to the process: of two threads that do
    so one may leave those of the other, or find none and warn of it.
    """
    with warnings.catch_warnings(record=True) as raised:
        yield
    for one in raised:
        if "sklearn.utils.parallel" not in str(one.message):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """For scikit-learn's boosted trees: steps run side by side already. The limit is the calling thread's own."""
    with _openmp().limit(limits=1, user_api="openmp"):
        yield


@cache
def _openmp() -> Any:
    import sklearn.ensemble  # noqa: F401  # its library has to be there when it is looked for
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
