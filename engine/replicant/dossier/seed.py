"""Destroying the seed of a release: nobody can then repeat its synthesis, its owner included."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Any

from replicant.dossier.sources import read_sources
from replicant.dossier.write import write_dossier
from replicant.errors import ReleaseError
from replicant.storage.folder import MANIFEST
from replicant.storage.open import open_folder

__all__ = ["destroy_seed"]


def destroy_seed(target: str | os.PathLike[str], internal: str | os.PathLike[str] | None = None) -> list[str]:
    """Remove the seed of a release from its internal manifest and from every record beside it.

    The board's documents are written again, without it. Old content of a disk, backups and versions that an object
    store keeps are beyond reach.

    Parameters
    ----------
    target, internal
        The release, and the folder of its internal manifest; `<target>-internal` unless given.

    Returns
    -------
    list
        What was done, and what can no longer be done, in lines.

    Raises
    ------
    ReleaseError
        If there is no release or no internal manifest, or something cannot be read or written.
    """
    sources = read_sources(target, internal)
    if sources.withheld:
        raise ReleaseError(
            f"There is no release at {sources.target}: its gate withholds it, and it may have to be drawn again.",
            fix="decide on it first: run the job again, or release it by `replicant release`",
        )
    if sources.secret is None:
        raise ReleaseError(
            f"There is no internal manifest in {sources.internal}: no seed is recorded there.",
            fix="say where the internal folder is: `--internal FOLDER`",
        )
    if gone := sources.secret.get("seed_destroyed"):
        return [f"The seed was destroyed on {gone} already."]
    folder = open_folder(sources.internal)
    changed = []
    for name in sorted(folder.files(), key=lambda name: name == MANIFEST):  # the manifest last: it says that it is done
        if not name.endswith(".json"):
            continue
        try:
            document = json.loads(folder.read(name))
        except ValueError:
            continue  # not one of ours
        bare = _without(document)
        if name == MANIFEST:
            bare["seed_destroyed"] = dt.datetime.now(dt.UTC).date().isoformat()
        if bare != document:
            text = json.dumps(bare, indent=1, ensure_ascii=False) + "\n"
            folder.write(name, text.encode(), private=True)
            changed.append(name)
    if "dossier/report.json" in folder.files():
        write_dossier(target, internal)
    return [
        f"The seed is removed from the internal folder: {', '.join(changed)}.",
        "No longer possible: the same files from the same data, more sets that belong to these,",
        "and the proof, by repeating it, that the release was made from these data.",
        "Remove it yourself from the job file, from the index of a bulk, and from backups.",
        *(
            ["Somebody chose this seed: whoever knows it, or guesses it and has the data, can still repeat the run."]
            if sources.secret.get("seed_given")
            else []
        ),
    ]


def _without(document: Any) -> Any:
    """A document whose seeds, at any depth, are null."""
    if isinstance(document, dict):
        return {key: None if key == "seed" else _without(value) for key, value in document.items()}
    return [_without(one) for one in document] if isinstance(document, list) else document
