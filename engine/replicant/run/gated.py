"""A release that has to pass a gate: written to the internal folder, judged there, and put at its target if it passes.

    synthesize ──> candidate ──> judge ──> promote, or withhold
                      ^             │
                      └── remedy <──┘

The candidate is a whole release, `<internal>/withheld`, which its owner alone can read. It stays there until it passes,
until somebody decides otherwise, or until another candidate replaces it. A run that stops on the way finds it
there and judges it again. `promote` alone puts it at its target, with the record of the gate in both manifests.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.errors import ReleaseError, ReplicantError, SpecError, WithheldError, nearest
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing
from replicant.gate.limits import check_limits, check_tier
from replicant.gate.verdict import Override, Verdict
from replicant.run.chunks import FileChunks
from replicant.run.holdout import Holdout
from replicant.run.job_result import JobResult
from replicant.run.partial_results import Records
from replicant.run.resumable import document_of
from replicant.run.source import Source, dataset_of
from replicant.storage.filesystem import is_url
from replicant.storage.folder import MANIFEST, SUCCESS
from replicant.storage.open import open_folder

if TYPE_CHECKING:
    from replicant.run.job import Pipeline
    from replicant.spec.gate import GateSpec
    from replicant.spec.models import JobSpec

__all__ = ["WITHHELD", "Candidate", "begun_at", "judge", "promote", "release_anyway", "run_gated", "write_candidate"]

WITHHELD = "withheld"
"""Folder of the candidate in the internal folder."""


@dataclass(frozen=True)
class Candidate:
    """A release that is not at its target yet.

    Attributes
    ----------
    target, internal
        Where it is to go, and the folder of its internal manifest.
    """

    target: str
    internal: str

    @classmethod
    def of_job(cls, job: JobSpec) -> Candidate:
        """That of a job."""
        target, internal = job.output.path, job.output.internal_path
        paths = (one if is_url(one) else os.path.abspath(one) for one in (target, internal))
        return cls(*paths)

    @property
    def path(self) -> str:
        """Where the candidate lies."""
        return f"{self.internal.rstrip('/')}/{WITHHELD}"

    @property
    def records(self) -> Records:
        """Beside it: its internal manifest, and its job as a document."""
        return Records(self.path, "-internal")

    def manifests(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The public and the internal one; None if there is no whole candidate.

        Raises
        ------
        ReleaseError
            If it cannot be read.
        """
        folder, inner = open_folder(self.path), self.records.folder
        folder.unseal()  # of a run that was killed on the last step
        names = folder.files() if folder.exists() else {}
        if MANIFEST not in names or SUCCESS not in names or MANIFEST not in (inner.files() if inner.exists() else {}):
            return None
        public = release.parse_manifest(folder.read(MANIFEST))
        try:
            secret: dict[str, Any] = json.loads(inner.read(MANIFEST))
        except ValueError:
            return None
        return (public, secret) if secret.get("files") == public["files"] else None

    def remove(self) -> None:
        """Remove the candidate and what lies beside it."""
        open_folder(self.path).remove()
        self.records.folder.remove()


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
    check_limits(check_tier(job.gate.tier), job.gate.said_limits)
    candidate = Candidate.of_job(job)
    if not open_folder(candidate.path).moves_to(open_folder(candidate.target)):
        release.check_target(candidate.target, digest=pipeline.digest, overwrite=overwrite, internal=candidate.internal)
    done = write_candidate(job, pipeline, backend, overwrite=overwrite, progress=progress, timing=timing)
    progress.note(f"the gate judges the release (tier {job.gate.tier})")
    with timing.measuring("judging"):
        verdict = judge(job, candidate, pipeline.seed, threads=backend.threads)
    done = replace(done, gate=verdict.as_dict())
    if verdict.failed:
        _enter(candidate, verdict)
        return replace(done, target=candidate.path, wanted=candidate.target)
    promote(candidate, verdict.public_dict(), verdict.as_dict(), overwrite=overwrite)
    return replace(done, target=job.output.path, internal=job.output.internal_path)


def write_candidate(
    job: JobSpec,
    pipeline: Pipeline,
    backend: Backend,
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
    overwrite
        Whether a release at the job's target is replaced in the end.

    Raises
    ------
    ReplicantError
        As `run_job`.
    """
    from replicant.run.job import write_release

    candidate = Candidate.of_job(job)
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
    real, holdout = _tables(job, said, seed)
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
        effort=said.effort,
        seed=seed,
        threads=threads,
    )
    if said.share is not None and verdict.holdout is not None:
        verdict = replace(verdict, holdout={"share": said.share, **verdict.holdout})
    return verdict


def _tables(job: JobSpec, said: GateSpec, seed: int) -> tuple[Any, Any]:
    """The real rows that were synthesized, and others."""
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


def promote(
    candidate: Candidate, public_record: Mapping[str, Any], record: Mapping[str, Any], *, overwrite: bool = False
) -> None:
    """Put a candidate at its target, with the record of the gate in both manifests.

    Parameters
    ----------
    candidate
        A whole release.
    public_record, record
        What goes into the public and the internal manifest.
    overwrite
        Whether to replace a release that is there.

    Raises
    ------
    ReleaseError
        If something is in the way, or cannot be written. The candidate is then still there.
    """
    there = candidate.manifests()
    if there is None:
        raise ReleaseError(f"There is no whole release at {candidate.path}.", fix="run the job again")
    public, secret = (
        {**manifest, "gate": dict(said)} for manifest, said in zip(there, (public_record, record), strict=True)
    )
    secret.pop("gate_public", None)
    staging = release.Staging(candidate.target, candidate.path, candidate.internal, overwrite=overwrite)
    if not open_folder(candidate.path).can_move_to(open_folder(candidate.target)):
        staging = _copied(candidate, staging, str(secret["digest"]))
    release.commit(staging, release.files_of(public), public, secret)
    candidate.remove()


def _copied(candidate: Candidate, staging: release.Staging, digest: str) -> release.Staging:
    """The candidate copied beside its target, which is on another disk or in another store."""
    near = open_folder(release.staging_folder(candidate.target, digest))
    near.unseal()
    near.make(private=True)
    away = open_folder(candidate.path)
    for name in away.files():
        if name not in (MANIFEST, SUCCESS):
            near.write(name, away.read(name))
    return replace(staging, path=near.url)


def release_anyway(
    target: str,
    *,
    overrides: Sequence[str],
    reason: str,
    by: str,
    internal: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Put a release that the gate withholds at its target, by decision of a person.

    Parameters
    ----------
    target
        Where it was to go.
    overrides
        The checks that failed, each of them.
    reason, by
        Why, and who decides.
    internal
        Its internal folder; None for `<target>-internal`.
    overwrite
        Whether to replace a release that is there.

    Returns
    -------
    dict
        The record of the gate, as in the internal manifest.

    Raises
    ------
    SpecError
        Nothing is withheld, a check did not fail, one that failed is not named, or reason or name are lacking.
    ReleaseError
        It cannot be put there.
    """
    location = target.rstrip("/")
    candidate = Candidate(
        location if is_url(location) else os.path.abspath(location), internal or f"{location}-internal"
    )
    there = candidate.manifests()
    record = None if there is None else there[1].get("gate")
    if there is None or record is None:
        lost = open_folder(candidate.path).exists() and there is None
        raise SpecError(
            f"the internal manifest of what is withheld at {candidate.path} is gone"
            if lost
            else f"nothing is withheld from {target}",
            need=f"a release in {candidate.path} that the gate has judged",
            fix="run the job again" + ("" if internal else ", or name its internal folder: --internal FOLDER"),
        )
    failed = [one["check"] for one in record["checks"] if one["verdict"] == "failed"]
    for name in overrides:
        if name not in failed:
            raise SpecError(
                f"{name!r} is no check that failed{nearest(name, failed)}", need=f"each of {', '.join(failed)}"
            )
    lacking = [name for name in failed if name not in overrides]
    if lacking:
        raise SpecError(
            f"{', '.join(lacking)} failed, too",
            need="a decision on each check that failed",
            fix=" ".join(f"--override {name}" for name in failed),
        )
    for word, text in (("reason", reason), ("name", by)):
        if not text.strip():
            raise SpecError(
                f"an override without a {word}",
                need="why, and who decides: both stand in the manifests",
                fix='--reason "..." --by NAME',
            )
    day = dt.datetime.now(dt.UTC).date().isoformat()
    said = [asdict(Override(name, reason.strip(), by.strip(), day)) for name in failed]
    records = [_overridden(one, said) for one in (there[1]["gate_public"], record)]
    promote(candidate, *records, overwrite=overwrite)
    return records[1]


def _overridden(record: Mapping[str, Any], said: list[dict[str, Any]]) -> dict[str, Any]:
    checks = [{**one, "verdict": "overridden"} if one["verdict"] == "failed" else one for one in record["checks"]]
    return {**record, "verdict": "overridden", "checks": checks, "overrides": said}


def withheld_error(record: Mapping[str, Any], target: str) -> WithheldError:
    """What a run that ends with a release withheld says."""
    failed = [one for one in record["checks"] if one["verdict"] == "failed"]
    reasons = "; ".join(f"{one['check']}: {one['why']}" for one in failed)
    options = " ".join(f"--override {one['check']}" for one in failed)
    return WithheldError(
        f"The gate withholds the release (tier {record['tier']}). {reasons}.",
        need="a release that no check fails",
        fix=f'protect more, or decide otherwise: replicant release {target} {options} --reason "..." --by NAME',
    )


def begun_at(location: str) -> dict[str, Any] | None:
    """The `job`, `digest` and `overwrite` of a gated run that has not come to its end; None if there is none.

    Parameters
    ----------
    location
        Where its release is to go, or its candidate.
    """
    for path in (f"{location.rstrip('/')}-internal/{WITHHELD}", location):
        try:
            said = Records(path, "-internal").document()
        except ReplicantError:
            continue
        if said is not None:
            return said
    return None
