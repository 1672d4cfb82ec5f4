"""One YAML job, from its input to a finished release: the same life for tables of any size.

hold the target ──> take up what is finished ──> synthesize ──> commit ──> metrics

A job with a gate commits to its internal folder first, and the gate decides what becomes of it: see `gated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from replicant import release
from replicant.errors import ReleaseError
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.execution.progress import Progress
from replicant.execution.scratch import sweep
from replicant.execution.timing import Timing
from replicant.run.in_memory import InMemory, Ready
from replicant.run.job_result import JobResult
from replicant.run.metrics import keep_metrics
from replicant.run.partitioned import PartitionedFiles
from replicant.run.release_writer import Synthesized, finish, is_kept, staged
from replicant.run.resumable import document_of, resume_hint
from replicant.spec.models import JobSpec
from replicant.summaries.summary import conclude

if TYPE_CHECKING:
    from replicant.remedy.rows import RowRemedies

__all__ = ["Pipeline", "check_begun", "pipeline_of", "run_job", "write_release"]


class Pipeline(Protocol):
    """What differs between a table in memory and a larger one: where rows come from, and where partial results go.

    Attributes
    ----------
    digest
        Of all that decides the release.
    seed
        Of all streams.
    remedies
        What is done to rows at risk before they are written.
    planned
        What the release will say of itself; None while that is not known.
    """

    digest: str
    seed: int
    remedies: RowRemedies | None

    @property
    def planned(self) -> Mapping[str, Any] | None: ...

    def begin(self, progress: Progress, backend: Backend) -> None:
        """Report what is planned, and refuse what does not fit, as far as that is known before anything is written."""
        ...

    def synthesize(self, executor: Executor, staging: release.Staging, backend: Backend) -> Synthesized:
        """Write all files of the release to the staging folder, but for those that an interrupted run has finished."""
        ...


def run_job(
    job: JobSpec,
    backend: Backend | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    begun: str | None = None,
    ready: Ready | None = None,
) -> JobResult:
    """Run a job and write its release, whole or not at all; what an interrupted run of it has finished is taken up.

    Parameters
    ----------
    job
        From `load_job`.
    backend
        Where it runs; None for threads on all usable CPUs. The files do not depend on it. A job whose tasks take more
        than its memory is refused.
    overwrite
        Replace a finished release.
    progress
        What the user sees. None: nothing.
    begun
        Digest of the run that is resumed: nothing else will do.
    ready
        The job as `prepare` left it, if that was done before; not of a table that is read in chunks.

    Raises
    ------
    SpecError, DataError
        If it asks for something impossible, or the data cannot be synthesized as they are.
    ReleaseError
        If the release cannot be written, or `begun` is another digest.
    PartialError
        If it stops on the way: what is finished is kept, and `resume` goes on. In every case the target is as it was.
    """
    backend, progress, timing = backend or Backend(), progress or Progress(), Timing()
    sweep()  # of a run on workers that was killed, even if this one has none
    with timing.measuring("reading"):
        pipeline = pipeline_of(job, ready)
    check_begun(pipeline.digest, begun)
    if job.gate is not None:
        from replicant.run.gated import run_gated

        return run_gated(job, pipeline, backend, overwrite=overwrite, progress=progress, timing=timing)
    pipeline.begin(progress, backend)
    to = job.output.path, job.output.internal_path
    return write_release(job, pipeline, backend, *to, overwrite=overwrite, progress=progress, timing=timing)


def write_release(
    job: JobSpec,
    pipeline: Pipeline,
    backend: Backend,
    target: str,
    internal: str,
    *,
    overwrite: bool,
    progress: Progress,
    timing: Timing,
    private: bool = False,
    resumed_by: str | None = None,
) -> JobResult:
    """Synthesize, and write a release to a target, whole or not at all.

    Parameters
    ----------
    job, pipeline
        What is done. It has begun.
    backend, overwrite, progress, timing
        As for `run_job`.
    target, internal
        Where the release goes, and its internal manifest.
    private
        Whether the release is for its owner's eyes only.
    resumed_by
        What `resume` finds the run by; None: the target of the job.

    Raises
    ------
    ReplicantError
        As `run_job`.
    """
    digest = pipeline.digest
    with (
        resume_hint(job.output.path if resumed_by is None else resumed_by, progress, lambda: is_kept(target)),
        staged(
            target,
            digest=digest,
            m=job.synthesis.sets,
            internal=internal,
            overwrite=overwrite,
            job=document_of(job, pipeline.seed),
            private=private,
        ) as staging,
        backend.open(progress, timing) as executor,
    ):
        done = pipeline.synthesize(executor, staging, backend)
        finish(done.writer, done.plan, done.table, helpers=job.output.helpers, spec=job, source=done.source)
    writer, files = done.writer, tuple(done.writer.files)
    keep_metrics(timing, progress, job.output.internal_path, digest=digest, files=files, resumed=done.resumed)
    events = (*done.plan.events, *writer.events(done.plan))
    summary = conclude(done.outline, done.real, writer.tallies(), completed=done.plan.keeps_all)
    return JobResult(target, internal, files, events, summary, timing)


def pipeline_of(job: JobSpec, ready: Ready | None = None) -> Pipeline:
    """What synthesizes a job's table, by its size."""
    return InMemory(job, ready) if job.synthesis.partition_rows is None else PartitionedFiles(job)


def check_begun(digest: str, begun: str | None) -> None:
    """Refuse to resume a run with other data, settings or engine.

    Raises
    ------
    ReleaseError
        If the digests differ.
    """
    if begun is not None and begun != digest:
        raise ReleaseError(
            "Data, settings or version are no longer those that the run was begun with.",
            fix="bring them back, or run the job anew",
        )
