"""What the documents of a release are made of: its manifests, and the evaluations if these were kept beside them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.errors import ReleaseError
from replicant.release.manifest import parse_manifest
from replicant.storage.folder import MANIFEST, SUCCESS, Folder
from replicant.storage.open import open_folder, path_text

__all__ = ["WITHHELD", "Sources", "internal_location", "keep_evaluations", "read_sources"]

_EVALUATIONS = ("utility", "disclosure")

WITHHELD = "withheld"
"""The folder, within the internal one, of a release that its gate did not let out."""


@dataclass(frozen=True, repr=False)
class Sources:
    """What the documents are made of.

    Attributes
    ----------
    target, internal
        Where the release is, or would be, and the folder of its internal manifest.
    name
        Of the release: its folder's.
    public
        The public manifest.
    secret
        The internal one; None if it is not there.
    utility, disclosure
        What the evaluations found, as `Evaluation.as_dict` has it; None if they were not kept.
    withheld
        Whether the release is not at its target, as its gate did not let it out.
    """

    target: str
    internal: str
    name: str
    public: Mapping[str, Any]
    secret: Mapping[str, Any] | None
    utility: Mapping[str, Any] | None
    disclosure: Mapping[str, Any] | None
    withheld: bool


def internal_location(target: str | os.PathLike[str], internal: str | os.PathLike[str] | None) -> str:
    """The folder of the internal manifest: `<target>-internal` unless given."""
    return path_text(internal).rstrip("/") if internal is not None else f"{path_text(target).rstrip('/')}-internal"


def read_sources(
    target: str | os.PathLike[str], internal: str | os.PathLike[str] | None = None, *, withheld: bool = False
) -> Sources:
    """Read the manifests of a release, and what lies beside the internal one.

    Parameters
    ----------
    target, internal
        Where the release is, and the folder of its internal manifest; None for `<target>-internal`.
    withheld
        Whether the release that is withheld is meant even where there is another one at the target.

    Raises
    ------
    ReleaseError
        If there is no release, neither at the target nor withheld, or the internal manifest is of another one.
    """
    location, inner = path_text(target).rstrip("/"), internal_location(target, internal)
    beside = open_folder(inner)
    folder, beside_it = open_folder(location), open_folder(inner)
    name = folder.name
    if withheld or not _is_whole(folder):
        withheld = True
        folder, beside_it = open_folder(f"{inner}/{WITHHELD}"), open_folder(f"{inner}/{WITHHELD}-internal")
        if not _is_whole(folder):
            raise ReleaseError(
                f"There is no finished release at {location}, and none is withheld in {inner}.",
                fix="check the path; `replicant run` writes a release",
            )
    public = parse_manifest(folder.read(MANIFEST))
    secret = _document(beside_it, MANIFEST) if MANIFEST in _names(beside_it) else None
    if secret is not None and not _same(secret, public):
        raise ReleaseError(
            f"The internal manifest in {beside_it.url} is of another release than the one at {folder.url}.",
            need="the two manifests of one run",
            fix="say where the right one is: `--internal FOLDER` (in Python: `internal=`)",
        )
    there, mark = _names(beside), _mark(public)
    kept = {what: _document(beside, f"{what}.json") for what in _EVALUATIONS if f"{what}.json" in there}
    # Those of an earlier release here say nothing about this one.
    kept = {what: found for what, found in kept.items() if found.get("release", mark) == mark}
    return Sources(location, inner, name, public, secret, kept.get("utility"), kept.get("disclosure"), withheld)


def keep_evaluations(internal: str, public: Mapping[str, Any], found: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Keep what evaluations found beside the internal manifest, where the documents are made from it.

    Parameters
    ----------
    internal
        The internal folder.
    public
        The public manifest of the release that was evaluated.
    found
        `Evaluation.as_dict` by `utility` and `disclosure`; None for what was not evaluated.

    Raises
    ------
    ReleaseError
        If it cannot be written.
    """
    folder = open_folder(internal)
    folder.make(private=True)
    for what in _EVALUATIONS:
        if (one := found.get(what)) is None:
            folder.discard(f"{what}.json")
        else:
            text = json.dumps({"release": _mark(public), **one}, indent=1, ensure_ascii=False)
            folder.write(f"{what}.json", f"{text}\n".encode(), private=True)


def _mark(public: Mapping[str, Any]) -> str:
    """What tells one release from another: a digest of the digests of its files."""
    return hashlib.sha256("".join(sorted(one["sha256"] for one in public["files"])).encode()).hexdigest()


def _names(folder: Folder) -> dict[str, int]:
    return folder.files() if folder.exists() else {}


def _is_whole(folder: Folder) -> bool:
    return {MANIFEST, SUCCESS} <= _names(folder).keys()


def _document(folder: Folder, name: str) -> dict[str, Any]:
    try:
        found = json.loads(folder.read(name))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ReleaseError(
            f"{name} in {folder.url} is damaged: it is not JSON.", fix="restore it from a copy, or run the job again"
        )
    return found


def _same(secret: Mapping[str, Any], public: Mapping[str, Any]) -> bool:
    return {one["sha256"] for one in secret.get("files", ())} == {one["sha256"] for one in public["files"]}
