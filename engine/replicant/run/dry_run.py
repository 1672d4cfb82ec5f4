"""`run --dry-run`: all that a run does before its first task, and nothing that stays.

The plan of the job as `replicant plan` shows it, and then what only the machine can show: whether the target is free,
may be written to and is not being written to, whether memory is enough, and who is on the cluster. What would end the
run ends the dry run, with the same error and the same exit code.
"""

from __future__ import annotations

import os
import shutil

from replicant import release
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.plan.memory import readable
from replicant.run.checkpoint import Checkpoint, partial_of
from replicant.run.job import check_begun
from replicant.run.partial_results import Records
from replicant.run.preview import Preview, preview
from replicant.run.release_writer import unfinished
from replicant.run.resumable import resume_hint
from replicant.spec.models import JobSpec
from replicant.storage.lock import check_free
from replicant.storage.open import open_folder

__all__ = ["dry_run_job", "dry_run_resume"]

UNKNOWN = "0" * 64
"""Instead of a digest, of a run whose seed is still to be drawn."""


def dry_run_job(
    job: JobSpec,
    backend: Backend | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    begun: str | None = None,
) -> str:
    """See whether a job would run; gives back what it would do, in words.

    Parameters
    ----------
    job, backend, overwrite, progress
        As for `run_job`, or `run_study_job` of a job with a study.
    begun
        Digest of the run that is resumed.

    Raises
    ------
    ReplicantError
        What the run would end with before its first task.
    """
    backend, progress = backend or Backend(), progress or Progress()
    found = preview(job, backend.memory)
    target, study = job.output.path, job.study is not None
    if not study:
        check_begun(found.digest or UNKNOWN, begun)
    # As in the run: what is kept of an interrupted one makes another exit code.
    with resume_hint(target, progress, lambda: not study and unfinished(target) is not None):
        lines = _study(job, found, overwrite, begun) if study else _release(job, found, overwrite)
        lines.append(_workers(found.peak, backend, progress))
    checked = "".join(f"  {line}\n" for line in lines)
    return f"{found}\nChecked\n{checked}\nThe job can run. Nothing was written.\n"


def dry_run_resume(location: str, backend: Backend | None = None, progress: Progress | None = None) -> str:
    """See whether an interrupted job could be completed.

    Parameters
    ----------
    location
        Its `output.path`.
    backend, progress
        As for `dry_run_job`.

    Raises
    ------
    ReplicantError
        What `resume` would end with before its first task.
    """
    said = None if partial_of(location).is_dir() else unfinished(location)
    if said is None:
        kept, document = Checkpoint.begun_at(location)
        job, begun, overwrite = document, kept.digest, True
    else:
        job, begun, overwrite = said["job"], str(said["digest"]), bool(said.get("overwrite"))
    return dry_run_job(JobSpec.model_validate(job), backend, overwrite=overwrite, progress=progress, begun=begun)


def _release(job: JobSpec, found: Preview, overwrite: bool) -> list[str]:
    """Whether a release can be written."""
    target, internal = job.output.path, job.output.internal_path
    digest = found.digest or UNKNOWN
    release.check_target(target, digest=digest, overwrite=overwrite, internal=internal)
    records = Records(release.staging_folder(target, digest))
    check_free(records.folder)
    open_folder(target).check_writable()
    open_folder(f"{internal}/any").check_writable()
    lines = [
        f"{target}: {_state(target)}{_free(target)}",
        f"{internal}: can be written; never share it",
    ]
    kept = unfinished(target)
    if kept is not None and kept.get("digest") == digest:
        lines.append(f"an interrupted run of this job is taken up: {len(records.names())} of its tasks are done")
    elif kept is not None:
        lines.append(f"an interrupted run of another job is there and stays: replicant resume {target} completes it")
    return lines


def _study(job: JobSpec, found: Preview, overwrite: bool, begun: str | None) -> list[str]:
    """Whether the results of a study can be written."""
    kept = Checkpoint(job.output.path)
    kept.check(overwrite)
    there = kept.check_begun(str(found.digest), overwrite=overwrite and begun is None, resuming=begun is not None)
    check_free(open_folder(kept.partial))
    open_folder(kept.target).check_writable()
    lines = [f"{job.output.path}: {_state(job.output.path)}{_free(job.output.path)}"]
    if there is not None and there == found.digest:
        lines.append(f"an interrupted run of this study is taken up: {len(kept.done())} of its blocks are there")
    return lines


def _state(target: str) -> str:
    return "is replaced" if open_folder(target).exists() else "is free and can be written"


def _free(target: str) -> str:
    """Free bytes of a disk, where there is one."""
    if "://" in target:
        return ""
    above = os.path.abspath(target)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    return f"; {readable(shutil.disk_usage(above).free)} are free there"


def _workers(peak: int, backend: Backend, progress: Progress) -> str:
    """Who would do it, and whether their memory is enough."""
    if backend.workers is not None:
        return f"{backend.workers} processes of this machine, {_fits(peak * backend.workers, _installed())}"
    with backend.open(progress) as executor:
        there = executor.check_versions()
        if there is None:
            return f"{executor.workers} threads of this process, {_fits(peak, _installed())}"
    silent = there.workers - there.answered
    busy = f" ({silent} of them too busy to answer)" if silent else ""
    return f"{there.workers} workers{busy} of the versions here, {_fits(peak, there.memory)} each"


def _fits(needed: int, there: int | None) -> str:
    if not there:
        return f"about {readable(needed)}"
    if needed <= there:
        return f"about {readable(needed)} of {readable(there)}"
    return f"about {readable(needed)}, and there are only {readable(there)}: it may end for want of memory"


def _installed() -> int | None:
    """Bytes of memory of this machine, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
