"""Runs tasks on a Dask cluster.

- What tasks share is made by a task of its own, so that it is made again if its worker is lost.
- Results that other tasks need stay with the workers; a task goes where they are. A task that needs nothing goes to the
  worker with the fewest: Dask would give the first ones to whoever holds what is shared, however small that is.
- Calls travel packed, so that the scheduler imports nothing for them (`packed.py`).
- Short tasks are submitted several at a time, so that the scheduler's work does not grow with their number. A task that
  is lost with its worker is run again by another.
- Tasks return failures as values (`failure.Failure`), and their keys are words and numbers.

Importing this module imports `distributed`, so whoever needs no cluster does not import it.
"""

from __future__ import annotations

import secrets
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from distributed import Client, Future, as_completed

from replicant.execution import dask_client
from replicant.execution.executor import Calls, Executor, Finished, Pool, Stage, run_task
from replicant.execution.failure import Failure
from replicant.execution.packed import Packed, packed, run_packed
from replicant.execution.progress import Progress
from replicant.execution.timing import StageTiming, Timing
from replicant.execution.versions import Workers, check_versions
from replicant.plan.task import Task

__all__ = ["DaskExecutor"]

AHEAD = 3
"""Submissions under way for each worker."""

LOOK_SECONDS = 2.0
"""How often to see which workers there are."""

TASK_SECONDS = 2.0
"""How long a submission should take: shorter tasks are submitted several at a time."""


VERSION_SECONDS = 60.0
"""How long workers may take to say which versions they have."""


class DaskExecutor(Executor):
    """Runs tasks on the workers of a client.

    Parameters
    ----------
    client
        A synchronous `distributed.Client`.
    progress, timing
        As of `Executor`.

    Raises
    ------
    SpecError
        If the client is asynchronous.
    RunError
        If there is no worker in time.
    """

    chained = True

    def __init__(self, client: Client, progress: Progress | None = None, timing: Timing | None = None) -> None:
        dask_client.await_worker(client)
        super().__init__(dask_client.count_workers(client), progress, timing)
        self.client = client
        self.threads_per_process = dask_client.threads_per_worker(client)

    def check_versions(self) -> Workers:
        """See `Executor.check_versions`."""
        return check_versions(self.client, within=VERSION_SECONDS)

    def _first_of(self, pairs: list[Any]) -> list[Any]:
        with dask_client.connected(self.client, "holding results"):
            first = packed(_first)
            return [self.client.submit(run_packed, first, one, key=f"held-{one.key}", pure=False) for one in pairs]

    def exchange(self, stage: str, held: Sequence[Any], count: int) -> list[Any]:
        """See `Executor.exchange`; here by Dask's own shuffle, from worker to worker."""
        from replicant.execution.dask_frames import exchanged

        return self._arrived(stage, lambda: exchanged(self.client, held, count))

    def opened(self, frame: Any) -> list[Any]:
        """See `Executor.opened`: futures."""
        from replicant.execution.dask_frames import partitions_of

        return self._arrived("reading partitions", lambda: self.computed(partitions_of(frame)))

    def _arrived(self, stage: str, start: Callable[[], list[Future[Any]]]) -> list[Future[Any]]:
        """Futures, when all of them have ended."""
        with self.timing.measuring(stage, self.workers), dask_client.connected(self.client, stage):
            futures = start()
            with self.progress.running(len(futures), stage, ""):
                for future in as_completed(futures, loop=self.client.loop):  # type: ignore[no-untyped-call]
                    dask_client.check(self.client, future, stage)
                    self.progress.advance(1)
            return futures

    def fetched(self, held: Sequence[Any]) -> list[Any]:
        """See `Executor.fetched`."""
        with dask_client.connected(self.client, "collecting sets"):
            results: list[Any] = self.client.gather(list(held))  # type: ignore[no-untyped-call]
            return results

    @property
    def task_memory(self) -> int | None:
        """See `Executor.task_memory`: that of the smallest worker, whose threads share it."""
        return dask_client.memory_of_a_thread(self.client)

    def sent(self, data: Any) -> Any:
        """A future of something that is sent to all workers once."""
        with dask_client.connected(self.client, "sending the table"):
            return self.client.scatter(data, broadcast=True, hash=False)  # type: ignore[no-untyped-call]

    @property
    def shared(self) -> dict[str, Any]:
        """See `Executor.shared`."""
        return {"workers": None, "scheduler": None, "client": self.client}

    @property
    def partitions(self) -> Callable[..., Any]:
        """Makes an estimator's partitions of functions that workers call to load them."""
        from replicant.execution.partitions import RemotePartitions

        return partial(RemotePartitions, self)

    @property
    def limits(self) -> list[int]:
        """Bytes that each worker may take, 0 without a limit."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return [worker["memory_limit"] or 0 for worker in workers]

    def computed(self, parts: Sequence[Any]) -> list[Future[Any]]:
        """Futures of what Dask computes."""
        with dask_client.connected(self.client, "reading partitions"):
            futures: list[Future[Any]] = self.client.compute(list(parts))  # type: ignore[no-untyped-call]
            return futures

    @contextmanager
    def _pool(self, stage: Stage, timing: StageTiming) -> Iterator[Pool]:
        pool = _Submissions(self.client, stage, timing)
        try:
            with dask_client.connected(self.client, stage.name):
                pool.open()
                yield pool
        finally:
            self.workers = timing.workers
            pool.release()


class _Submissions:
    """A stage on a cluster: what is under way, and with whom."""

    def __init__(self, client: Client, stage: Stage, timing: StageTiming) -> None:
        self.client = client
        self.stage = stage
        self.timing = timing
        self.token = secrets.token_hex(4)
        self.under_way: dict[Future[Any], tuple[Task, str | None, bool]] = {}
        self.held: list[Future[Any]] = []
        self.known: set[str] = set()
        self.workers: list[str] = []
        self.busy: Counter[str | None] = Counter()
        self.look_again = 0.0

    def open(self) -> None:
        """Submit what tasks share."""
        key = f"shared-{self.token}"
        opened = packed(_opened, self.stage.name, self.stage.prepare, self.stage.shared)
        self.shared = self._submit(opened, key=key)
        self.arriving: Any = as_completed(loop=self.client.loop)  # type: ignore[no-untyped-call]

    def release(self) -> None:
        """Give up what is under way and what is held."""
        with suppress(Exception):
            # Not cancelled: that has the scheduler cancel what needs them too, of which some may be gone by then.
            for future in {*self.under_way, *self.held}:
                future.release()  # type: ignore[no-untyped-call]

    @property
    def limit(self) -> int:
        """Submissions under way at most. Workers come and go: every few seconds they are counted anew."""
        now = time.monotonic()
        if now >= self.look_again:
            self.look_again = now + LOOK_SECONDS
            self.workers = dask_client.workers_of(self.client) or self.workers
            self.timing.workers = max(1, len(self.workers))
        return AHEAD * self.timing.workers

    def batch(self, left: int) -> int:
        """As many tasks as fill the time of one, fewer towards the end, so that all workers end together."""
        if not self.timing.tasks:
            return 1
        fitting = TASK_SECONDS * self.timing.tasks / max(self.timing.seconds, 1e-6)
        return max(1, min(round(fitting), left // (4 * self.timing.workers)))

    def submit(self, batch: Sequence[Task], needed: Sequence[Any], *, held: bool) -> Future[Any]:
        first = batch[0]
        worker = None
        if not held and not needed:
            worker = min(self.workers, key=self.busy.__getitem__, default=None)
        # Dask's pages group tasks by what stands before the token.
        key = f"{first.kind}-{self.token}-{first.key.removeprefix(first.kind).removeprefix('-')}"
        call = packed(_batch, self.stage.name, self.stage.calls, list(batch))
        future = self._submit(call, self.shared, list(needed), key=key, worker=worker)
        self.under_way[future] = first, worker, held
        if held and first.key not in self.stage.keep:
            self.held.append(future)
        self.busy[worker] += 1
        self.arriving.add(future)
        return future

    def wait(self) -> Iterator[Sequence[Finished]]:
        fetched = []
        for future in self.arriving.next_batch():
            if future.status == "lost":
                # Its worker died before the result was fetched: Dask computes it again.
                self.arriving.add(future)
                continue
            task, worker, held = self.under_way.pop(future)
            self.busy[worker] -= 1
            dask_client.check(self.client, future, self.stage.name)
            if held:
                yield [Finished(task.key)]
            else:
                fetched.append(future)
        results = self.client.gather(fetched) if fetched else ()  # type: ignore[no-untyped-call]
        for result in results:
            ran: _Ran = dask_client.value(result)
            earlier = [one for one in ran.earlier if one.key not in self.known]
            self.known.update(one.key for one in earlier)
            yield [*earlier, *ran.finished]

    def _submit(self, call: Packed, *args: Any, key: str, worker: str | None = None) -> Future[Any]:
        where = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.client.submit(run_packed, call, *args, key=key, pure=False, **where)


def _first(ran: _Ran) -> Any:
    return ran.finished[-1].result[0]


def _opened(name: str, prepare: Callable[[Any], Any] | None, shared: Any) -> Any:
    return shared if prepare is None else dask_client.caught(name, prepare, shared)


class _Ran(NamedTuple):
    """What a submission gave back.

    Attributes
    ----------
    earlier
        The tasks that it needed, without their results.
    finished
        Its own tasks.
    """

    earlier: list[Finished]
    finished: list[Finished]


def _batch(name: str, calls: Calls, batch: Sequence[Task], shared: Any, needed: list[Any]) -> _Ran | Failure:
    """Run tasks, or one that needs others."""
    failed = next((one for one in (shared, *needed) if isinstance(one, Failure)), None)
    if failed is not None:
        return failed
    results = [one.finished[-1].result if isinstance(one, _Ran) else one for one in needed]
    ran = [one for one in needed if isinstance(one, _Ran)]
    earlier = [one._replace(result=None) for other in ran for one in (*other.earlier, *other.finished)]
    finished = []
    for task in batch:
        one = dask_client.caught("", run_task, name, calls, shared, task, results)
        if isinstance(one, Failure):
            return one
        finished.append(one)
    return _Ran(earlier, finished)
