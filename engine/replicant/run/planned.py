"""Running a plan on a table in memory: its steps as pieces of the farm, each with what it needs.

    table ──> partitions, encoded ──> fits ──> draws

In this process the kernel releases the GIL, so threads are enough, and share one copy of the table. On a cluster the
table of a path is loaded there, again if its worker is lost; a frame that lives only here is scattered to all workers,
and if every copy is lost, the run is started again from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from replicant.errors import RunError
from replicant.execution.executor import farm
from replicant.execution.failure import LostError, guarded
from replicant.execution.progress import Progress
from replicant.execution.threads import threads_for
from replicant.execution.timing import Effort
from replicant.plan.model import Plan, Task
from replicant.run import work
from replicant.run.lower import Step, lower, units
from replicant.table import Table

if TYPE_CHECKING:
    from replicant.execution.dask_client import Client

__all__ = ["run_plan"]

ATTEMPTS = 3
"""Times a run with a scattered table is started when every copy of the table is lost."""

Shared: TypeAlias = tuple[Plan, work.Sink | None]


def run_plan(
    plan: Plan,
    data: Table | work.Source,
    *,
    client: Client | None = None,
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
    data
        The table it was made for, or where workers load it from.
    client
        A synchronous `distributed.Client`; None for this process.
    threads
        Of this process; None for all usable CPUs if the plan is worth it. The result does not depend on it.
    sink
        Takes each finished partition as a frame, where it was drawn; None brings codes here.
    progress
        What the user sees. None: nothing.
    skip
        Imputation and partition of the sets that are there already.
    effort
        Counts what the steps took.

    Raises
    ------
    ReplicantError
        Whatever goes wrong in a step, with its type.
    """
    progress = progress or Progress()
    steps = lower(plan, skip)
    if not steps:
        return []
    where: dict[str, Any] = {"effort": effort}
    if client is None:
        where["threads"] = count = 1 if len(steps) <= 1 else threads_for(plan, threads)
        hands = f"on {count} threads" if count > 1 else ""
    else:
        from replicant.execution import dask_client

        dask_client.await_worker(client)
        where["client"] = client
        hands = f"on {dask_client.count_workers(client)} workers"
    pieces, needs, share = _pieces(steps)
    told: set[int] = set()
    with progress.running(units(steps), "synthesizing", hands):
        for _ in range(ATTEMPTS):
            made: dict[int, list[Any]] = {}
            try:
                pieces[0] = _load, data if client is None else _placed(client, data)
                for at, result in farm(_make, (plan, sink), pieces, what="synthesizing", needs=needs, **where):
                    if share[at] and at not in told:
                        told.add(at)
                        progress.advance(share[at])
                    if result is not None:
                        made[at] = result
            except LostError:
                continue
            return [one for at in sorted(made) for one in made[at]]
    raise RunError(
        f"The table was lost with its workers {ATTEMPTS} times.",
        fix="give workers more memory, or give the data as a path that every worker can read",
    )


def _placed(client: Client, data: Table | work.Source) -> Any:
    """Where pieces find the table: with the workers, or wherever they load it from."""
    from replicant.execution import dask_client

    if not isinstance(data, Table):
        return data
    with dask_client.connected(client, "synthesizing"):
        return client.scatter(data, broadcast=True, hash=False)  # type: ignore[no-untyped-call]


def _pieces(steps: Sequence[Step]) -> tuple[list[tuple[Any, ...]], list[tuple[int, ...]], list[int]]:
    """The table's place, then the steps, each partition in front of its first; what each needs; its progress."""
    pieces: list[tuple[Any, ...]] = [()]
    needs: list[tuple[int, ...]] = [()]
    share = [0]
    place: dict[int | str, int] = {}

    def add(key: int | str, piece: tuple[Any, ...], needed: tuple[int, ...], units: int) -> None:
        place[key] = len(pieces)
        pieces.append(piece)
        needs.append(needed)
        share.append(units)

    for step in steps:
        task = step.task
        if task.partition not in place:
            add(task.partition, (_prepare, task.partition), (0,), 0)
        needed = (place[task.partition], *(place[key] for key in step.needs))
        add(task.key, (_fit if task.kind == "fit" else _draw, task), needed, step.units)
    return pieces, needs, share


def _make(shared: Shared, step: Callable[..., Any], *args: Any) -> Any:
    return step(shared, *args)


def _load(_: Shared, data: Table | work.Source) -> Table:
    return data if isinstance(data, Table) else guarded("load", data.load)


def _prepare(shared: Shared, partition: int, table: Table) -> work.Room:
    plan, _ = shared
    return guarded(f"partition {partition}", work.prepare, table, plan, partition)


def _fit(shared: Shared, task: Task, room: work.Room) -> work.Fitted:
    plan, _ = shared
    return guarded(task.key, work.fit, room, plan, task)


def _draw(shared: Shared, task: Task, room: work.Room, *fitted: work.Fitted) -> list[Any]:
    plan, sink = shared
    return guarded(task.key, work.draw, room, plan, task, fitted, sink)
