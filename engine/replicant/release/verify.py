"""Is a release what its manifest says? Every file is read and hashed again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from replicant.errors import ReleaseError
from replicant.release.manifest import listed, parse_manifest
from replicant.release.read import vouches
from replicant.storage.folder import MANIFEST, SUCCESS, Folder, digest_of
from replicant.storage.open import open_folder

__all__ = ["Verification", "verify_release"]


@dataclass(frozen=True)
class Verification:
    """What `verify_release` found.

    Attributes
    ----------
    url
        The release.
    problems
        One line each; empty if all is well.
    files, rows, bytes
        Files that are as the manifest lists them, the rows of those that are Parquet, and the bytes of all.
    """

    url: str
    problems: list[str] = field(default_factory=list)
    files: int = 0
    rows: int = 0
    bytes: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def require(self) -> None:
        """Raise if anything is wrong.

        Raises
        ------
        ReleaseError
            With all problems in its text.
        """
        if self.problems:
            raise ReleaseError(str(self), fix="restore the release from a copy, or write it again")

    def _repr_html_(self) -> str:
        from replicant.view.fragment import facts, fragment, notes

        held = [("files", f"{self.files:,}"), ("rows", f"{self.rows:,}"), ("bytes", f"{self.bytes:,}")]
        count = len(self.problems)
        found = "whole and unchanged" if self.ok else f"{count} problem{'s' if count > 1 else ''}: do not use it"
        return fragment(f"Release: {found}", self.url, facts(held), notes(self.problems))

    def __str__(self) -> str:
        if self.ok:
            held = f"{self.files} file(s), {self.rows:,} rows, {self.bytes:,} bytes"
            return f"{self.url}: whole. {held} as in the manifest."
        count = len(self.problems)
        lines = [f"{self.url}: {count} problem{'s' if count > 1 else ''}.", *(f"  - {line}" for line in self.problems)]
        return "\n".join(lines)


def verify_release(path: str | os.PathLike[str]) -> Verification:
    """Hash every file of a release again and compare with the manifest.

    Found are a changed, truncated, missing or extra file, a changed or damaged manifest, and a missing `_SUCCESS`.

    Parameters
    ----------
    path
        A path or an fsspec URL.

    Returns
    -------
    Verification
        `ok`, the `problems` in words, and how much was read.

    Raises
    ------
    ReleaseError
        If there is nothing at the path, or it cannot be read.
    """
    folder = open_folder(path)
    names = folder.files()
    if not names:
        raise ReleaseError(f"There is no release at {folder.url}.", fix="check the path")
    problems: list[str] = []
    manifest = _manifest(folder, names, problems)
    if manifest is None:
        return Verification(folder.url, problems)
    wanted = listed(manifest)
    columns = [column["name"] for column in manifest["columns"]]
    columns += [flag] if (flag := manifest.get("flag")) else []
    good = []
    for name, entry in wanted.items():
        problem = _check_file(folder, names, entry, columns)
        if problem:
            problems.append(f"{name}: {problem}")
        else:
            good.append(entry)
    extra = sorted(names.keys() - wanted.keys() - {MANIFEST, SUCCESS})
    problems += [f"{name}: extra file, not in the manifest" for name in extra]
    return Verification(
        folder.url,
        problems,
        files=len(good),
        rows=sum(entry["rows"] for entry in good if _is_parquet(entry)),
        bytes=sum(entry["bytes"] for entry in good),
    )


def _manifest(folder: Folder, names: dict[str, int], problems: list[str]) -> dict[str, Any] | None:
    if SUCCESS not in names:
        problems.append(f"{SUCCESS}: missing, the release was not finished or not copied in full")
    if MANIFEST not in names:
        problems.append(f"{MANIFEST}: missing, nothing can be compared")
        return None
    content = folder.read(MANIFEST)
    if SUCCESS in names and not vouches(folder.read(SUCCESS), content):
        problems.append(f"{MANIFEST}: changed, its hash is not the one in {SUCCESS}")
    try:
        return parse_manifest(content)
    except ReleaseError as error:
        problems.append(f"{MANIFEST}: {error.found}")
        return None


def _check_file(folder: Folder, names: dict[str, int], entry: dict[str, Any], columns: list[str]) -> str:
    """What is wrong with one listed file, or an empty string."""
    name, size = entry["path"], names.get(entry["path"])
    if size is None:
        return "missing"
    if size < entry["bytes"]:
        return f"truncated, {size:,} bytes of {entry['bytes']:,}"
    if size > entry["bytes"]:
        return f"changed, {size:,} bytes where {entry['bytes']:,} are listed"
    if digest_of(folder, name) != entry["sha256"]:
        return "changed, its sha256 differs"
    return _check_footer(folder, name, entry["rows"], columns) if _is_parquet(entry) else ""


def _is_parquet(entry: dict[str, Any]) -> bool:
    return str(entry["path"]).endswith(".parquet")


def _check_footer(folder: Folder, name: str, rows: int, columns: list[str]) -> str:
    """The bytes are those that were written; is what the manifest says of them true as well?"""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with folder.guard("read"), folder.open(name) as stream:
            footer = pq.ParquetFile(stream)
            found, count = footer.schema_arrow.names, footer.metadata.num_rows
    except (pa.ArrowException, ReleaseError):
        return "not a Parquet file"
    if count != rows:
        return f"{count:,} rows where {rows:,} are listed"
    if found != columns:
        return "its columns are not those in the manifest"
    return ""
