"""Reading a finished release back: m frames with the types they were written with."""

from __future__ import annotations

import hashlib
import html
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from replicant.errors import ReleaseError
from replicant.events import Event
from replicant.release.arrow import from_arrow
from replicant.release.manifest import parse_manifest
from replicant.release.sets import SyntheticSets
from replicant.release.store import MANIFEST, SUCCESS, Folder, open_folder

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Release", "read_release"]


class Release(SyntheticSets):
    """A finished release on a disk or behind a URL, read like the `Synthesis` it was written from.

    Frames are read when they are first asked for, checked against the manifest's hashes, and kept.

    Attributes
    ----------
    url
        Where it is.
    """

    def __init__(self, folder: Folder, manifest: dict[str, Any]) -> None:
        super().__init__()
        self._folder = folder
        self._manifest = manifest
        self.url = folder.url

    @property
    def manifest(self) -> dict[str, Any]:
        """The public manifest."""
        return self._manifest

    @property
    def m(self) -> int:
        """Number of synthetic sets."""
        return int(self.manifest["m"])

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column["name"] for column in self.manifest["columns"])

    @property
    def kinds(self) -> dict[str, str]:
        """Each column's kind."""
        return {column["name"]: str(column.get("kind", "")) for column in self.manifest["columns"]}

    @property
    def events(self) -> tuple[Event, ...]:
        """What was done about anything odd in the data."""
        keys = ("code", "column", "message")
        return tuple(Event(*(str(entry.get(key, "")) for key in keys)) for entry in self.manifest.get("events", ()))

    def _make(self, imputation: int) -> pd.DataFrame:
        import pandas as pd

        frames = [self._read_part(entry) for entry in self._entries(imputation)]
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def _data(self, imputation: int) -> pd.DataFrame | Sequence[Callable[[], pd.DataFrame]]:
        entries = self._entries(imputation)
        if len(entries) == 1 or imputation in self._frames:
            return self[imputation]
        return [partial(self._read_part, entry) for entry in entries]

    def _entries(self, imputation: int) -> list[dict[str, Any]]:
        entries = [entry for entry in self.manifest["files"] if entry["imputation"] == imputation + 1]
        return sorted(entries, key=lambda entry: int(entry["partition"]))

    def _read_part(self, entry: dict[str, Any]) -> pd.DataFrame:
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = self._folder.read(entry["path"])
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise ReleaseError(
                f"{entry['path']} is not the file that the manifest lists (its hash differs).",
                fix="restore it from a copy; `replicant verify` lists everything that changed",
            )
        try:
            return from_arrow(pq.read_table(pa.BufferReader(content)))
        except pa.ArrowException as error:
            raise ReleaseError(
                f"{entry['path']} cannot be read as Parquet ({type(error).__name__}).",
                fix="update pyarrow to the version in the manifest or a later one",
            ) from None

    def __repr__(self) -> str:
        rows = sum(entry["rows"] for entry in self.manifest["files"]) // self.m
        return f"<Release m={self.m}, {rows:,} rows x {len(self.names)} columns, {self.url}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(column['name'])}</th>"
            + "".join(
                f"<td style='text-align:left'>{html.escape(str(column.get(key, '')))}</td>"
                for key in ("kind", "dtype", "method", "synthesized")
            )
            + "</tr>"
            for column in self.manifest["columns"]
        )
        head = "".join(
            f"<th style='text-align:left'>{word}</th>" for word in ("column", "kind", "type", "method", "synthesized")
        )
        return (
            f"<div><p>{html.escape(repr(self)[1:-1])}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def read_release(path: str | os.PathLike[str]) -> Release:
    """Open a finished release.

    Parameters
    ----------
    path
        A path or an fsspec URL.

    Returns
    -------
    Release
        `release[0]`, `list(release)`, `release.stack()`, `release.manifest`.

    Raises
    ------
    ReleaseError
        If there is none, it is unfinished (no `_SUCCESS`), or its manifest is missing or damaged.
    """
    folder = open_folder(path)
    names = folder.files()
    if not names:
        raise ReleaseError(f"There is no release at {folder.url}.", fix="check the path")
    if SUCCESS not in names:
        raise ReleaseError(
            f"The release at {folder.url} is unfinished: it has no {SUCCESS}.",
            need="a release that was written to its end",
            fix="write it again, or copy it again in full",
        )
    if MANIFEST not in names:
        raise ReleaseError(f"The release at {folder.url} has no {MANIFEST}.", fix="copy it again in full")
    content = folder.read(MANIFEST)
    if not vouches(folder.read(SUCCESS), content):
        raise ReleaseError(
            f"The manifest at {folder.url} is damaged: it is not the one that {SUCCESS} vouches for.",
            fix="restore the release from a copy, or write it again",
        )
    return Release(folder, parse_manifest(content))


def vouches(success: bytes, manifest: bytes) -> bool:
    """Whether `_SUCCESS` carries the hash of this manifest."""
    return success.decode("ascii", "replace").split()[:1] == [hashlib.sha256(manifest).hexdigest()]
