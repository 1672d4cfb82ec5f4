"""Remedies of a job whose release the gate withholds: each step is a candidate of its own, and the best one stays.

    candidate ──> judge ──> remedy: another candidate, drawn with other settings or with its rows treated ──> judge

Candidates of steps lie beside the first, named after how they were treated. A run that stops on the way finds those
that are finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant import release
from replicant.evaluation.inputs import Inputs, inputs
from replicant.evaluation.rows import RowCells, Rows
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing
from replicant.gate.verdict import Verdict
from replicant.remedy.at_risk import RealRecords
from replicant.remedy.ladders import check_work, situation_of, stronger, swappable
from replicant.remedy.loop import Made, Treatment, treat
from replicant.remedy.rows import RowRemedies
from replicant.run.candidate import Candidate
from replicant.run.gated import judge, tables_of, write_candidate
from replicant.run.job_result import JobResult
from replicant.spec.rule import Rule, parse_kept_rule
from replicant.storage.folder import MANIFEST
from replicant.storage.open import open_folder

if TYPE_CHECKING:
    from replicant.run.job import Pipeline
    from replicant.spec.models import JobSpec

__all__ = ["Judged", "treat_candidate"]


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate, what the run that wrote it gave, and what the gate says of it."""

    candidate: Candidate
    done: JobResult
    verdict: Verdict


@dataclass
class _Run:
    """What all steps share."""

    job: JobSpec
    seed: int
    first: Candidate
    backend: Backend
    overwrite: bool
    progress: Progress
    timing: Timing
    judged: dict[str, Judged] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    given: Inputs | None = None

    def make(self, treatment: Treatment) -> Made[str]:
        """Write the candidate of a treatment, and judge it; it is known by the name of its folder."""
        from replicant.run.job import pipeline_of

        settings = stronger(self.job.synthesis, treatment.settings, self.seed)
        job = self.job.model_copy(update={"synthesis": settings})
        candidate = replace(self.first, name=_name(treatment))
        pipeline = pipeline_of(job)
        pipeline.remedies = self._of_rows(treatment)
        done = write_candidate(
            job,
            pipeline,
            self.backend,
            candidate,
            overwrite=self.overwrite,
            progress=self.progress,
            timing=self.timing,
        )
        self.judged[candidate.name] = Judged(candidate, done, self._judge(job, candidate))
        there = candidate.manifests()
        assert there is not None
        public, secret = there
        counts = secret.get("treated")
        if treatment.rows and counts:
            return Made(candidate.name, counts["rows"], counts["cells"])
        rows = sum(one["rows"] for one in public["files"])
        return Made(candidate.name, rows, rows * len(public["columns"]))

    def _judge(self, job: JobSpec, candidate: Candidate) -> Verdict:
        with self.timing.measuring("judging"):
            return judge(job, candidate, self.seed, threads=self.backend.threads)

    def _of_rows(self, treatment: Treatment) -> RowRemedies | None:
        """What is done to rows, by the real records and by how the first candidate's cells become codes."""
        if not treatment.rows:
            return None
        real, holdout = tables_of(self.job, self.seed)
        given = inputs(real, release.read_release(self.first.path), holdout)
        records = RealRecords.of(given.real, given.coding, self.known.get("keys", ()), self.known.get("targets", ()))
        rules = [parse_kept_rule(text) for text in self.job.synthesis.rules]
        checked = [rule for rule in rules if set(rule.names) <= set(given.coding.names)]
        columns = swappable(given.manifest)
        return RowRemedies(
            treatment.rows, records, given.coding, columns, self.seed, partial(_broken, checked) if checked else None
        )


def treat_candidate(
    job: JobSpec,
    pipeline: Pipeline,
    judged: Judged,
    backend: Backend,
    *,
    overwrite: bool,
    progress: Progress,
    timing: Timing,
) -> Judged:
    """Try the remedies of a job's gate until it passes, or none helps.

    Parameters
    ----------
    job, pipeline, backend, overwrite, progress, timing
        As for `run_gated`.
    judged
        The candidate that the job asks for, which is withheld.

    Returns
    -------
    Judged
        The best candidate, with all steps in the record of its verdict. It lies where the first one lay.

    Raises
    ------
    ReplicantError
        As `run_job`.
    """
    assert job.gate is not None
    found = judged.verdict.disclosure
    run = _Run(job, pipeline.seed, judged.candidate, backend, overwrite, progress, timing)
    run.judged[judged.candidate.name] = judged
    run.known = {} if found is None else found.settings
    there = judged.candidate.manifests()
    assert there is not None
    situation = situation_of(there[0], job.gate.donors, keys=bool(run.known.get("keys")))
    check_work(job.gate.remedy, situation)
    outcome = treat(
        judged.candidate.name,
        judged.verdict,
        job.gate.remedy,
        situation,
        make=run.make,
        judge=lambda name: run.judged[name].verdict,
        note=progress.note,
    )
    best = run.judged[outcome.sets]
    verdict = replace(best.verdict, remedies=tuple(step.as_dict() for step in outcome.steps))
    if best.candidate != judged.candidate:
        # Under the first one's name it is found by whoever decides, and by a run that goes on.
        open_folder(best.candidate.path).replace(judged.candidate.path, overwrite=True, private=True)
        secret = best.candidate.records.folder.read(MANIFEST)
        judged.candidate.records.folder.write(MANIFEST, secret, private=True)
    for one in run.judged.values():
        if one.candidate != judged.candidate:
            one.candidate.remove()
    return Judged(judged.candidate, best.done, verdict)


def _name(treatment: Treatment) -> str:
    """The folder of a treated candidate."""
    text = json.dumps([treatment.settings, treatment.rows], sort_keys=True)
    return f"treated-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _broken(rules: list[Rule], rows: Rows) -> NDArray[np.bool_]:
    """(n,) rows that break a rule."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for rule in rules:
        found |= np.broadcast_to(rule.decided(RowCells(rows))[1], found.shape)
    return found
