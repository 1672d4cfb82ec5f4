"""Reading a finished release back: m frames with the types they were written with, here or wherever they are wanted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from replicant.errors import ReleaseError, ReplicantError
from replicant.events import Event
from replicant.release.arrow import from_arrow, without_flag
from replicant.release.manifest import parse_manifest
from replicant.release.sets import SyntheticSets
from replicant.storage.folder import MANIFEST, SUCCESS, Folder
from replicant.storage.open import open_folder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from replicant.analysis import Data
    from replicant.estimate.partitions import DeferredPartitions, Load

__all__ = ["Release", "read_release"]


class Release(SyntheticSets):
    """A finished release on a disk or behind a URL, read like the `Synthesis` it was written from.

    Frames are read when they are first asked for, checked against the manifest's hashes, and kept. Estimators read the
    files one by one; where `elsewhere` says where that is, no row comes here for them.

    Attributes
    ----------
    url
        Where it is.
    """

    def __init__(
        self,
        folder: Folder,
        manifest: dict[str, Any],
        elsewhere: Callable[[Sequence[Load]], DeferredPartitions] | None = None,
    ) -> None:
        super().__init__(elsewhere)
        self._manifest = manifest
        self._summary: dict[str, Any] | None = None
        self.url = folder.url

    @property
    def manifest(self) -> dict[str, Any]:
        """The public manifest."""
        return self._manifest

    @property
    def canaries(self) -> Mapping[str, Any] | None:
        """What came back of planted canaries, by the internal manifest if that lies beside the release; else None."""
        try:
            internal = json.loads(open_folder(f"{self.url}-internal").read(MANIFEST))
        except (ReplicantError, OSError, ValueError):
            return None
        # Another release may have been there before.
        same = {one["sha256"] for one in internal.get("files", ())} == {one["sha256"] for one in self.manifest["files"]}
        return internal.get("canaries") if same else None

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
        """What was done about anything unusual in the data."""
        return tuple(_event(entry) for entry in self.manifest.get("events", ()))

    def _make(self, imputation: int) -> pd.DataFrame:
        import pandas as pd

        frames = [load() for load in self._loads(imputation)]
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def _data(self, imputation: int) -> Data:
        loads = self._loads(imputation)
        if self._elsewhere is None and (len(loads) == 1 or imputation in self._frames):
            return self[imputation]
        return self._partitioned(loads)

    def _files(self, imputation: int) -> list[tuple[str, str, str]]:
        """Where each file of a set is, its path in the release, and its hash."""
        entries = [entry for entry in self.manifest["files"] if entry["imputation"] == imputation + 1]
        entries.sort(key=lambda entry: int(entry["partition"]))
        return [(self.url, entry["path"], entry["sha256"]) for entry in entries]

    def _loads(self, imputation: int) -> list[Load]:
        return [partial(_read_part, *file) for file in self._files(imputation)]

    def _stored(self, imputation: int) -> pa.Table:
        import pyarrow as pa

        return pa.concat_tables([_stored_part(*file) for file in self._files(imputation)])

    @property
    def _schema(self) -> pa.Schema:
        return _stored_part(*self._files(0)[0]).schema

    def __repr__(self) -> str:
        rows = sum(entry["rows"] for entry in self.manifest["files"]) // self.m
        return f"<Release m={self.m}, {rows:,} rows x {len(self.names)} columns, {self.url}>"

    def summary(self) -> dict[str, Any]:
        """Each column's mean and standard deviation, or shares, and how they are distributed: of the sets alone.

        The files are read one by one, on the workers if the release was opened with a client, and counted once.

        Returns
        -------
        dict
            As `utility.summary.summarise` describes it.
        """
        if self._summary is None:
            from replicant.analysis import typed
            from replicant.summaries.received import summarise_sets

            self._summary = summarise_sets([typed(one, self.manifest) for one in self._all], self.kinds)
        return self._summary

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        keys = ("kind", "dtype", "method", "synthesized")
        body = [
            (str(column["name"]), *(str(column.get(key, "")) for key in keys)) for column in self.manifest["columns"]
        ]
        table = rows(("column", "kind", "type", "method", "synthesized"), body)
        return fragment("Release", repr(self)[1:-1].removeprefix("Release "), table, notes(map(str, self.events)))


def read_release(
    path: str | os.PathLike[str], elsewhere: Callable[[Sequence[Load]], DeferredPartitions] | None = None
) -> Release:
    """Open a finished release.

    Parameters
    ----------
    path
        A path or an fsspec URL.
    elsewhere
        Makes partitions of functions that load them, for estimators to work on in other processes. None: in this one.

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
    return Release(folder, parse_manifest(content), elsewhere)


def _event(entry: Mapping[str, Any]) -> Event:
    code, column, message = (str(entry.get(key, "")) for key in ("code", "column", "message"))
    return Event(code, column, message, "warning" if entry.get("level") == "warning" else "note")


def _read_part(url: str, path: str, sha256: str) -> pd.DataFrame:
    """One file of a release as a frame. Needs no release: it may run anywhere."""
    return from_arrow(_stored_part(url, path, sha256))


def _stored_part(url: str, path: str, sha256: str) -> pa.Table:
    """One file of a release, if it is still the one that was written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = open_folder(url).read(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ReleaseError(
            f"{path} is not the file that the manifest lists (its hash differs).",
            fix="restore it from a copy; `replicant verify` lists everything that changed",
        )
    try:
        return without_flag(pq.read_table(pa.BufferReader(content)))
    except pa.ArrowException as error:
        raise ReleaseError(
            f"{path} cannot be read as Parquet ({type(error).__name__}).",
            fix="update pyarrow to the version in the manifest or a later one",
        ) from None


def vouches(success: bytes, manifest: bytes) -> bool:
    """Whether `_SUCCESS` carries the hash of this manifest."""
    return success.decode("ascii", "replace").split()[:1] == [hashlib.sha256(manifest).hexdigest()]
