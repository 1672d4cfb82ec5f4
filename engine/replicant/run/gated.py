"""A release that has to pass a gate: written to the internal folder, judged there, and put at its target if it passes.

    synthesize ──> candidate ──> judge ──> promote, or withhold
                      ^             │
                      └── remedy <──┘

The candidate is a whole release, `<internal>/withheld`, which its owner alone can read. It stays there until it passes,
until somebody decides otherwise, or until another candidate replaces it. A run that stops on the way finds it
there and judges it again. `promote` alone puts it at its target, with the record of the gate in both manifests.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.dossier.sources import keep_evaluations
from replicant.dossier.write import write_dossier
from replicant.errors import ReplicantError, SpecError, nearest
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing
from replicant.gate.limits import check_limits
from replicant.gate.verdict import Verdict
from replicant.remedy.ladders import check_work, situation_of
from replicant.run.candidate import Candidate, promote
from replicant.run.chunks import FileChunks
from replicant.run.holdout import Holdout
from replicant.run.job_result import JobResult
from replicant.run.resumable import document_of, resume_hint
from replicant.run.source import Source, dataset_of
from replicant.storage.folder import MANIFEST
from replicant.storage.open import open_folder

if TYPE_CHECKING:
    from replicant.run.job import Pipeline
    from replicant.spec.gate import GateSpec
    from replicant.spec.models import JobSpec

__all__ = ["judge", "run_gated", "tables_of", "write_candidate"]


def run_gated(
    job: JobSpec,
    pipeline: Pipeline,
    backend: Backend,
    *,
    overwrite: bool,
    progress: Progress,
    timing: Timing,
) -> JobResult:
    """Write a candidate, unless it is there already, judge it, and put it at its target if it passes.

    Parameters
    ----------
    job, pipeline, backend, overwrite, progress, timing
        As for `write_release`.

    Returns
    -------
    JobResult
        With the record of the gate. Of a release that is withheld, `.require` raises.

    Raises
    ------
    ReplicantError
        As `run_job`.
    """
    assert job.gate is not None
    check_limits(job.gate.tier, job.gate.said_limits)
    candidate = Candidate.of_job(job)
    if not open_folder(candidate.path).moves_to(open_folder(candidate.target)):
        release.check_target(candidate.target, digest=pipeline.digest, overwrite=overwrite, internal=candidate.internal)
    if (planned := pipeline.planned) is not None:
        _check_names(job.gate, [column["name"] for column in planned["columns"]])
        check_work(job.gate.remedy, situation_of(planned, job.gate.donors, keys=True))
    shown: dict[str, Any] = {"overwrite": overwrite, "progress": progress, "timing": timing}
    done = write_candidate(job, pipeline, backend, candidate, **shown)
    with resume_hint(candidate.resumed_by, progress):
        return _decided(job, pipeline, backend, candidate, done, **shown)


def _check_names(gate: GateSpec, known: Sequence[str]) -> None:
    """Refuse what the gate names and the table does not have before anything is drawn."""
    named = {
        "keys": gate.keys,
        "targets": gate.targets,
        "sensitive": gate.sensitive,
        "pairs": [name for pair in gate.pairs for name in pair],
    }
    for what, names in named.items():
        for name in names or ():
            if name not in known:
                raise SpecError(
                    f"gate.{what} names {name!r}, which is no column of the sets{nearest(name, known)}",
                    need=f"some of {', '.join(list(known)[:20])}",
                )


def _decided(
    job: JobSpec,
    pipeline: Pipeline,
    backend: Backend,
    candidate: Candidate,
    done: JobResult,
    *,
    overwrite: bool,
    progress: Progress,
    timing: Timing,
) -> JobResult:
    """Judge a candidate, and do what follows; a run that stops here is resumed here."""
    assert job.gate is not None
    shown: dict[str, Any] = {"overwrite": overwrite, "progress": progress, "timing": timing}
    progress.note(f"the gate judges the release (tier {job.gate.tier})")
    with timing.measuring("judging"):
        verdict = judge(job, candidate, pipeline.seed, threads=backend.threads)
    if verdict.failed and job.gate.remedy:
        from replicant.run.treating import Judged, treat_candidate

        treated = treat_candidate(job, pipeline, Judged(candidate, done, verdict), backend, **shown)
        done, verdict = treated.done, treated.verdict
    done = replace(done, gate=verdict.as_dict())
    _keep(candidate, verdict)
    if verdict.failed:
        _enter(candidate, verdict)
        _document(candidate, progress, withheld=True)
        return replace(done, target=candidate.path, wanted=candidate.target)
    promote(candidate, verdict.public_dict(), verdict.as_dict(), overwrite=overwrite)
    _document(candidate, progress)
    return replace(done, target=job.output.path, internal=job.output.internal_path)


def write_candidate(
    job: JobSpec,
    pipeline: Pipeline,
    backend: Backend,
    candidate: Candidate,
    *,
    overwrite: bool,
    progress: Progress,
    timing: Timing,
) -> JobResult:
    """Synthesize a job's release as a candidate; one of the same digest is taken as it is.

    Parameters
    ----------
    job, pipeline, backend, progress, timing
        As for `write_release`.
    candidate
        Where it goes.
    overwrite
        Whether a release at the job's target is replaced in the end.

    Raises
    ------
    ReplicantError
        As `run_job`.
    """
    from replicant.run.job import write_release

    there = candidate.manifests()
    if there is not None and there[1].get("digest") == pipeline.digest:
        progress.note("the release is written already, and is judged again")
        return JobResult(candidate.path, candidate.internal, tuple(release.files_of(there[0])), (), {}, timing)
    open_folder(candidate.internal).make(private=True)
    records = candidate.records
    records.folder.make(private=True)
    records.begin({"digest": pipeline.digest, "overwrite": overwrite, "job": document_of(job, pipeline.seed)})
    pipeline.begin(progress, backend)
    return write_release(
        job,
        pipeline,
        backend,
        candidate.path,
        records.folder.url,
        overwrite=True,
        progress=progress,
        timing=timing,
        private=True,
        resumed_by=candidate.resumed_by,
    )


def judge(job: JobSpec, candidate: Candidate, seed: int, *, threads: int | None = None) -> Verdict:
    """The verdict on a candidate, beside the rows that were synthesized and those that were held out.

    Parameters
    ----------
    job
        With a gate.
    candidate
        The release.
    seed
        Of the run: it says which rows were held out.
    threads
        Of this process; None for all usable CPUs.

    Raises
    ------
    DataError, SpecError
        A table cannot be read, or a column that the gate names is not there.
    """
    from replicant.gate.call import gate

    said = job.gate
    assert said is not None
    real, holdout = tables_of(job, seed)
    verdict = gate(
        real,
        release.read_release(candidate.path),
        tier=said.tier,
        holdout=holdout,
        keys=said.keys,
        targets=said.targets,
        sensitive=said.sensitive,
        limits=said.said_limits,
        pairs=said.pairs,
        earlier=said.earlier or None,
        population=said.population,
        rules=job.synthesis.rules,
        indicators=said.indicators,
        effort=said.effort,
        seed=seed,
        threads=threads,
    )
    if said.share is not None and verdict.holdout is not None:
        verdict = replace(verdict, holdout={"share": said.share, **verdict.holdout})
    return verdict


def tables_of(job: JobSpec, seed: int) -> tuple[Any, Any]:
    """The real rows that a job with a gate synthesizes, and others; None where there are no others.

    Parameters
    ----------
    job
        With a gate.
    seed
        Of the run: it says which rows are held out.
    """
    said = job.gate
    assert said is not None
    elsewhere = None
    if isinstance(said.holdout, str):
        elsewhere = replace(Source.of_job(job), path=os.fspath(said.holdout), dataset=None, holdout=None)
    if job.synthesis.partition_rows is not None:
        held_out = None if said.share is None else Holdout(said.share, seed)
        chunks = FileChunks.of(dataset_of(job), held_out)
        real = _loads(chunks, job.synthesis.drop)
        if held_out is not None:
            return real, _loads(replace(chunks, held=True), job.synthesis.drop)
        return real, None if elsewhere is None else elsewhere.load()
    settled = job.model_copy(update={"synthesis": job.synthesis.model_copy(update={"seed": seed})})
    table, held = Source.of_job(settled).halves()
    return table, held if elsewhere is None else elsewhere.load()


def _loads(chunks: FileChunks, drop: Sequence[str]) -> list[Any]:
    return [partial(_read, chunks, at, tuple(drop)) for at, rows in enumerate(chunks.sizes) if rows]


def _read(chunks: FileChunks, at: int, drop: tuple[str, ...]) -> Any:
    return chunks.read(at).drop(columns=list(drop), errors="ignore")


def _enter(candidate: Candidate, verdict: Verdict) -> None:
    """The verdict on a release that stays where it is, in its internal manifest."""
    there = candidate.manifests()
    assert there is not None
    secret = {**there[1], "gate": verdict.as_dict(), "gate_public": verdict.public_dict()}
    candidate.records.folder.write(MANIFEST, release.manifest_bytes(secret), private=True)


def _keep(candidate: Candidate, verdict: Verdict) -> None:
    """What was judged, for the documents."""
    there = candidate.manifests()
    assert there is not None
    found = {"utility": verdict.utility, "disclosure": verdict.disclosure}
    kept = {what: None if one is None else one.as_dict() for what, one in found.items()}
    keep_evaluations(candidate.internal, there[0], kept)


def _document(candidate: Candidate, progress: Progress, *, withheld: bool = False) -> None:
    """Write the documents. The decision stands, whatever becomes of them."""
    try:
        write_dossier(candidate.target, candidate.internal, withheld=withheld)
    except ReplicantError as error:
        again = f"replicant dossier {candidate.target}"
        progress.note(f"the documents of the release are not written: {error.found} Write them again: {again}")
