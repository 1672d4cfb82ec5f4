"""Whether a release of a bulk is up to date, by its two manifests and the names, sizes and times of its input."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any

import replicant
from replicant.errors import ReleaseError
from replicant.release.bulk_index import Facts, facts
from replicant.release.manifest import plain
from replicant.spec.models import JobSpec
from replicant.storage.folder import MANIFEST
from replicant.storage.location import Location
from replicant.storage.open import open_folder

__all__ = ["Judgement", "State", "fingerprint_of", "judge"]


class State(StrEnum):
    """What a release is to its job."""

    MISSING = "missing"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    UNSURE = "unsure"
    """The input was written since; only its content can tell whether it changed."""
    FOREIGN = "foreign"
    """Something is there that this bulk did not make."""


@dataclass(frozen=True)
class Judgement:
    """What was found.

    Attributes
    ----------
    state
        The verdict.
    why
        In a few words.
    digest
        Of the plan that the release was made by, if one is there.
    facts
        Of the release that is there, if it is whole.
    """

    state: State
    why: str
    digest: str = ""
    facts: Facts | None = None


def judge(job: JobSpec, fingerprint: str | None, known: str | None) -> Judgement:
    """Compare a release with the job that it should be of.

    Parameters
    ----------
    job
        With its seed.
    fingerprint
        Of its input as it is, from `fingerprint_of`; None if there is none.
    known
        The same as it was when the release was made, if that is known.

    Raises
    ------
    ReleaseError
        If something there cannot be read.
    """
    folder = open_folder(job.output.path)
    if not folder.files():
        return Judgement(State.MISSING, "not there")
    secret = _internal(job)
    if secret is None:
        return Judgement(State.FOREIGN, "not made by this bulk")
    found = facts(job.output.path)
    digest = str(secret.get("digest", ""))
    if found is None:
        return Judgement(State.CHANGED, "damaged", digest)
    public = json.loads(folder.read(MANIFEST))
    if public["files"] != secret.get("files"):
        return Judgement(State.FOREIGN, "not made by this bulk", digest, found)
    if secret.get("versions", {}).get("replicant") != replicant.__version__:
        return Judgement(State.CHANGED, "version", digest, found)
    if _settings(plain(job)) != _settings(secret.get("spec")):
        return Judgement(State.CHANGED, "settings", digest, found)
    if fingerprint is not None and fingerprint == known:
        return Judgement(State.UNCHANGED, "up to date", digest, found)
    # In partitions the digest of the run is of files and times, as the fingerprint is, and decides no more than that.
    return Judgement(State.UNSURE if job.synthesis.partition_rows is None else State.CHANGED, "data", digest, found)


def fingerprint_of(job: JobSpec) -> str | None:
    """A digest of names, sizes and times (or a store's tags) of the input's files; None where a store gives no tags.

    Raises
    ------
    SpecError, DataError
        If the input cannot be found.
    """
    facts: list[Any] = [job.input.path, job.input.dataset]
    if job.input.path is None:
        facts.append(version("statsmodels"))
    else:
        location = Location.of(job.input.path)
        location.check_exists()
        for path in location.files() if location.is_folder else [location.path]:
            size, tag = location.fingerprint(path)
            if not tag:
                return None
            facts.append((path, size, tag))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _internal(job: JobSpec) -> dict[str, Any] | None:
    try:
        found = json.loads(open_folder(job.output.internal_path).read(MANIFEST))
    except (ReleaseError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _settings(spec: Any) -> Any:
    """What of a job decides its release, but for the content of its input: not where anything lies."""
    said = json.loads(json.dumps(spec))
    for section, keys in (("input", ("path",)), ("output", ("path", "internal")), ("gate", ("earlier",))):
        for key in keys:
            if isinstance(said, dict) and isinstance(said.get(section), dict):
                said[section].pop(key, None)
    return said
