"""One YAML job, from its input to a finished release."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from replicant import methods, release
from replicant.errors import ReleaseError
from replicant.events import Event
from replicant.execution.backend import Where
from replicant.execution.progress import Progress
from replicant.execution.scratch import sweep
from replicant.execution.timing import Effort
from replicant.plan import Plan, build_plan
from replicant.plan.memory import check_memory
from replicant.run.compilation import ensure_compiled
from replicant.run.metrics import keep_metrics
from replicant.run.planned import run_plan
from replicant.run.release_writer import is_kept, writing
from replicant.run.resumable import document_of, told
from replicant.run.work import Source
from replicant.spec.models import JobSpec
from replicant.storage.folder import COPIES
from replicant.table import Table

__all__ = ["JobResult", "Ready", "check_begun", "prepare", "run_job"]


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


@dataclass(frozen=True, repr=False)
class JobResult:
    """What a job left behind.

    Attributes
    ----------
    target, internal
        Where the release is, and the folder of its internal manifest.
    files
        Those of the release, but for the manifest.
    events
        What was unusual, and what was done about it.
    summary
        Each column's mean or shares, real beside synthetic, as `summarise` gives them; empty if all that was
        left to do was to tidy up.
    effort
        What its passes took.
    """

    target: str
    internal: str
    files: tuple[release.Record, ...]
    events: tuple[Event, ...]
    summary: dict[str, Any]
    effort: Effort = field(default_factory=Effort)

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats in which there are copies."""
        return tuple(dict.fromkeys(file.format for file in self.files if isinstance(file, release.Copy)))

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        from replicant.report import terminal

        size = sum(file.bytes for file in self.files)
        lines = [terminal.render(self.summary).rstrip(), ""] if self.summary else []
        lines += [event.line() for event in self.events]
        lines += [
            f"release:   {self.target} ({len(self.files)} files, {size:,} bytes)",
            *(f"script:    {self.target}/{file.path}" for file in self.files if isinstance(file, release.Helper)),
            *(f"copies:    {self.target}/{COPIES}/{form}" for form in self.formats),
            f"internal:  {self.internal} (seed and hashes: never share it)",
            f"verify it: replicant verify {self.target}",
        ]
        return "\n".join(lines)


def prepare(job: JobSpec) -> Ready:
    """Read and plan a job, touching nothing.

    Raises
    ------
    SpecError, DataError
        If it asks for something impossible, or the data cannot be synthesized as they are.
    """
    source = Source.of_job(job)
    table = source.load()
    return Ready(source, table, build_plan(job.synthesis, table, methods=methods.registered()))


def run_job(
    job: JobSpec,
    *,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    memory: int | None = None,
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
    threads, workers, scheduler
        Threads in this process, worker processes of a local cluster, or the address of a Dask scheduler; at most one.
        None of them: threads on all usable CPUs. The files do not depend on it.
    memory
        Bytes that one process may take: a job whose pieces take more is refused, and it is the limit of `workers`.
    overwrite
        Replace a finished release.
    progress
        What the user sees. None: nothing.
    begun
        Digest of the run that is resumed: nothing else will do.
    ready
        The job as `prepare` left it, if that was done before; not of a table in parts.

    Raises
    ------
    SpecError, DataError
        If it asks for something impossible, or the data cannot be synthesized as they are.
    ReleaseError
        If the release cannot be written, or `begun` is another digest.
    PartialError
        If it stops on the way: what is finished is kept, and `resume` goes on. In every case the target is as it was.
    """
    where = Where(threads=threads, workers=workers, scheduler=scheduler, memory=memory)
    progress = progress or Progress()
    sweep()  # of a run on workers that was killed, even if this one has none
    if job.input.part_rows is not None:
        from replicant.run.parted import run_parted

        with where.opened(progress) as client:
            settings: dict[str, Any] = {"overwrite": overwrite, "progress": progress, "begun": begun}
            return run_parted(job, client=client, threads=where.hands, memory=memory, **settings)
    effort = Effort()
    with effort.running("reading", 1):
        ready = ready or prepare(job)
    check_begun(ready.plan.digest, begun)
    if memory is not None:
        check_memory([column.kind for column in ready.plan.columns], ready.table.n, 0, memory)
    target, internal = job.output.path, job.output.internal_path
    plan = ready.plan
    progress.planned(digest=plan.digest[:8], target=target, rows=plan.n, columns=len(plan.columns), m=plan.m)
    progress.odd(plan.events)
    with (
        told(target, progress, lambda: is_kept(target)),
        writing(
            ready.plan,
            ready.table,
            target,
            internal=internal,
            overwrite=overwrite,
            count=True,
            copies=job.output.formats,
            helpers=job.output.helpers,
            spec=job,
            source=ready.source.describe(),
            job=document_of(job, ready.plan.seed),
        ) as writer,
    ):
        skip = writer.take_up(ready.plan, progress)
        common: dict[str, Any] = {"sink": writer.sink, "progress": progress, "skip": skip, "effort": effort}
        ensure_compiled(ready.plan, progress.note)
        with where.opened(progress) as client:
            data = ready.table if client is None else replace(ready.source, digest=ready.table.digest())
            made = run_plan(ready.plan, data, client=client, threads=threads, **common)
        writer.written.extend(made)
    files = tuple(writer.files)
    keep_metrics(effort, progress, internal, digest=plan.digest, files=files, resumed=bool(skip))
    return JobResult(target, internal, files, (*plan.events, *writer.events), writer.summary(ready.table), effort)


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
