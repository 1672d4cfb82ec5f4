"""Taking up a job where it stopped: a release or a study, by the folder that it was to write."""

from __future__ import annotations

from replicant import release
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run.candidate import Candidate, begun_at
from replicant.run.checkpoint import partial_of
from replicant.run.job import run_job
from replicant.run.job_result import JobResult
from replicant.run.release_writer import settled, sweep, unfinished
from replicant.run.study import StudyJobResult, resume_study
from replicant.spec.models import JobSpec
from replicant.storage.filesystem import is_url

__all__ = ["resume"]


def resume(
    location: str, backend: Backend | None = None, progress: Progress | None = None
) -> JobResult | StudyJobResult:
    """Complete an interrupted job.

    Parameters
    ----------
    location
        Its `output.path`.
    backend, progress
        As for `run_job`.

    Raises
    ------
    SpecError
        If there is nothing to resume.
    ReleaseError
        If data, settings or version are no longer those it was begun with.
    """
    swept = sweep(location)
    begun = None if not is_url(location) and partial_of(location).is_dir() else unfinished(location)
    begun = begun or begun_at(location)
    if begun is None:
        # A run that was killed, or asked to end, while it tidied up: there is nothing else left to do.
        files = release.standing(location) if swept else None
        if files is not None:
            return JobResult(location, f"{location}-internal", tuple(files), (), {})
        return resume_study(location, backend, progress=progress)
    job, digest = JobSpec.model_validate(begun["job"]), str(begun["digest"])
    # What a gate has let out comes from another folder, which nobody else writes to.
    tidy = settled if job.gate is None else release.settle
    files = tidy(job.output.path, digest=digest, internal=job.output.internal_path)
    if files is not None:
        if job.gate is not None:
            Candidate.of_job(job).remove()
        return JobResult(job.output.path, job.output.internal_path, tuple(files), (), {})
    return run_job(job, backend, begun=digest, overwrite=bool(begun.get("overwrite")), progress=progress)
