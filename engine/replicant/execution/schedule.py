"""Which task comes next, and which results are held for whom. Knows nothing of threads or clusters."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from replicant.plan.task import Task

__all__ = ["Schedule"]


class Schedule:
    """Tasks that are ready, tasks that wait for others, and results that are still needed.

    Parameters
    ----------
    tasks
        In an order in which they can run; every key in `needs` is of an earlier one, or given.
    given
        Results that are there already, by key.
    chained
        Whether a task is ready as soon as those that it needs are submitted: results then stay with the workers, and
        `results` holds handles. Else it is ready when they have run.
    keep
        Keys of tasks whose results are wanted at the end: they stay in `results`.
    memory
        Bytes that tasks under way may take together. The largest go first; one that does not fit beside those that run
        waits, smaller ones may go before it, and one that is larger than the memory runs alone. None: no limit.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        given: Mapping[str, Any] | None = None,
        chained: bool = False,
        keep: Collection[str] = (),
        memory: int | None = None,
    ) -> None:
        order = range(len(tasks)) if memory is None else sorted(range(len(tasks)), key=lambda at: -tasks[at].memory)
        self.results: dict[str, Any] = dict(given or {})
        self._chained = chained
        self._memory = memory
        self._taken = 0
        self._rank = {tasks[at].key: rank for rank, at in enumerate(order)}
        self._tasks = [tasks[at] for at in order]
        self._running: dict[str, Task] = {}
        self._left = len(tasks)
        missing = {task.key: len(set(task.needs) - self.results.keys()) for task in tasks if task.needs}
        self._missing = {key: count for key, count in missing.items() if count}
        self._needed_by: dict[str, list[str]] = {}
        self._uses = Counter(key for task in tasks for key in task.needs)
        self._uses.update(keep)
        for task in tasks:
            for key in set(task.needs) - self.results.keys():
                self._needed_by.setdefault(key, []).append(task.key)
        self._ready = [
            rank for rank, task in enumerate(self._tasks) if task.key not in self._missing
        ]  # ascending, and so a heap

    def __bool__(self) -> bool:
        return self._left > 0

    @property
    def left(self) -> int:
        """Tasks that are not submitted yet."""
        return self._left

    def is_needed(self, key: str) -> bool:
        """Whether a task that has not run yet needs this one, or its result is kept."""
        return key in self._uses

    def take(self, most: int) -> list[Task]:
        """The next tasks: one, or up to `most` that neither need others nor are needed; none if all wait."""
        if not self._ready:
            return []
        if self._memory is not None:
            return self._fitting()
        batch = [self._next()]
        if self._alone(batch[0]):
            while len(batch) < most and self._ready and self._alone(self._tasks[self._ready[0]]):
                batch.append(self._next())
        return batch

    def submitted(self, batch: Sequence[Task], handle: Any) -> None:
        """Tasks are under way."""
        self._left -= len(batch)
        for task in batch:
            self._running[task.key] = task
            self._taken += task.memory
            if self._chained and self.is_needed(task.key):
                self.results[task.key] = handle
                self._unlock(task.key)

    def finish(self, key: str, result: Any) -> Task | None:
        """A task has run: its result is held if another needs it, and what nobody else needs is let go.

        Returns
        -------
        Task or None
            None if it was finished before.
        """
        task = self._running.pop(key, None)
        if task is None:
            return None
        self._taken -= task.memory
        for other in task.needs:
            self._uses[other] -= 1
            if not self._uses[other]:
                del self._uses[other], self.results[other]
        if self.is_needed(key) and not self._chained:
            self.results[key] = result
            self._unlock(key)
        return task

    def _next(self) -> Task:
        return self._tasks[heapq.heappop(self._ready)]

    def _alone(self, task: Task) -> bool:
        return not task.needs and not self.is_needed(task.key)

    def _fitting(self) -> list[Task]:
        for rank in sorted(self._ready):
            task = self._tasks[rank]
            if not self._running or self._taken + task.memory <= (self._memory or 0):
                self._ready.remove(rank)
                heapq.heapify(self._ready)
                return [task]
        return []

    def _unlock(self, key: str) -> None:
        for other in self._needed_by.get(key, ()):
            self._missing[other] -= 1
            if not self._missing[other]:
                heapq.heappush(self._ready, self._rank[other])
