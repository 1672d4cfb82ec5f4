"""The index of a bulk: which releases there are, in which state, and where. It lies beside them and is as public.

It says no more of a release than its manifest does, and of a failure only its kind: the reason, which may name paths,
columns and counts of the confidential data, stands in the internal index.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from replicant.errors import ReleaseError
from replicant.release.manifest import listed, parse_manifest
from replicant.release.read import vouches
from replicant.release.verify import Verification, verify_release
from replicant.storage.folder import MANIFEST, SUCCESS
from replicant.storage.open import open_folder

__all__ = ["FORMAT", "INDEX", "PAGE", "Facts", "facts", "find_index", "index_bytes", "parse_index", "verify_bulk"]

FORMAT = "replicant-bulk/1"
INDEX = "index.json"
PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest of a release says, where all its files are there.

    Attributes
    ----------
    m, rows, columns
        Sets, rows of each, columns.
    files, bytes
        Those listed.
    manifest_sha256
        It vouches for the manifest, and the manifest for every file.
    created
        The day.
    gate
        What the gate said: `passed`, or `overridden` by a person; empty without one.
    """

    m: int
    rows: int
    columns: int
    files: int
    bytes: int
    manifest_sha256: str
    created: str
    gate: str = ""


def facts(url: str) -> Facts | None:
    """The facts of a release by its manifest, the names and the sizes of its files: no file of data is read.

    Returns
    -------
    Facts
        None if there is no release, or it is not whole.
    """
    folder = open_folder(url)
    names = folder.files()
    if MANIFEST not in names or SUCCESS not in names:
        return None
    content = folder.read(MANIFEST)
    if not vouches(folder.read(SUCCESS), content):
        return None
    try:
        manifest = parse_manifest(content)
    except ReleaseError:
        return None
    wanted = {path: int(entry["bytes"]) for path, entry in listed(manifest).items()}
    if {name: size for name, size in names.items() if name not in {MANIFEST, SUCCESS}} != wanted:
        return None
    return Facts(
        m=int(manifest["m"]),
        rows=int(manifest["k"]),
        columns=len(manifest["columns"]),
        files=len(wanted),
        bytes=sum(wanted.values()),
        manifest_sha256=hashlib.sha256(content).hexdigest(),
        created=str(manifest.get("created", "")),
        gate=str(manifest.get("gate", {}).get("verdict", "")),
    )


def index_bytes(index: Mapping[str, Any]) -> bytes:
    """An index as a file."""
    return (json.dumps(index, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_index(content: bytes) -> dict[str, Any]:
    """An index from its bytes, with its shape checked.

    Raises
    ------
    ReleaseError
        If it is none, or of another format.
    """
    try:
        index = json.loads(content)
        if index["format"] != FORMAT:
            raise ReleaseError("The index is of another version.", fix="run the bulk again with this version")
        for entry in index["releases"]:
            path = str(entry["path"])
            # A path is checked in full: one that leads out of the folder must never be followed.
            if path.startswith("/") or "://" in path or ".." in path.split("/"):
                raise ValueError
            str(entry["name"]), str(entry["state"])
        return dict(index)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReleaseError("The index is damaged.", fix="run the bulk again: it is written anew") from None


def find_index(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The index of a folder; None if it is the folder of no bulk.

    Raises
    ------
    ReleaseError
        If it is damaged, or cannot be read.
    """
    folder = open_folder(path)
    try:
        content = folder.read(INDEX)
    except ReleaseError:
        return None
    return parse_index(content)


def verify_bulk(path: str | os.PathLike[str], index: Mapping[str, Any]) -> list[tuple[str, Verification]]:
    """Verify every release of a bulk.

    Parameters
    ----------
    path
        Its folder.
    index
        From `find_index`.

    Returns
    -------
    list of name and Verification
        A release that failed, or has changed since the index was written, has a problem too.
    """
    folder = open_folder(path)
    found = []
    for entry in index["releases"]:
        url = f"{folder.url}/{entry['path']}"
        if entry["state"] != "released":
            checked = Verification(url, ["not released: run the bulk again"])
        else:
            try:
                checked = verify_release(url)
            except ReleaseError as error:
                checked = Verification(url, [error.found])
        if checked.ok:
            known = facts(url)
            if known is None or known.manifest_sha256 != entry["manifest_sha256"]:
                checked = replace(checked, problems=[f"{MANIFEST}: not the one that the index lists"])
        found.append((str(entry["name"]), checked))
    return found
