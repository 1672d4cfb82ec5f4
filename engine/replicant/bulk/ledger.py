"""The internal index of a bulk: what it was made of, and what became of each release, reasons and all."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from replicant.errors import ReleaseError
from replicant.plan.seeds import derived_seed
from replicant.release.bulk_index import FORMAT, INDEX
from replicant.spec.bulk import BulkJob, BulkRelease
from replicant.spec.expand import expand
from replicant.storage.folder import Folder
from replicant.storage.open import open_folder

__all__ = ["Ledger", "begun_at", "known_fingerprints", "seeded"]


@dataclass(frozen=True)
class Ledger:
    """The internal index, a folder beside the bulk's."""

    folder: str

    @property
    def internal(self) -> Folder:
        """Where it is."""
        return open_folder(f"{self.folder}-internal")

    def read(self) -> dict[str, Any]:
        """The internal index; empty if there is none, or it is damaged.

        Raises
        ------
        ReleaseError
            If it is of another format: what it says of seeds would be lost.
        """
        try:
            found = json.loads(self.internal.read(INDEX))
        except (ReleaseError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        if found.get("format") != FORMAT:
            raise ReleaseError(
                f"The internal index at {self.internal.url} is not in the format {FORMAT}.",
                need="an index that this version of replicant can read",
                fix="run the bulk with the version that wrote it; or move that folder away, and set a seed",
            )
        return found

    def write(self, name: str, content: bytes) -> None:
        self.internal.write(name, content, private=True)


def begun_at(folder: str) -> BulkJob | None:
    """The bulk whose folder this is, from its internal index; None if it is that of none.

    Raises
    ------
    SpecError
        If its document does not hold any more.
    """
    said = Ledger(open_folder(folder).url).read()
    if not said.get("document"):
        return None
    return expand(said["document"], base=str(said["base"]), source="the bulk's document")


def seeded(bulk: BulkJob) -> tuple[int, tuple[BulkRelease, ...]]:
    """The bulk's seed (given, or drawn by its first run) and its releases, each with a seed of its own.

    A release's seed is made of the bulk's and the release's name, so that others may come and go.
    """
    given = (bulk.document.get("synthesis") or {}).get("seed")
    kept = Ledger(bulk.folder).read().get("seed") if given is None else given
    drawn = int(kept) if kept is not None else secrets.randbits(127)

    def own(release: BulkRelease) -> BulkRelease:
        synthesis = release.job.synthesis
        seed = derived_seed(drawn if synthesis.seed is None else synthesis.seed, release.name)
        job = release.job.model_copy(update={"synthesis": synthesis.model_copy(update={"seed": seed})})
        return replace(release, job=job)

    return drawn, tuple(own(release) for release in bulk.releases)


def known_fingerprints(bulk: BulkJob) -> dict[str, str | None]:
    """By name, what was noted of the input of every release when it was made."""
    entries = Ledger(bulk.folder).read().get("releases", ())
    return {str(entry["name"]): entry.get("fingerprint") for entry in entries if isinstance(entry, dict)}
