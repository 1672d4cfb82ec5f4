"""Running a study: in this process, in threads, or on a cluster; its blocks summed in their order, and resumable."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from replicant import methods
from replicant.errors import SpecError
from replicant.execution.backend import Backend, usable_cpus
from replicant.execution.executor import Executor, ThreadExecutor
from replicant.execution.failure import guarded
from replicant.execution.processes import ProcessExecutor
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing, peak_bytes
from replicant.plan.task import Task
from replicant.run.checkpoint import Checkpoint
from replicant.run.in_memory import ensure_compiled
from replicant.run.resumable import document_of, resume_hint
from replicant.run.source import Source
from replicant.spec.models import JobSpec
from replicant.studies import Block, Fold, PreparedStudy, Study, StudyResult, design, document, prepare_study
from replicant.table import Table
from replicant.versions import software

__all__ = ["StudyJobResult", "compute", "resume_study", "run_study_job"]

LONG_SECONDS = 15.0
"""A study whose first block tells that the rest takes longer than this gets a process for each CPU."""


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


def _measured(study: Study, timing: Timing, blocks: int, spent: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """How long the blocks took, wherever they were computed: for the report."""
    replicates = min(blocks * study.block, study.spec.replicates)
    sets = sum(variant.plan.m for variant in study.variants)
    there = sum(one.wall * one.workers for one in timing.stages)
    share = min(sum(one.seconds for one in timing.stages) / max(there, 1e-9), 1.0)
    return {
        "seconds": seconds,
        "workers": max((one.workers for one in timing.stages), default=1),
        "replicates_per_second": replicates / seconds,
        "rows_per_second": replicates * sets * study.rows / seconds,
        "task_share": share,
        "overhead_share": 1 - share,
        "seconds_by_stage": dict(spent),
        "peak_memory": max(timing.peak, peak_bytes()),
        "software": software(),
    }


def run_study_job(
    job: JobSpec,
    backend: Backend | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> StudyJobResult:
    """Run a job that is a study, taking up what an interrupted run of the same job left behind.

    Parameters
    ----------
    job
        From `load_job`; it has a `study`.
    backend
        Where it runs. None: this process for a short study, else a process for each CPU. Results do not depend on it.
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
    return _complete(job, kept, backend or Backend(), progress or Progress(), overwrite=overwrite)


def resume_study(
    folder: str,
    backend: Backend | None = None,
    *,
    progress: Progress | None = None,
) -> StudyJobResult:
    """Complete an interrupted study.

    Parameters
    ----------
    folder
        Its `output.path`.
    backend, progress
        As for `run_study_job`; they need not be those it was begun with.

    Raises
    ------
    SpecError
        If there is nothing to resume.
    ReleaseError
        If data or engine are no longer those it was begun with.
    """
    kept, said = Checkpoint.begun_at(folder)
    try:
        job = JobSpec.model_validate(said)
    except ValidationError:
        raise SpecError(f"the job in {str(kept.partial)!r} is no job", fix="run the job again") from None
    # What is at the target now was to be replaced when the study was begun.
    kept.check(overwrite=True)
    return _complete(job, kept, backend or Backend(), progress or Progress(), resuming=True)


def _complete(
    job: JobSpec,
    kept: Checkpoint,
    backend: Backend,
    progress: Progress,
    *,
    overwrite: bool = False,
    resuming: bool = False,
) -> StudyJobResult:
    if job.study is None:
        raise SpecError("the job has no study", need="a section `study`")
    source = Source.of_job(job)
    table = source.load()
    study = design(job.study, job.synthesis, table, methods.registered())
    source = replace(source, digest=table.digest())
    resumable = document_of(job, study.seed)
    facts = {"rows": table.n, "columns": len(table.columns), "replicates": study.spec.replicates}
    progress.planned(digest=study.digest[:8], target=job.output.path, **facts)
    progress.unusual(study.events)
    with (
        kept.open(study.digest, resumable, overwrite=overwrite, resuming=resuming),
        resume_hint(str(kept.target), progress),
    ):
        result = compute(study, table, backend, source=source, checkpoint=kept, progress=progress)
        guarded("results", kept.finish, result)
    progress.measured(result.run)
    return StudyJobResult(job.output.path, result)


def compute(
    study: Study,
    table: Table,
    backend: Backend,
    *,
    source: Source | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Compute a study.

    Parameters
    ----------
    study, table
        From `design`, and the table it was made for.
    backend
        Where it is computed. Nothing chosen: as for `run_study_job`.
    source
        Where workers load the table; None: it is sent to them.
    checkpoint
        Where finished blocks are kept, and may lie already; it is open.
    progress
        What the user sees.
    """
    progress = progress or Progress()
    for variant in study.variants:
        ensure_compiled(variant.plan, progress.note)
    prepared = guarded("study", prepare_study, study, table)
    timing, fold, began = Timing(), Fold(), time.perf_counter()
    spent = {"synthesis": 0.0, "estimation": 0.0}
    before = set()
    for block in [] if checkpoint is None else checkpoint.done():
        tally = checkpoint.load(block) if checkpoint is not None and block < study.blocks else None
        if tally is not None:
            fold.add(block, tally)
            before.add(block)
    todo = [
        Task(f"block-{block}", "block", block, units=len(study.replicates(block)))
        for block in range(study.blocks)
        if block not in before
    ]
    if before:
        progress.note(f"taking up an interrupted study: {len(before)} of {study.blocks} blocks are there")

    def measure(executor: Executor, tasks: Sequence[Task], shared: Any, stage: str = "study", **options: Any) -> None:
        """Run blocks; each is kept as soon as it is there."""
        options["detail"] = f"of {study.spec.replicates} replicates"
        for _, block in executor.run(stage, {"block": _measure}, shared, tasks, **options) if tasks else ():
            if checkpoint is not None:
                checkpoint.save(block.index, block.tally)
            fold.add(block.index, block.tally)
            spent["synthesis"] += block.synthesis
            spent["estimation"] += block.estimation

    cpus = usable_cpus()
    if backend.is_default:
        measure(ThreadExecutor(1, progress, timing), todo[:1], prepared, "first block")
        todo = todo[1:]
        long = bool(todo) and cpus > 1 and timing.stages[0].wall * len(todo) > LONG_SECONDS
        if long:
            measure(ProcessExecutor(cpus, progress, timing), todo, (study, table), prepare=_open)
        else:
            measure(ThreadExecutor(1, progress, timing), todo, prepared)
    else:
        with backend.open(progress, timing) as executor:
            if backend.on_cluster:
                measure(executor, todo, (study, table if source is None else source), prepare=_open)
            else:
                measure(executor, todo, prepared)
    run = _measured(study, timing, study.blocks - len(before), spent, time.perf_counter() - began)
    found = document(study, prepared.heads, fold.total, table.n, len(table.columns))
    return StudyResult(found, run | {"resumed": bool(before)})


def _open(shared: tuple[Study, Table | Source]) -> PreparedStudy:
    study, data = shared
    return prepare_study(study, data if isinstance(data, Table) else data.load())


def _measure(prepared: PreparedStudy, task: Task) -> Block:
    return prepared.measure(task.index)
