"""Writing a release so that it is there whole or not at all.

`stage` checks the target and makes a hidden folder beside it. `write_file` puts one file there, in any process, in any
order, and on every retry; `write_copy` and `write_helper` add copies and scripts. `commit` adds the manifest and
`_SUCCESS` and moves the folder to the target. Until then nothing is visible at the target; an existing release stays
complete until the new one replaces it: in one step on a disk, at a URL file by file, with `_SUCCESS` removed first and
written last.

Long because all of it keeps one promise: each step counts on what the others leave behind.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from replicant.errors import ReleaseError
from replicant.release.arrow import parquet_bytes
from replicant.release.copies import FORMATS
from replicant.release.manifest import Copy, Helper, SetFile, listed, manifest_bytes, parse_manifest
from replicant.release.schema import OutputSchema
from replicant.storage.folder import COPIES, HELPERS, MANIFEST, SUCCESS, Folder, digest_of, is_ours
from replicant.storage.open import open_folder, path_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Record",
    "SetFile",
    "Staging",
    "abandon",
    "check_target",
    "commit",
    "files_of",
    "settle",
    "stage",
    "staging_folder",
    "write_copy",
    "write_file",
    "write_helper",
]

_PENDING = f".{MANIFEST}.pending"

Record: TypeAlias = SetFile | Copy | Helper
"""One written file."""


@dataclass(frozen=True, slots=True)
class Staging:
    """An unfinished release. It pickles, so that any process can write files of it.

    As a context manager it abandons the release if the block raises:

        with stage("release", digest=plan.digest, m=plan.m) as staging:
            files = [write_file(staging, frame, schema, i + 1, 0) for i, frame in enumerate(frames)]
            commit(staging, files, public, internal)

    Attributes
    ----------
    target
        Where the release will be.
    path
        The hidden folder beside it.
    internal
        The folder of the internal manifest.
    width
        Digits of the imputation number in folder names.
    overwrite
        Whether a release at the target may be replaced.
    private
        Whether its owner alone can read it there, too.
    """

    target: str
    path: str
    internal: str
    width: int = 2
    overwrite: bool = False
    private: bool = False

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            abandon(self)


def stage(
    target: str | os.PathLike[str],
    *,
    digest: str,
    overwrite: bool = False,
    m: int = 99,
    internal: str | os.PathLike[str] | None = None,
    private: bool = False,
) -> Staging:
    """Check that a release can be written, and make the hidden folder for it.

    Parameters
    ----------
    target
        A path or an fsspec URL.
    digest
        Digest of the plan; its first eight digits are in the hidden folder's name, so that two jobs do not share it.
    overwrite
        Whether to replace a release that is there already, once the new one is complete.
    m
        Number of imputations: decides the width of their numbers (at least two digits).
    internal
        Folder of the internal manifest; default `<target>-internal`.
    private
        Whether the release is for its owner's eyes only.

    Raises
    ------
    ReleaseError
        If there is a release already, something else is in the way, or the location cannot be written to.
    """
    check_target(target, digest=digest, overwrite=overwrite, internal=internal)
    location = _resolved(target)
    hidden = open_folder(staging_folder(location, digest))
    hidden.unseal()  # killed on the last few steps
    hidden.make(private=True)
    inner = _internal(location, internal)
    return Staging(location, hidden.url, inner, max(2, len(str(m))), overwrite, private)


def check_target(
    target: str | os.PathLike[str],
    *,
    digest: str,
    overwrite: bool = False,
    internal: str | os.PathLike[str] | None = None,
) -> None:
    """Check that nothing is in the way of a release, touching nothing.

    Parameters
    ----------
    target, digest, overwrite, internal
        As for `stage`.

    Raises
    ------
    ReleaseError
        If there is a release already, or something else is in the way.
    """
    location = _resolved(target)
    folder = open_folder(location)
    if f"{_internal(location, internal)}/".startswith(f"{location}/"):
        raise ReleaseError(
            "The internal manifest would lie inside the release.",
            need="a folder that is not shared",
            fix="choose an `internal` path outside the release",
        )
    hidden = open_folder(staging_folder(location, digest))
    _check_free(folder, overwrite=overwrite, moving=hidden.moves_to(folder))


def staging_folder(target: str | os.PathLike[str], digest: str) -> str:
    """The hidden folder in which `stage` has a release made.

    Parameters
    ----------
    target, digest
        As for `stage`.
    """
    folder = open_folder(_resolved(target))
    return folder.sibling(f".{folder.name}.{digest[:8]}.partial")


def write_file(
    staging: Staging, frame: pd.DataFrame, schema: OutputSchema, imputation: int, partition: int = 0
) -> SetFile:
    """Write one partition of one imputation. The same frame gives the same bytes, so a retry does no harm.

    Parameters
    ----------
    staging
        From `stage`.
    frame
        The synthetic rows.
    schema
        From `output_schema`: that of every file.
    imputation
        1-based.
    partition
        0-based.

    Raises
    ------
    DataError
        If a column cannot be stored.
    ReleaseError
        If the file cannot be written.
    """
    path = _data_path(staging, imputation, partition, "parquet")
    size, sha256 = _write(staging, path, parquet_bytes(schema.table(frame)))
    return SetFile(imputation, partition, path, len(frame), size, sha256)


def write_copy(
    staging: Staging, frame: pd.DataFrame, form: str, facts: Any, imputation: int, partition: int = 0
) -> Copy:
    """Write a copy of one partition of one imputation in another format.

    Parameters
    ----------
    staging, frame, imputation, partition
        As for `write_file`.
    form
        One of `FORMATS`.
    facts
        What its `prepare` gave.

    Raises
    ------
    DataError
        If a column cannot be written.
    ReleaseError
        If the file cannot be.
    """
    path = f"{COPIES}/{form}/{_data_path(staging, imputation, partition, form)}"
    size, sha256 = _write(staging, path, FORMATS[form].write(frame, facts))
    return Copy(form, imputation, partition, path, len(frame), size, sha256)


def write_helper(staging: Staging, language: str, text: str) -> Helper:
    """Write a script for analysts.

    Parameters
    ----------
    staging
        From `stage`.
    language
        `r` or `stata`.
    text
        From `helper_text`.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    size, sha256 = _write(staging, HELPERS[language], text.encode())
    return Helper(language, HELPERS[language], size, sha256)


def _write(staging: Staging, path: str, content: Any) -> tuple[int, str]:
    """Put a file into the release; its size and hash."""
    open_folder(staging.path).write(path, content)
    return memoryview(content).nbytes, hashlib.sha256(content).hexdigest()


def _data_path(staging: Staging, imputation: int, partition: int, suffix: str) -> str:
    return f"imputation={imputation:0{staging.width}d}/part-{partition}.{suffix}"


def commit(
    staging: Staging, written: Sequence[Record], public: Mapping[str, Any], internal: Mapping[str, Any] | None
) -> None:
    """Finish a release: manifest, then `_SUCCESS`, then the move to the target, then the internal manifest.

    Before that the hidden folder changes its name: a worker that was thought dead and writes on can add nothing.

    Parameters
    ----------
    staging
        From `stage`.
    written
        Records of all files written.
    public, internal
        The manifests; None for no internal one.

    Raises
    ------
    ReleaseError
        If a file is missing, or anything cannot be written. What was staged is then where it was, and at the target is
        what was there before; behind a URL, if the move had begun, an unfinished release that `commit` completes.
    """
    folder, target, inner = (open_folder(url) for url in (staging.path, staging.target, staging.internal))
    content = manifest_bytes(public)
    sealed = folder.seal()
    moving = sealed.moves_to(target)  # as it was found: from here on it is to be
    made = False
    try:
        _check_written(sealed, written, parse_manifest(content))
        sealed.write(MANIFEST, content)
        # The manifest's own hash: without it a changed manifest could vouch for changed files.
        sealed.write(SUCCESS, f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode())
        _check_free(target, overwrite=staging.overwrite, moving=moving)
        if internal is not None:
            # Written in full before the move, renamed after it: neither manifest can be missing for want of space.
            made = inner.make(private=True)
            inner.write(_PENDING, manifest_bytes(internal), private=True)
        sealed.replace(staging.target, overwrite=staging.overwrite, private=staging.private)
    except BaseException:
        if internal is not None and _is_left(sealed):
            inner.discard(_PENDING)
            if made:
                inner.remove()
        folder.unseal()
        raise
    if internal is not None:
        try:
            inner.rename(_PENDING, MANIFEST)
        except ReleaseError as error:
            raise ReleaseError(
                f"The release is finished, but its internal manifest is still named {_PENDING} in {inner.url}.",
                fix=f"rename it to {MANIFEST}",
            ) from error


def settle(
    target: str | os.PathLike[str], *, digest: str, internal: str | os.PathLike[str] | None
) -> list[Record] | None:
    """Finish a release that has been moved to its target, if its writer was killed right after that.

    Parameters
    ----------
    target, digest, internal
        As for `stage`.

    Returns
    -------
    list
        The hashes of its files; None if the target holds no release of this digest.

    Raises
    ------
    ReleaseError
        If something there cannot be read or written.
    """
    location = _resolved(target)
    folder, inner = open_folder(location), open_folder(_internal(location, internal))
    there = folder.files() if folder.exists() else {}
    if MANIFEST not in there or SUCCESS not in there:
        return None
    public = parse_manifest(folder.read(MANIFEST))
    names = inner.files() if inner.exists() else {}
    for name in (_PENDING, MANIFEST):
        if name not in names:
            continue
        secret = json.loads(inner.read(name))
        if (secret["digest"], secret["files"]) == (digest, public["files"]):
            if name == _PENDING:
                inner.rename(_PENDING, MANIFEST)
            hidden = open_folder(staging_folder(location, digest))
            hidden.unseal()
            hidden.remove()
            return files_of(public)
    return None


def standing(target: str | os.PathLike[str]) -> list[Record] | None:
    """The files of the finished release at a location; None if there is none.

    Raises
    ------
    ReleaseError
        If it cannot be read.
    """
    folder = open_folder(_resolved(target))
    there = folder.files() if folder.exists() else {}
    return files_of(parse_manifest(folder.read(MANIFEST))) if {MANIFEST, SUCCESS} <= there.keys() else None


def files_of(public: Mapping[str, Any]) -> list[Record]:
    """The records of all files that a public manifest lists."""
    kinds: dict[str, type[Record]] = {"files": SetFile, "copies": Copy, "helpers": Helper}
    return [kind(**entry) for key, kind in kinds.items() for entry in public.get(key, ())]


def abandon(staging: Staging) -> None:
    """Remove everything that was staged. What is at the target stays as it is.

    A folder whose move behind a URL was begun is kept: what is at the target needs it to be completed.
    """
    hidden = open_folder(staging.path)
    try:
        moving = hidden.moves_to(open_folder(staging.target))
    except ReleaseError:
        return  # what cannot be looked at cannot be removed either
    if not moving:
        hidden.remove()


def _resolved(target: str | os.PathLike[str]) -> str:
    location = path_text(target)
    # A link stays a link: its folder is what is replaced.
    return location if "://" in location else os.path.realpath(location)


def _internal(location: str, internal: str | os.PathLike[str] | None) -> str:
    folder = open_folder(location)
    return path_text(internal) if internal is not None else folder.sibling(f"{folder.name}-internal")


def _is_left(sealed: Folder) -> bool:
    """Whether a finished folder could not be moved away."""
    try:
        return SUCCESS in sealed.files()
    except ReleaseError:
        return True


def _check_free(folder: Folder, *, overwrite: bool, moving: bool) -> None:
    if folder.is_file():
        raise ReleaseError(
            f"There is a file at {folder.url}.", need="a path for a folder", fix="choose another output path"
        )
    names = folder.files()
    if not names:
        return
    foreign = sum(1 for name in names if not is_ours(name))
    changed = _changed_helpers(folder, names) if overwrite and not foreign and not moving else []
    if changed:
        raise ReleaseError(
            f"{', '.join(changed)} in {folder.url} is not as a release left it: somebody's own work, perhaps.",
            need="a release with nothing changed in its scripts",
            fix="move it away, or choose another output path",
        )
    if foreign:
        raise ReleaseError(
            f"{folder.url} holds {foreign} file(s) that are not part of a release.",
            need="an empty or new folder",
            fix="choose another output path, or move them away",
        )
    if not overwrite and not moving:
        found = "a finished release" if SUCCESS in names else "an unfinished or damaged release"
        raise ReleaseError(
            f"There is {found} at {folder.url}.",
            need="a new path",
            fix="choose another output path, or say `--overwrite` (in Python: `overwrite=True`)",
        )


def _changed_helpers(folder: Folder, names: Mapping[str, int]) -> list[str]:
    """Scripts that no manifest vouches for: analysts write in them."""
    there = sorted(names.keys() & set(HELPERS.values()))
    if not there:
        return []
    try:
        known = listed(parse_manifest(folder.read(MANIFEST))) if MANIFEST in names else {}
    except ReleaseError:
        known = {}
    return [name for name in there if known.get(name, {}).get("sha256") != digest_of(folder, name)]


def _check_written(folder: Folder, written: Sequence[Record], manifest: Mapping[str, Any]) -> None:
    wanted = {path: entry["sha256"] for path, entry in listed(manifest).items()}
    if wanted != {one.path: one.sha256 for one in written}:
        raise ReleaseError("The manifest does not list the files that were written.", fix="write the release again")
    names = folder.files()
    lost = [one.path for one in written if names.get(one.path) != one.bytes]
    if lost:
        raise ReleaseError(
            f"{len(lost)} of {len(written)} files are missing or incomplete at {folder.url}.",
            fix="run again; workers on several machines need a path they all see",
        )
    for name in names.keys() - wanted.keys() - {MANIFEST, SUCCESS}:
        folder.discard(name)  # left by a killed run of the same plan
