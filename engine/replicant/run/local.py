"""Running a plan in this process: a plain loop, or Dask's threads.

The kernel releases the GIL, so threads are enough on one machine and share one copy of the table. A small plan runs as
a plain loop, for which Dask is not even imported.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Hashable
from functools import partial
from threading import Event, Lock
from typing import Any

from replicant.errors import RunError, SpecError
from replicant.plan.model import Plan
from replicant.run import work
from replicant.run.effort import Effort, Pass, timed
from replicant.run.failure import guarded
from replicant.run.lower import Step, lower, units
from replicant.run.progress import Progress
from replicant.table import Table

__all__ = ["SMALL_SECONDS", "default_threads", "run", "threads_for"]

SMALL_SECONDS = 0.3
"""A plan estimated below this runs as a plain loop whatever was asked: starting threads would take longer."""


def default_threads() -> int:
    """CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def threads_for(plan: Plan, threads: int | None) -> int:
    """How many threads to use for a plan.

    Raises
    ------
    SpecError
        If `threads` is not a positive whole number.
    """
    whole: object = threads
    if whole is not None and (isinstance(whole, bool) or not isinstance(whole, int) or whole < 1):
        raise SpecError("`threads` is not a positive whole number.", fix="leave it out for all usable CPUs")
    if plan.seconds_estimate < SMALL_SECONDS:
        return 1
    return threads or default_threads()


def run(
    plan: Plan,
    table: Table,
    *,
    threads: int | None = None,
    sink: work.Sink | None = None,
    progress: Progress | None = None,
    skip: Collection[tuple[int, int]] = (),
    effort: Effort | None = None,
) -> list[Any]:
    """Run a plan and return what its draws made, by partition and imputation.

    Parameters
    ----------
    plan
        What to do.
    table
        The table it was made for.
    threads
        Number of threads; None for all usable CPUs if the plan is worth it. The result does not depend on it.
    sink
        Takes each finished partition as a frame; None keeps codes.
    progress
        What the user sees. None: nothing.
    skip
        Imputation and partition of the sets that are there already.
    effort
        Counts what the steps took.

    Raises
    ------
    ReplicantError
        Whatever goes wrong in a step.
    """
    wanted = threads_for(plan, threads)
    steps = lower(plan, skip)
    hands = 1 if len(steps) <= 1 else wanted
    progress = progress or Progress()
    with (effort or Effort()).running("synthesizing", hands) as one:
        if hands == 1:
            return _loop(plan, table, steps, sink, progress, one)
        return _threaded(plan, table, steps, sink, progress, one)


def _loop(
    plan: Plan, table: Table, steps: tuple[Step, ...], sink: work.Sink | None, progress: Progress, one: Pass
) -> list[Any]:
    results: list[Any] = []
    began = time.perf_counter()
    with progress.running(units(steps), "synthesizing"):
        for part in plan.partitions:
            mine = [step for step in steps if step.task.partition == part.index]
            room = guarded(f"partition {part.index}", work.prepare, table, plan, part.index)
            last_use = {need: i for i, step in enumerate(mine) for need in step.needs}
            models: dict[str, work.Fitted] = {}
            for i, step in enumerate(mine):
                if step.task.kind == "fit":
                    models[step.task.key] = guarded(step.task.key, work.fit, room, plan, step.task)
                else:
                    needed = [models[key] for key in step.needs]
                    results += guarded(step.task.key, work.draw, room, plan, step.task, needed, sink)
                    models = {key: model for key, model in models.items() if last_use.get(key, -1) > i}
                one.pieces += 1
                progress.advance(step.units)
    one.seconds = time.perf_counter() - began
    return results


def _threaded(
    plan: Plan,
    table: Table,
    steps: tuple[Step, ...],
    sink: work.Sink | None,
    progress: Progress,
    one: Pass,
) -> list[Any]:
    from concurrent.futures import ThreadPoolExecutor

    import dask.threaded

    stop, counting = Event(), Lock()

    def counted(during: str, call: Callable[..., Any], *args: Any) -> Any:
        if stop.is_set():
            raise RunError(f"{during}: stopped, because another step failed.")
        made, seconds, _ = timed(guarded, during, call, *args)
        with counting:
            one.pieces += 1
            one.seconds += seconds
        return made

    # Bound functions carry what they work on, so that Dask sees nothing but keys in its graph.
    graph: dict[Hashable, Any] = {}
    for part in plan.partitions:
        key = _room_key(plan, part.index)
        graph[key] = (partial(counted, key, work.prepare, table, plan, part.index),)
    for step in steps:
        call = _fit if step.task.kind == "fit" else _draw
        bound = partial(counted, step.task.key, call, plan, step, sink, progress)
        graph[step.task.key] = (bound, _room_key(plan, step.task.partition), *step.needs)
    draws = [step.task.key for step in steps if step.task.kind == "draw"]
    with progress.running(units(steps), "synthesizing", f"on {one.hands} threads"):
        pool = ThreadPoolExecutor(one.hands, thread_name_prefix="replicant")
        try:
            made = dask.threaded.get(graph, draws, pool=pool)
        finally:
            # Nothing may go on writing after we have returned: what runs ends, what waits is dropped.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return [result for results in made for result in results]


def _room_key(plan: Plan, partition: int) -> str:
    return f"prepare-{plan.digest[:8]}-{partition}"


def _fit(plan: Plan, step: Step, sink: work.Sink | None, progress: Progress, room: work.Room) -> work.Fitted:
    fitted = work.fit(room, plan, step.task)
    progress.advance(step.units)
    return fitted


def _draw(
    plan: Plan, step: Step, sink: work.Sink | None, progress: Progress, room: work.Room, *fitted: work.Fitted
) -> list[Any]:
    made = work.draw(room, plan, step.task, fitted, sink)
    progress.advance(step.units)
    return made
