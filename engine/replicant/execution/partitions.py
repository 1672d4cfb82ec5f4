"""DeferredPartitions on the workers of a cluster: mapped there, combined there in a tree, and only the sum comes here.

- A partition is loaded by a task, so that it is loaded again if its worker is lost. After a first reduction its size is
  known; where all of them together take little of the workers' memory they stay there, else each reduction loads them
  anew.
- The tree has the same shape whatever the number of workers, so the sums have the same bits.

Importing this module imports `distributed`, so whoever needs no cluster does not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from dask.base import is_dask_collection
from dask.sizeof import sizeof
from distributed import Future

from replicant.errors import DataError
from replicant.estimate.partitions import Load, column_weights
from replicant.execution.executor import Calls
from replicant.plan.task import Task
from replicant.table import Floats

if TYPE_CHECKING:
    from replicant.execution.dask_executor import DaskExecutor

__all__ = ["RemotePartitions", "RemoteSource"]

S = TypeVar("S")
Change = Callable[[pd.DataFrame], pd.DataFrame]

FAN_IN = 8
"""How many states one task combines."""

KEPT_SHARE = 0.25
"""Share of the workers' memory that the partitions of one table may take between reductions. Dask spills above 0.6, and
a discrimination has two tables."""


class RemotePartitions:
    """DeferredPartitions that the workers of a cluster will load.

    Parameters
    ----------
    executor
        Of the cluster.
    parts
        For each partition a function that any worker can call, or what Dask computes to a frame or to such a function:
        a future, or a part of a lazy frame.
    changes
        What is done to each partition when it is loaded, in this order.
    """

    def __init__(self, executor: DaskExecutor, parts: Sequence[Any], changes: Sequence[Change] = ()) -> None:
        if not parts:
            raise DataError("no partition is given", need="at least one")
        self._executor = executor
        self._parts = executor.computed(parts) if is_dask_collection(parts[0]) else list(parts)
        self._changes = tuple(changes)

    def mapped(self, change: Change, /) -> RemotePartitions:
        """The same, each changed when it is loaded."""
        return RemotePartitions(self._executor, self._parts, (*self._changes, change))

    def source(self, weights: str | None, /) -> RemoteSource:
        """What an estimator takes, with the rows weighted by a column."""
        return RemoteSource(self._executor, self._parts, self._changes, weights)


class RemoteSource:
    """A `Source` on the workers of a cluster.

    DeferredPartitions that are kept in the workers' memory are given up with this object.

    Parameters
    ----------
    executor, parts, changes
        As of `RemotePartitions`; no part of a lazy frame.
    weights
        Name of a column, or None.
    """

    cached = False
    remote = True

    def __init__(
        self, executor: DaskExecutor, parts: Sequence[Any], changes: Sequence[Change] = (), weights: str | None = None
    ) -> None:
        self._executor = executor
        self._parts = list(parts)
        self._changes = tuple(changes)
        self._weights = weights
        self._size: int | None = None
        self._kept = False

    @property
    def n_partitions(self) -> int:
        return len(self._parts)

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        if not self._kept and self._size is not None and self._fits(self._size):
            self._parts, _ = self._executor.hold("loading", {"load": _load}, self._shared(), *self._leaves("load"))
            self._changes, self._kept = (), True
        tasks, given = self._leaves("partition")
        level = [task.key for task in tasks]
        while len(level) > 1:
            groups = [tuple(level[i : i + FAN_IN]) for i in range(0, len(level), FAN_IN)]
            sums = [Task(f"sum-{len(tasks) + i}", "sum", needs=group) for i, group in enumerate(groups)]
            tasks += sums
            level = [task.key for task in sums]
        shared = self._shared(function, combine)
        calls: Calls = {"partition": _map, "sum": _sum}
        *_, (_, state) = self._executor.run("analysing", calls, shared, tasks, given=given)
        self._size = state.size
        value: S = state.value
        return value

    def _shared(self, function: Any = None, combine: Any = None) -> _Reduction:
        loads = [None if isinstance(part, Future) else part for part in self._parts]
        return _Reduction(function, combine, self._weights, self._changes, loads)

    def _leaves(self, kind: str) -> tuple[list[Task], dict[str, Any]]:
        """A task for each partition, and what workers hold of them."""
        given = {f"part-{at}": part for at, part in enumerate(self._parts) if isinstance(part, Future)}
        needs = [(f"part-{at}",) if f"part-{at}" in given else () for at in range(len(self._parts))]
        return [Task(f"{kind}-{at}", kind, at, needs=needs[at]) for at in range(len(self._parts))], given

    def _fits(self, size: int) -> bool:
        """Whether frames of so many bytes may stay; where a worker's limit is not known they may not."""
        limits = self._executor.limits
        return all(limits) and size <= KEPT_SHARE * sum(limits)


@dataclass(frozen=True, eq=False, repr=False)
class _Reduction:
    """What is done with each partition, and with what comes of two of them."""

    function: Callable[[pd.DataFrame, Floats | None], Any]
    combine: Callable[[Any, Any], Any]
    weights: str | None
    changes: Sequence[Change]
    loads: Sequence[Load | None]

    def frame(self, index: int, part: Sequence[pd.DataFrame | Load]) -> pd.DataFrame:
        source: Any = part[0] if part else self.loads[index]
        frame = source if isinstance(source, pd.DataFrame) else source()
        return reduce(lambda frame, change: change(frame), self.changes, frame)


@dataclass(frozen=True, slots=True)
class _State:
    """What comes of some partitions, and how many bytes their frames take."""

    value: Any
    size: int


def _load(shared: _Reduction, task: Task, *part: pd.DataFrame | Load) -> tuple[pd.DataFrame, None]:
    return shared.frame(task.index, part), None


def _map(shared: _Reduction, task: Task, *part: pd.DataFrame | Load) -> _State:
    frame = shared.frame(task.index, part)
    weights = None if shared.weights is None else column_weights(frame, shared.weights)
    return _State(shared.function(frame, weights), sizeof(frame))


def _sum(shared: _Reduction, task: Task, *states: _State) -> _State:
    value = reduce(shared.combine, [state.value for state in states])
    return _State(value, sum(state.size for state in states))
