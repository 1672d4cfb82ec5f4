"""DeferredPartitions on the workers of a cluster: mapped there, combined there in a tree, and only the sum comes here.

- A partition is loaded by a task, so that it is loaded again if its worker is lost. Its size is known after
  the first time; where all together take little of the workers' memory they stay there, else they are loaded each time.
- The tree has the same shape whatever the number of workers, so the sums have the same bits.
- Tasks return their failures as values (`failure.Failure`), and their keys carry numbers only.

Importing this module imports `distributed`, so whoever needs no cluster does not import it.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import count
from typing import Any, TypeVar

import pandas as pd
from dask.delayed import delayed
from dask.sizeof import sizeof
from distributed import Client, Future, as_completed

from replicant.errors import DataError
from replicant.estimate.partitions import Load, column_weights
from replicant.execution import dask_client
from replicant.execution.failure import Failure
from replicant.table import Floats

__all__ = ["RemotePartitions", "RemoteSource", "on_workers"]

S = TypeVar("S")
Change = Callable[[pd.DataFrame], pd.DataFrame]

FAN_IN = 8
"""How many states one task combines."""

KEPT_SHARE = 0.25
"""Share of the workers' memory that the partitions of one table may take between passes. Dask spills above 0.6, and a
discrimination has two tables."""


def on_workers(client: Client) -> Callable[[Sequence[Load]], RemotePartitions]:
    """Makes partitions of functions that load them, to be called on the workers of a client.

    Parameters
    ----------
    client
        A synchronous `distributed.Client`.

    Raises
    ------
    SpecError
        If the client is asynchronous.
    RunError
        If the scheduler has no worker.
    """
    dask_client.await_worker(client)
    return partial(RemotePartitions, client)


class RemotePartitions:
    """DeferredPartitions that the workers of a cluster will load.

    Parameters
    ----------
    client
        Of the cluster.
    parts
        For each partition a function that any worker can call, or what Dask computes to a frame or to such a function:
        a future, or a part of a lazy frame.
    changes
        What is done to each partition when it is loaded, in this order.
    """

    def __init__(self, client: Client, parts: Sequence[Any], changes: Sequence[Change] = ()) -> None:
        if not parts:
            raise DataError("no partition", need="at least one")
        self._client = client
        self._parts = list(parts)
        self._changes = tuple(changes)

    def mapped(self, change: Callable[[pd.DataFrame], pd.DataFrame], /) -> RemotePartitions:
        """The same, each changed when it is loaded."""
        return RemotePartitions(self._client, self._parts, (*self._changes, change))

    def source(self, weights: str | None, /) -> RemoteSource:
        """What an estimator takes, with the rows weighted by a column."""
        return RemoteSource(self._client, self._parts, self._changes, weights)


class RemoteSource:
    """A `Source` on the workers of a cluster.

    DeferredPartitions that are kept in the workers' memory are given up with this object.

    Parameters
    ----------
    client, parts, changes
        As of `RemotePartitions`.
    weights
        Name of a column, or None.
    """

    cached = False
    remote = True

    def __init__(
        self, client: Client, parts: Sequence[Any], changes: Sequence[Change] = (), weights: str | None = None
    ) -> None:
        self._client = client
        self._parts = list(parts)
        self._changes = tuple(changes)
        self._weights = weights
        self._keeps = False
        self._frames: list[Future[Any]] = []
        self._reductions = count()
        self._number = secrets.token_hex(4)

    @property
    def n_partitions(self) -> int:
        return len(self._parts)

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        with dask_client.connected(self._client, "cluster"):
            if self._keeps and not self._frames:
                named = [(f"load-{self._number}-{i}", i, part) for i, part in enumerate(self._parts)]
                self._frames = self._submit([_task(_load, part, self._changes, i, key=key) for key, i, part in named])
            changes = () if self._frames else self._changes
            value: S = self._reduce(_Reduction(function, combine, self._weights, changes))
        return value

    def _reduce(self, work: _Reduction) -> Any:
        number = next(self._reductions)
        name = f"{self._number}-{number}"
        # Sent to the cluster once, and from worker to worker: a function may hold levels, or ranks.
        held = _task(_hold, work, key=f"reduction-{name}")
        parts = self._frames or self._parts
        states = [_task(_map, held, part, i, key=f"map-{name}-{i}") for i, part in enumerate(parts)]
        level = 0
        while len(states) > 1:
            groups = [states[i : i + FAN_IN] for i in range(0, len(states), FAN_IN)]
            states = [_task(_sum, held, group, key=f"sum-{name}-{level}-{i}") for i, group in enumerate(groups)]
            level += 1
        [future] = self._submit(states)
        next(as_completed([future], loop=self._client.loop))  # type: ignore[no-untyped-call]
        dask_client.check(self._client, future, "partitions")
        state = dask_client.value(future.result())
        if number == 0:
            self._keeps = self._fits(state.size)
        return state.value

    def _fits(self, size: int) -> bool:
        """Whether frames of so many bytes may stay; where a worker's limit is not known they may not."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [worker["memory_limit"] or 0 for worker in workers]
        return all(limits) and size <= KEPT_SHARE * sum(limits)

    def _submit(self, tasks: list[Any]) -> list[Future[Any]]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            futures: list[Future[Any]] = self._client.compute(tasks, optimize_graph=False)  # type: ignore[no-untyped-call]
        return futures


class _Reduction:
    """What is done with each partition, and with what comes of two of them. No dataclass: Dask looks into those."""

    def __init__(
        self,
        function: Callable[[pd.DataFrame, Floats | None], Any],
        combine: Callable[[Any, Any], Any],
        weights: str | None,
        changes: Sequence[Change],
    ) -> None:
        self.function = function
        self.combine = combine
        self.weights = weights
        self.changes = changes

    def map(self, part: pd.DataFrame | Load) -> _State:
        frame = _changed(part, self.changes)
        weights = None if self.weights is None else column_weights(frame, self.weights)
        return _State(self.function(frame, weights), sizeof(frame))

    def sum(self, states: list[_State]) -> _State:
        value = states[0].value
        for state in states[1:]:
            value = self.combine(value, state.value)
        return _State(value, sum(state.size for state in states))


@dataclass(frozen=True, slots=True)
class _State:
    """What comes of some partitions, and how many bytes their frames take."""

    value: Any
    size: int


def _task(call: Callable[..., Any], *args: Any, key: str) -> Any:
    return delayed(call, pure=False, traverse=False)(*args, dask_key_name=key)


def _hold(work: _Reduction) -> _Reduction:
    return work


def _changed(part: pd.DataFrame | Load, changes: Sequence[Change]) -> pd.DataFrame:
    frame = part if isinstance(part, pd.DataFrame) else part()
    return reduce(lambda frame, change: change(frame), changes, frame)


def _load(part: pd.DataFrame | Load, changes: Sequence[Change], number: int) -> Any:
    return dask_client.caught(f"partition {number}", _changed, part, changes)


def _map(work: _Reduction, part: pd.DataFrame | Load | Failure, number: int) -> Any:
    return dask_client.caught(f"partition {number}", work.map, part)


def _sum(work: _Reduction, states: list[_State | Failure]) -> Any:
    return dask_client.caught("partitions", work.sum, states)
