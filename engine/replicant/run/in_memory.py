"""Running a plan on a table in memory.

    table ──> partitions, encoded ──> fits ──> draws

In this process the kernel releases the GIL, so threads are enough, and share one copy of the table. On a cluster the
table of a path is read there, again if its worker is lost; a frame that lives only here is sent to all workers, and if
every copy is lost, the run is started again from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from replicant import methods, release
from replicant.errors import RunError
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.execution.failure import LostError
from replicant.execution.progress import Progress
from replicant.fcs import Completed, find_orders
from replicant.plan import build_plan
from replicant.plan.memory import check_memory
from replicant.plan.model import Plan
from replicant.plan.task import Task, remaining
from replicant.run.holdout import seeded, with_rows_of_the_whole
from replicant.run.part_sink import PartSink
from replicant.run.partial_results import Records
from replicant.run.release_writer import Synthesized, Writer, copied
from replicant.run.source import Source
from replicant.run.tasks import CALLS, Shared, Sink
from replicant.spec.models import JobSpec
from replicant.summaries.summary import outline, tally
from replicant.table import Table

if TYPE_CHECKING:
    from replicant.remedy.rows import RowRemedies

__all__ = ["InMemory", "Ready", "ensure_compiled", "prepare", "run_plan"]

ATTEMPTS = 3
"""Times a run is started when every copy of a table that lives only here is lost."""


@dataclass(frozen=True, repr=False)
class Ready:
    """A job that was read and planned; nothing is written yet.

    Attributes
    ----------
    source, table, plan
        Where the data are, the encoded data, and what will be done.
    """

    source: Source
    table: Table
    plan: Plan


def prepare(job: JobSpec) -> Ready:
    """Read and plan a job, touching nothing.

    Raises
    ------
    SpecError, DataError
        If it asks for something impossible, or the data cannot be synthesized as they are.
    """
    synthesis = job.synthesis
    if job.gate is not None and job.gate.share is not None:
        synthesis = seeded(synthesis)
    source = Source.of_job(job.model_copy(update={"synthesis": synthesis}))
    table, rows = source.counted()
    if source.holdout is not None:
        synthesis = with_rows_of_the_whole(synthesis, rows)
    plan = build_plan(synthesis, table, methods=methods.registered(), orders=find_orders)
    if source.holdout is not None:
        said = (*source.holdout.events(rows), *plan.events)
        plan = replace(plan, seed_given=job.synthesis.seed is not None, events=said)
    return Ready(source, table, plan)


class InMemory:
    """The pipeline of a job on a table in memory.

    Parameters
    ----------
    job
        From `load_job`.
    ready
        The job as `prepare` left it, if that was done before.
    """

    def __init__(self, job: JobSpec, ready: Ready | None = None) -> None:
        self.job = job
        self.ready = ready or prepare(job)
        self.digest = self.ready.plan.digest
        self.seed = self.ready.plan.seed
        self.remedies: RowRemedies | None = None

    @property
    def planned(self) -> dict[str, Any]:
        """See `job.Pipeline`."""
        return release.public_manifest(self.ready.plan, self.ready.table, ())

    def begin(self, progress: Progress, backend: Backend) -> None:
        """Refuse what does not fit, and report what is planned; see `job.Pipeline`."""
        plan = self.ready.plan
        if backend.memory is not None:
            kinds, distinct = [column.kind for column in plan.columns], plan.donors is not None
            check_memory(kinds, self.ready.table.n, 0, backend.memory, distinct)
        facts = {"rows": plan.n, "columns": len(plan.columns), "m": plan.m}
        progress.planned(digest=self.digest[:8], target=self.job.output.path, **facts)
        progress.unusual(plan.events)

    def synthesize(self, executor: Executor, staging: release.Staging, backend: Backend) -> Synthesized:
        """Write the files of the release; see `job.Pipeline`."""
        source, table, plan = self.ready.source, self.ready.table, self.ready.plan
        output, progress = self.job.output, executor.progress
        shape = outline(table)
        copies = copied(output.formats, table, max(partition.k for partition in plan.partitions), output.flag_name)
        schema, records = release.output_schema(plan, table, output.flag_name), Records(staging.path)
        sink = PartSink(staging, schema, shape, copies, records, self.remedies)
        writer = Writer(sink)
        done = writer.take_up(plan, progress)
        ensure_compiled(plan, progress.note)
        data = replace(source, digest=table.digest()) if backend.on_cluster else table
        writer.written.extend(run_plan(plan, data, executor, sink=sink, done=done))
        return Synthesized(writer, plan, table, shape, tally(table, shape), source.describe(), bool(done))


def run_plan(
    plan: Plan,
    data: Table | Source,
    executor: Executor,
    *,
    sink: Sink | None = None,
    done: Collection[tuple[int, int]] = (),
    starts: Mapping[tuple[int, int], Completed] | None = None,
) -> list[Any]:
    """Run a plan and return what its draws gave, by partition and imputation.

    Parameters
    ----------
    plan
        What to do.
    data
        The table it was made for, or where workers read it.
    executor
        Runs the tasks. The result does not depend on it.
    sink
        Takes each finished partition as a frame, where it was drawn; None: the result is `DrawnSet`s.
    done
        Imputation and partition of the sets that are there already.
    starts
        Where earlier chains ended, by imputation and partition: they go on from there.

    Raises
    ------
    ReplicantError
        Whatever goes wrong in a task, with its type.
    """
    tasks = remaining(plan, done)
    if not tasks:
        return []
    if isinstance(data, Source):
        tasks = (Task("table", "load", units=0), *tasks)
    detail = f"on {executor.workers} {executor.noun}" if executor.workers > 1 else ""
    reported: set[str] = set()
    for _ in range(ATTEMPTS):
        try:
            results = dict(
                executor.run(
                    "synthesizing",
                    CALLS,
                    Shared(plan, data if isinstance(data, Source) else None, sink, starts),
                    tasks,
                    given=None if isinstance(data, Source) else {"table": executor.sent(data)},
                    seconds=plan.seconds_estimate,
                    detail=detail,
                    reported=reported,
                )
            )
        except LostError:
            continue
        return [one for task in tasks if task.kind == "draw" for one in results[task]]
    raise RunError(
        f"The table was lost with its workers {ATTEMPTS} times.",
        fix="give workers more memory, or give the data as a path that every worker can read",
    )


def ensure_compiled(plan: Plan, notify: Callable[[str], None]) -> None:
    """Compile the kernel, if the plan needs it and it is not in the cache yet.

    Done before any task, so that threads and workers find it in the cache and none of them waits in silence.

    Parameters
    ----------
    plan
        What will be run.
    notify
        Gets a line before a compilation starts, and nothing otherwise.
    """
    trees = [column for column in plan.columns if column.uses_trees]
    if not trees:
        return
    from replicant.trees.compile import Use
    from replicant.trees.compile import ensure_compiled as compile_kernel

    use = Use.TREES | Use.NEW_ROWS
    if plan.exclude_self or plan.rules:
        use |= Use.CONDITIONS
    if plan.donors is not None:
        use |= Use.DISTINCT
    methods = [plan.cart, *(column.declaration.method for column in trees)]
    if any(getattr(method, "minbucket", None) == "auto" for method in methods):
        use |= Use.LEAF_ROWS
    if any(getattr(method, "leaf_weights", "equal") == "regression" for method in methods):
        use |= Use.LEAF_WEIGHTS
    if any(getattr(method, "protects", False) for method in methods):
        use |= Use.PROTECTION
    compile_kernel(notify, use)
