"""Running a study: in this process, in threads, or on a cluster; its blocks summed in their order, and resumable."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from replicant import __version__, methods
from replicant.errors import SpecError
from replicant.run import local
from replicant.run.checkpoint import Checkpoint
from replicant.run.compilation import ensure_compiled
from replicant.run.failure import guarded
from replicant.run.processes import in_processes
from replicant.run.progress import Progress
from replicant.run.resumable import document_of, told
from replicant.run.work import Source
from replicant.spec.models import JobSpec
from replicant.studies import Block, Fold, Room, Study, StudyResult, design, document, open_room
from replicant.table import Table

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["StudyJobResult", "compute", "resume_study", "run_study_job"]

LONG_SECONDS = 15.0
"""A study whose first block tells that the rest takes longer than this gets a process for each CPU."""

Take: TypeAlias = Callable[[Block], None]


@dataclass(frozen=True, repr=False)
class StudyJobResult:
    """What a study's job left behind: the folder, and what it found."""

    target: str
    result: StudyResult

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        run = self.result.run
        done = (
            f"{run['seconds']:.1f} s, {run['rows_per_second']:,.0f} synthetic rows a second, {run['workers']} at work"
        )
        lines = [str(self.result), "", *(f"note: {event}" for event in self.result.document["events"])]
        return "\n".join(
            [
                *lines,
                f"time:      {done}",
                f"results:   {self.target} (results.json, tables/*.parquet)",
                f"report:    {os.path.join(self.target, 'report.html')}",
                "It holds statistics of the confidential data: it is for the data owner.",
            ]
        )


@dataclass(repr=False)
class _Clock:
    """How long the blocks took, wherever they were computed."""

    workers: int = 1
    blocks: int = 0
    synthesis: float = 0.0
    estimation: float = 0.0
    wall: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def take(self, block: Block) -> None:
        self.blocks += 1
        self.synthesis += block.synthesis
        self.estimation += block.estimation

    def said(self, study: Study, resumed: bool) -> dict[str, Any]:
        """For the report."""
        seconds = time.perf_counter() - self.began
        replicates = min(self.blocks * study.block, study.spec.replicates)
        sets = sum(variant.plan.m for variant in study.variants)
        share = (self.synthesis + self.estimation) / max(self.wall * self.workers, 1e-9)
        return {
            "seconds": seconds,
            "workers": self.workers,
            "replicates_per_second": replicates / seconds,
            "rows_per_second": replicates * sets * study.rows / seconds,
            "task_share": min(share, 1.0),
            "overhead_share": max(1 - share, 0.0),
            "seconds_by_stage": {"synthesis": self.synthesis, "estimation": self.estimation},
            "software": {
                "replicant": __version__,
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in ("numpy", "pandas", "scipy", "numba", "distributed")},
            },
            "resumed": resumed,
        }


def run_study_job(
    job: JobSpec,
    *,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    memory: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> StudyJobResult:
    """Run a job that is a study, taking up what an interrupted run of the same job left behind.

    Parameters
    ----------
    job
        From `load_job`; it has a `study`.
    threads, workers, scheduler
        At most one of them. None: this process for a short study, else a process for each CPU. Results do not
        depend on it.
    memory
        Limit of each of the `workers`, in bytes.
    overwrite
        Replace the results of an earlier study, and give up another one that was begun there.
    progress
        What the user sees. None: nothing.

    Raises
    ------
    SpecError, DataError
        If it asks for something impossible, or the data cannot be synthesized as they are.
    ReleaseError
        If the results cannot be written.
    PartialError
        If it stopped on the way: what was finished is kept, and `replicant resume` goes on.
    """
    kept = Checkpoint(job.output.path)
    kept.check(overwrite)
    where = {"threads": threads, "workers": workers, "scheduler": scheduler, "memory": memory}
    return _complete(job, kept, where, progress or Progress(), overwrite=overwrite)


def resume_study(
    place: str,
    *,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> StudyJobResult:
    """Complete an interrupted study.

    Parameters
    ----------
    place
        Its `output.path`.
    threads, workers, scheduler, memory, progress
        As for `run_study_job`; they need not be those it was begun with.

    Raises
    ------
    SpecError
        If there is nothing to resume.
    ReleaseError
        If data or engine are no longer those it was begun with.
    """
    kept, said = Checkpoint.begun_at(place)
    try:
        job = JobSpec.model_validate(said)
    except ValidationError:
        raise SpecError(f"the job in {str(kept.partial)!r} is no job", fix="run the job again") from None
    # What is at the target now was to be replaced when the study was begun.
    kept.check(overwrite=True)
    where = {"threads": threads, "workers": workers, "scheduler": scheduler, "memory": memory}
    return _complete(job, kept, where, progress or Progress(), resuming=True)


def _complete(
    job: JobSpec,
    kept: Checkpoint,
    where: Mapping[str, Any],
    progress: Progress,
    *,
    overwrite: bool = False,
    resuming: bool = False,
) -> StudyJobResult:
    if sum(choice is not None for choice in where.values()) > 1:
        raise SpecError("`threads`, `workers` and `scheduler` exclude each other.", fix="choose one of them")
    if job.study is None:
        raise SpecError("the job has no study", need="a section `study`")
    source = Source.of_job(job)
    table = source.load()
    study = design(job.study, job.synthesis, table, methods.registered())
    source = replace(source, digest=table.digest())
    resumable = document_of(job, study.seed)
    with (
        kept.open(study.digest, resumable, overwrite=overwrite, resuming=resuming),
        told(str(kept.target), progress),
    ):
        result = compute(study, table, source=source, checkpoint=kept, progress=progress, **where)
        guarded("results", kept.finish, result)
    return StudyJobResult(job.output.path, result)


def compute(
    study: Study,
    table: Table,
    *,
    source: Source | None = None,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    memory: int | None = None,
    client: Client | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Compute a study.

    Parameters
    ----------
    study, table
        From `design`, and the table it was made for.
    source
        Where workers load the table; None: it is sent to them.
    threads, workers, scheduler, client
        Where; at most one of them.
    memory
        Limit of each of the `workers`, in bytes.
    checkpoint
        Where finished blocks are kept, and may lie already; it is open.
    progress
        What the user sees.
    """
    progress = progress or Progress()
    ensure_compiled(study.variants[0].plan, progress.note)
    room = guarded("study", open_room, study, table)
    clock, fold = _Clock(), Fold()
    before = set()
    for block in [] if checkpoint is None else checkpoint.done():
        tally = checkpoint.load(block) if checkpoint is not None and block < study.blocks else None
        if tally is not None:
            fold.add(block, tally)
            before.add(block)
    todo = [block for block in range(study.blocks) if block not in before]
    if before:
        progress.note(f"taking up an interrupted study: {len(before)} of {study.blocks} parts are there")

    def take(block: Block) -> None:
        if checkpoint is not None:
            checkpoint.save(block.index, block.tally)
        fold.add(block.index, block.tally)
        clock.take(block)
        progress.advance(len(study.replicates(block.index)))

    processes = 1
    units = sum(len(study.replicates(block)) for block in todo)
    with progress.running(units, f"{study.spec.replicates} replicates"):
        if todo and client is None and threads is None and workers is None and scheduler is None:
            began = time.perf_counter()
            take(guarded(f"block {todo[0]}", room.measure, todo[0]))
            clock.wall = time.perf_counter() - began
            if clock.wall * (len(todo) - 1) > LONG_SECONDS and local.default_threads() > 1:
                processes = local.default_threads()
            todo = todo[1:]
        with _client(client, workers, scheduler, memory, progress) as using:
            began = time.perf_counter()
            if using is not None and todo:
                from replicant.run import cluster_study

                # What was computed here came before; it counts as one worker's.
                clock.workers = cluster_study.run(using, study, table, source, todo, take)
                clock.wall = clock.wall / clock.workers + time.perf_counter() - began
            elif todo:
                clock.workers = threads or processes
                blocks = _here(room, todo, threads or 1)
                if processes > 1:
                    blocks = in_processes(study, table, todo, processes)
                for made in blocks:
                    take(made)
                clock.wall = clock.wall / clock.workers + time.perf_counter() - began
    found = document(study, room.heads, fold.total, table.n, len(table.columns))
    return StudyResult(found, clock.said(study, bool(before)))


def _here(room: Room, todo: Iterable[int], threads: int) -> Iterator[Block]:
    if threads == 1:
        yield from (guarded(f"block {block}", room.measure, block) for block in todo)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads, thread_name_prefix="replicant") as pool:
        try:
            yield from pool.map(lambda block: guarded(f"block {block}", room.measure, block), todo)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _client(
    client: Client | None, workers: int | None, scheduler: str | None, memory: int | None, progress: Progress
) -> Iterator[Client | None]:
    if client is not None or (workers is None and scheduler is None):
        yield client
        return
    from replicant.run import cluster

    opened = (
        cluster.local_cluster(workers, progress, memory=memory)
        if workers
        else cluster.connect(str(scheduler), progress)
    )
    with opened as made:
        yield made
