"""Runs tasks, with bounded submission: one loop, whether threads, processes or a Dask cluster do the work.

    tasks ──> schedule (what is ready, what is held for whom) ──> workers ──> results, as soon as they are there

A task may need results of earlier ones. Those are held where they are until the last task that needs them has run: in
this process, or with the workers of a cluster. Only a few tasks for each worker are under way at a time, so neither
time nor memory of this process grows with their number. An error in a task ends the stage: running tasks end, and no
other begins.
"""

from __future__ import annotations

import concurrent.futures
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from threading import Event
from typing import Any, ClassVar, NamedTuple, Protocol

from replicant.execution.failure import described, guarded
from replicant.execution.progress import Progress
from replicant.execution.schedule import Schedule
from replicant.execution.timing import StageTiming, Timing, peak_bytes
from replicant.execution.versions import Workers
from replicant.plan.task import Task

__all__ = ["Calls", "Executor", "Finished", "LocalPool", "Pool", "Stage", "ThreadExecutor", "run_task"]

Calls = Mapping[str, Callable[..., Any]]
"""For each kind of task `call(shared, task, *results)`: the results of the tasks that it needs, in their order."""

SMALL_SECONDS = 0.3
"""A stage estimated below this runs as a plain loop: starting threads would take longer."""


class Finished(NamedTuple):
    """A task that has run.

    Attributes
    ----------
    key
        Of the task.
    result
        What it gave back; None where that stays with the workers.
    seconds, peak
        How long it took, and the most bytes of its process.
    """

    key: str
    result: Any = None
    seconds: float = 0.0
    peak: int = 0


class Stage(NamedTuple):
    """All tasks of one step of a run.

    Attributes
    ----------
    name
        In words, for progress, errors and metrics: `synthesizing`.
    calls, shared
        What tasks do, by their kind, and what all of them get: small, since it travels.
    tasks
        In an order in which they can run.
    prepare
        Makes of `shared` what tasks get instead of it: once here, once in every process, once on a cluster.
    seconds
        About how long it takes on one core; None if that is not known. A short one is not worth a second thread.
    stop
        Is set if the rest is not wanted any more, so that tasks that run can end early. Then no task runs on the main
        thread, which signals reach.
    keep
        Keys of tasks whose results are held beyond the stage.
    """

    name: str
    calls: Calls
    shared: Any
    tasks: Sequence[Task]
    prepare: Callable[[Any], Any] | None = None
    seconds: float | None = None
    stop: Event | None = None
    keep: Collection[str] = ()


def run_task(stage: str, calls: Calls, shared: Any, task: Task, needed: Sequence[Any]) -> Finished:
    """Run a task; what goes wrong is raised as `describe` has it, with the stage and the task's key."""
    began = time.perf_counter()
    with described(f"{stage}, {task.key}"):
        result = calls[task.kind](shared, task, *needed)
    return Finished(task.key, result, time.perf_counter() - began, peak_bytes())


class Pool(Protocol):
    """Workers that are ready for the tasks of one stage."""

    @property
    def limit(self) -> int:
        """Submissions under way at most."""
        ...

    def batch(self, left: int) -> int:
        """How many short tasks to submit at once, of so many that are left."""
        ...

    def submit(self, batch: Sequence[Task], needed: Sequence[Any], *, held: bool) -> Any:
        """Submit tasks; gives back a handle. `held`: another task needs the result."""
        ...

    def wait(self) -> Iterator[Sequence[Finished]]:
        """What has run of each submission that is done; at least one."""
        ...


class Executor(ABC):
    """Runs the tasks of a stage.

    Parameters
    ----------
    workers
        How many threads, processes or Dask workers it has.
    progress
        What the user sees. None: nothing.
    timing
        Where the time of tasks is kept; None for a new one.
    """

    chained: ClassVar[bool] = False
    """Whether a task can be submitted before those that it needs have run."""

    noun: ClassVar[str] = "workers"

    threads_per_process: int = 1
    """Tasks that share the memory of a worker process."""

    def __init__(self, workers: int = 1, progress: Progress | None = None, timing: Timing | None = None) -> None:
        self.workers = workers
        self.progress = progress or Progress()
        self.timing = timing or Timing()

    def run(
        self,
        stage: str,
        calls: Calls,
        shared: Any,
        tasks: Sequence[Task],
        *,
        given: Mapping[str, Any] | None = None,
        prepare: Callable[[Any], Any] | None = None,
        seconds: float | None = None,
        detail: str = "",
        memory: int | None = None,
        stop: Event | None = None,
        reported: set[str] | None = None,
        kept: dict[str, Any] | None = None,
    ) -> Iterator[tuple[Task, Any]]:
        """Run tasks; gives back each with its result as soon as that is there.

        Parameters
        ----------
        stage, calls, shared, tasks, prepare, seconds, stop
            As of `Stage`.
        given
            Results that are there already, by the key under which tasks need them: of `sent`, or of an earlier stage.
        detail
            More words for the progress.
        memory
            Bytes that tasks under way may take together; None: no limit.
        reported
            Keys of tasks that the progress has counted, in this attempt and before.
        kept
            Its keys are those of tasks whose results stay where they are; it holds them, or their handles, at the end.

        Raises
        ------
        ReplicantError
            Whatever goes wrong in a task.
        """
        keep = () if kept is None else kept.keys()
        schedule = Schedule(tasks, given=given, chained=self.chained, keep=keep, memory=memory)
        reported = set() if reported is None else reported
        under_way = 0
        with (
            self.progress.running(sum(task.units for task in tasks), stage, detail),
            self.timing.measuring(stage, self.workers) as timing,
            self._pool(Stage(stage, calls, shared, tasks, prepare, seconds, stop, keep), timing) as pool,
            _setting(stop),
        ):
            while schedule or under_way:
                while under_way < pool.limit and (batch := schedule.take(pool.batch(schedule.left))):
                    needed = [schedule.results[key] for key in batch[0].needs]
                    handle = pool.submit(batch, needed, held=schedule.is_needed(batch[0].key))
                    del needed
                    schedule.submitted(batch, handle)
                    under_way += 1
                for finished in pool.wait():
                    under_way -= 1
                    for one in finished:
                        timing.seconds += one.seconds
                        self.timing.observe(one.peak)
                        task = schedule.finish(one.key, one.result)
                        if task is None:
                            continue  # only its time, which came with a task that needed it
                        timing.tasks += 1
                        result = None if schedule.is_needed(task.key) else one.result
                        del one
                        yield task, result
                        del result
                        # Once the result was taken: what the user sees as done is kept.
                        if task.units and task.key not in reported:
                            reported.add(task.key)
                            self.progress.advance(task.units)
                    del finished
        if kept is not None:
            kept.update({key: schedule.results[key] for key in kept})

    def collect(self, stage: str, calls: Calls, shared: Any, tasks: Sequence[Task], **options: Any) -> list[Any]:
        """Run tasks, and give back their results in the order of the tasks."""
        results = {task.key: result for task, result in self.run(stage, calls, shared, tasks, **options)}
        return [results[task.key] for task in tasks]

    def hold(
        self,
        stage: str,
        calls: Calls,
        shared: Any,
        tasks: Sequence[Task],
        given: Mapping[str, Any] | None = None,
    ) -> tuple[list[Any], list[Any]]:
        """Run tasks whose results stay where they are.

        Parameters
        ----------
        stage, calls, shared, tasks, given
            As of `run`; each task gives back a pair, of what is held and of what is to be known here.

        Returns
        -------
        tuple of lists
            What is held, or handles of it that other tasks can be `given`; and the rest of the pairs. Both are in the
            order of the tasks.
        """
        kept = dict.fromkeys(task.key for task in tasks)
        every: list[Task] = []
        for task in tasks:
            summary = Task(f"summary-{task.key}", "summary", task.index, needs=(task.key,), units=task.units)
            every += [replace(task, units=0), summary]
        calls = {**calls, "summary": _second}
        found = {task.key: result for task, result in self.run(stage, calls, shared, every, given=given, kept=kept)}
        return self._first_of(list(kept.values())), [found[f"summary-{task.key}"] for task in tasks]

    def _first_of(self, pairs: list[Any]) -> list[Any]:
        return [one for one, _ in pairs]

    def exchange(self, stage: str, held: Sequence[Any], count: int) -> list[Any]:
        """Give things to whom they are addressed, where they are.

        Parameters
        ----------
        stage
            In words.
        held
            Handles of lists of (target, thing), a thing being bytes.
        count
            How many targets there are.

        Returns
        -------
        list
            For each target the handle of a list of its things, in the order of `held`.
        """
        found: list[Any] = [[] for _ in range(count)]
        for things in held:
            for target, thing in things:
                found[target].append(thing)
        return found

    def opened(self, frame: Any) -> list[Any]:
        """Handles of the partitions of a `dask.dataframe`, as pandas frames.

        Raises
        ------
        ReplicantError
            If one of them cannot be made.
        """
        from replicant.execution.dask_frames import computed

        return guarded("reading partitions", computed, frame, self.workers)

    def fetched(self, held: Sequence[Any]) -> list[Any]:
        """The results behind handles, in this process."""
        return list(held)

    @property
    def task_memory(self) -> int | None:
        """Bytes that one task may take; None if that is not known."""
        if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
            return None
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // self.workers

    @property
    def partitions(self) -> Callable[..., Any] | None:
        """Makes an estimator's partitions of functions that load them, where those are loaded elsewhere than here."""
        return None

    @property
    def shared(self) -> dict[str, Any]:
        """Choices of a `Backend` that runs on the same workers as this."""
        return {}

    def check_versions(self) -> Workers | None:
        """Its workers, which run the same versions as this process; None where they are this process.

        Raises
        ------
        RunError
            If a worker has other versions.
        """
        return None

    def sent(self, data: Any) -> Any:
        """Something large that lives here, as it is `given` to tasks."""
        return data

    @abstractmethod
    def _pool(self, stage: Stage, timing: StageTiming) -> AbstractContextManager[Pool]:
        """Workers for a stage; what is under way has ended when it is left."""


def _second(shared: Any, task: Task, pair: tuple[Any, Any]) -> Any:
    return pair[1]


@contextmanager
def _setting(stop: Event | None) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if stop is not None:
            stop.set()
        raise


class ThreadExecutor(Executor):
    """Runs tasks on threads of this process. The kernel releases the interpreter's lock, so they are worth it."""

    noun = "threads"

    @contextmanager
    def _pool(self, stage: Stage, timing: StageTiming) -> Iterator[Pool]:
        short = stage.seconds is not None and stage.seconds < SMALL_SECONDS
        timing.workers = threads = 1 if short else max(1, min(self.workers, len(stage.tasks)))
        shared = stage.shared if stage.prepare is None else guarded(stage.name, stage.prepare, stage.shared)
        inline = threads == 1 and stage.stop is None
        pool = _Inline() if inline else concurrent.futures.ThreadPoolExecutor(threads, "replicant")
        try:
            yield LocalPool(pool, threads, stage.name, stage.calls, shared)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class LocalPool:
    """Threads or processes of this machine, behind the interface of `concurrent.futures`.

    Parameters
    ----------
    pool
        The threads or processes.
    limit
        Tasks under way at most.
    arguments
        The first ones of `run`.
    run
        Runs a task, given that and the results that it needs.
    """

    def __init__(
        self,
        pool: concurrent.futures.Executor,
        limit: int,
        *arguments: Any,
        run: Callable[..., Finished] = run_task,
    ) -> None:
        self.limit = limit
        self._submit = pool.submit
        self._run = run
        self._arguments = arguments
        self._under_way: set[concurrent.futures.Future[Finished]] = set()

    def batch(self, left: int) -> int:
        return 1

    def submit(self, batch: Sequence[Task], needed: Sequence[Any], *, held: bool) -> None:
        [task] = batch
        self._under_way.add(self._submit(self._run, *self._arguments, task, needed))

    def wait(self) -> Iterator[Sequence[Finished]]:
        done, _ = concurrent.futures.wait(self._under_way, return_when=concurrent.futures.FIRST_COMPLETED)
        while done:
            future = done.pop()
            self._under_way.remove(future)
            finished = [future.result()]
            del future
            yield finished


class _Inline(concurrent.futures.Executor):
    """No second thread: what is submitted has run when `submit` returns, and its errors are raised there."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(fn(*args, **options))
        return future
