"""What a study keeps on disk while it runs, so that it can be taken up again, and its results when it is done.

Beside the target, `TARGET.partial` holds the job and the sums of every finished block. Only the client writes, so
workers need no common file system. At the end the results are put in place in one move and the partial folder goes.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from replicant.errors import DataError, ReleaseError, SpecError
from replicant.run.partial_results import Records
from replicant.storage.open import open_folder
from replicant.studies import FORMAT, StudyResult, Tally, flat, unflat

__all__ = ["Checkpoint", "partial_of", "read_results"]

RESULTS = "results.json"
PARTIAL = ".partial"
_BLOCK = re.compile(r"block-(\d{6,})")


def partial_of(target: str | os.PathLike[str]) -> Path:
    """The folder in which an unfinished study is kept."""
    return Path(os.path.abspath(os.fspath(target)) + PARTIAL)


class Checkpoint:
    """The partial folder and the target of one study.

    Parameters
    ----------
    target
        Folder of the results.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        if "://" in os.fspath(target):
            raise SpecError(
                "the results of a study go to a URL", need="a folder", fix="copy them there when it is done"
            )
        self.target = Path(os.path.abspath(os.fspath(target)))
        self.partial = partial_of(self.target)
        self.records = Records(str(self.target), PARTIAL)

    def check(self, overwrite: bool) -> None:
        """Refuse a target that is taken.

        Raises
        ------
        ReleaseError
            If something is there that may not be replaced.
        """
        if not self.target.exists():
            return
        if not (self.target / RESULTS).is_file():
            raise ReleaseError(
                f"{str(self.target)!r} exists and holds no results of a study.",
                need="a new folder, or the results of an earlier study",
                fix="choose another output.path",
            )
        if not overwrite:
            raise ReleaseError(
                f"{str(self.target)!r} holds the results of a study.",
                fix="choose another output.path, or replace them with --overwrite",
            )

    @contextmanager
    def open(
        self, digest: str, job: Mapping[str, Any], *, overwrite: bool = False, resuming: bool = False
    ) -> Iterator[None]:
        """Begin, or take up what the same study left behind; no other run may use the folder meanwhile.

        Parameters
        ----------
        digest, job
            Of the study.
        overwrite
            Give up what another study left behind.
        resuming
            Whether what is there is to be taken up, and nothing else will do.

        Raises
        ------
        ReleaseError
            If another study was begun there, or is running there.
        """
        with self.records.held():
            if self.check_begun(digest, overwrite=overwrite, resuming=resuming) != digest:
                self.records.clear()
            self.records.begin({"digest": digest, "job": job})
            try:
                yield
            except (SpecError, DataError):
                if not self.done():
                    self.records.end()
                raise

    def check_begun(self, digest: str, *, overwrite: bool = False, resuming: bool = False) -> str | None:
        """Refuse to take up what is another study; the digest of the one that was begun, if any.

        Parameters
        ----------
        digest, overwrite, resuming
            As for `open`.

        Raises
        ------
        ReleaseError
            If another study was begun there.
        """
        begun = self.digest
        if begun != digest and resuming:
            raise ReleaseError(
                f"Data, settings or version are no longer those that {str(self.partial)!r} was begun with.",
                fix="bring them back, or run the job anew with --overwrite",
            )
        if begun not in {None, digest} and self.done() and not overwrite:
            raise ReleaseError(
                f"Another study was begun in {str(self.partial)!r}, or its data, settings or version changed.",
                fix=f"go on with that one (replicant resume {self.target}), choose another output.path, or "
                "give it up with --overwrite",
            )
        return begun

    def done(self) -> list[int]:
        """Blocks that are finished, ascending."""
        return sorted(int(match[1]) for match in map(_BLOCK.fullmatch, self.records.names()) if match)

    def load(self, block: int) -> Tally | None:
        """The sums of a finished block; None if its file is damaged, and it must be computed again."""
        name = _name(block)
        if self.records.find(name) is None:
            self.records.folder.discard(f"{name}.json")
            return None
        with self.records.folder.open(f"{name}.npz") as file, np.load(file, allow_pickle=False) as arrays:
            return unflat(dict(arrays))

    def save(self, block: int, tally: Tally) -> None:
        """Keep a finished block."""
        buffer, name = io.BytesIO(), _name(block)
        np.savez(buffer, allow_pickle=False, **flat(tally))
        self.records.keep(name, {}, dict([self.records.write(f"{name}.npz", buffer.getvalue())]))

    def finish(self, result: StudyResult) -> None:
        """Write the results, put them in place, and remove what was partial.

        The same study gives the same bytes of `results.json` and `tables/`; `run.json` and `report.html` also say how
        long it took.
        """
        results = open_folder(self.partial / "results")
        results.remove()
        results.make(private=True)
        results.write(RESULTS, _json(result.document))
        results.write("run.json", _json(result.run))
        for suffix, frames in (("parquet", result.tables), ("draws.parquet", result.draws)):
            for name, frame in frames.items():
                results.write(f"tables/{name}.{suffix}", frame.to_parquet(index=False))
        results.write("report.html", result.to_html().encode())
        results.replace(str(self.target), overwrite=True)
        self.records.end()

    @classmethod
    def begun_at(cls, location: str | os.PathLike[str]) -> tuple[Checkpoint, dict[str, Any]]:
        """An unfinished study and its job, by its target or its partial folder.

        Raises
        ------
        SpecError
            If there is none.
        """
        made = cls(os.path.abspath(os.fspath(location)).removesuffix(PARTIAL))
        if (begun := made.records.document()) is not None:
            # Where it lies now: it may have been moved.
            return made, {**begun["job"], "output": {**begun["job"]["output"], "path": str(made.target)}}
        if made.partial.is_dir():
            raise SpecError(f"the job in {str(made.partial)!r} cannot be read", fix="run the job again")
        finished = (made.target / RESULTS).is_file()
        raise SpecError(
            f"there is nothing to resume at {os.fspath(location)!r}"
            + (": its results are complete" if finished else ""),
            need="the output.path of a job that was interrupted",
            fix=None if finished else "run the job",
        )

    @property
    def digest(self) -> str | None:
        """Of the study that was begun; None if there is none."""
        begun = self.records.document()
        return None if begun is None else str(begun["digest"])


def _name(block: int) -> str:
    return f"block-{block:06}"


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_results(folder: str | os.PathLike[str]) -> StudyResult:
    """The results of a finished study.

    Raises
    ------
    SpecError
        If there are none.
    """
    location = Path(os.fspath(folder))
    try:
        document = json.loads((location / RESULTS).read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise SpecError(f"{str(location)!r} was written by another version", fix="run the study again")
        said = location / "run.json"
        return StudyResult(document, json.loads(said.read_text(encoding="utf-8")) if said.is_file() else {})
    except (OSError, ValueError, KeyError, TypeError):
        unfinished = partial_of(location).is_dir()
        raise SpecError(
            f"{str(location)!r} holds no results of a study",
            need="a folder that a study wrote",
            fix=f"complete it: replicant resume {location}" if unfinished else None,
        ) from None
