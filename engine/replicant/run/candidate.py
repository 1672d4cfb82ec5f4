"""A release that is not at its target yet: where it lies, how it gets there, and who may put it there.

`promote` alone does that, with the record of the gate in both manifests, for what passes and for what a person releases
all the same.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.dossier.sources import WITHHELD
from replicant.dossier.write import write_dossier
from replicant.errors import ReleaseError, ReplicantError, SpecError, WithheldError, nearest
from replicant.gate.verdict import Override
from replicant.run.partial_results import Records
from replicant.storage.filesystem import is_url
from replicant.storage.folder import MANIFEST, SUCCESS
from replicant.storage.open import open_folder

if TYPE_CHECKING:
    from replicant.spec.models import JobSpec

__all__ = ["Candidate", "begun_at", "promote", "release_anyway", "withheld_error"]


@dataclass(frozen=True)
class Candidate:
    """A release that is not at its target yet.

    Attributes
    ----------
    target, internal
        Where it is to go, and the folder of its internal manifest.
    name
        Of its own folder there.
    """

    target: str
    internal: str
    name: str = WITHHELD

    @classmethod
    def of_job(cls, job: JobSpec) -> Candidate:
        """That of a job."""
        target, internal = job.output.path, job.output.internal_path
        paths = (one if is_url(one) else os.path.abspath(one) for one in (target, internal))
        return cls(*paths)

    @property
    def path(self) -> str:
        """Where the candidate lies."""
        return f"{self.internal.rstrip('/')}/{self.name}"

    @property
    def resumed_by(self) -> str:
        """What `resume` finds an interrupted run by."""
        return self.target if self.internal.rstrip("/") == f"{self.target.rstrip('/')}-internal" else self.path

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
    write_dossier(candidate.target, candidate.internal)
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
