"""What a study keeps on disk while it runs, so that it can be taken up again, and its results when it is done.

Beside the target, `TARGET.partial` holds the job, the study's digest, and the sums of every finished block, each in a
file of its own that appears whole or not at all. Only the client writes, so workers need no common file system. At the
end the results are put in place in one move and the partial folder goes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import yaml

from replicant.errors import DataError, ReleaseError, RunError, SpecError
from replicant.run.resumable import as_yaml
from replicant.storage.lock import locked
from replicant.storage.open import open_folder
from replicant.studies import FORMAT, StudyResult, Tally, flat, unflat

__all__ = ["Checkpoint", "partial_of", "read_results"]

RESULTS = "results.json"
STUDY = "study.yaml"
PARTIAL = ".partial"
_BLOCK = re.compile(r"block-(\d{6,})\.npz")


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
        with locked(open_folder(self.partial)):
            if self.check_begun(digest, overwrite=overwrite, resuming=resuming) != digest:
                self._empty()
            self._write(STUDY, as_yaml({"digest": digest, "job": job}))
            try:
                yield
            except (SpecError, DataError):
                if not self.done():
                    shutil.rmtree(self.partial, ignore_errors=True)
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
        found = (_BLOCK.fullmatch(entry.name) for entry in self.partial.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def load(self, block: int) -> Tally | None:
        """The sums of a finished block; None if its file is damaged, and it must be computed again."""
        place = self.partial / _name(block)
        try:
            with place.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return unflat(dict(arrays))
        except (OSError, ValueError, KeyError, BadZipFile, EOFError):
            place.unlink(missing_ok=True)
            return None

    def save(self, block: int, tally: Tally) -> None:
        """Keep a finished block."""
        import io

        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **flat(tally))
        self._write(_name(block), buffer.getvalue())

    def finish(self, result: StudyResult) -> None:
        """Write the results, put them in place, and remove what was partial.

        The same study gives the same bytes of `results.json` and `tables/`; `run.json` and `report.html` also say how
        long it took.
        """
        place = self.partial / "results"
        shutil.rmtree(place, ignore_errors=True)
        (place / "tables").mkdir(parents=True)
        _dump(place / RESULTS, result.document)
        _dump(place / "run.json", result.run)
        for name, frame in result.tables.items():
            frame.to_parquet(place / "tables" / f"{name}.parquet", index=False)
        for name, frame in result.draws.items():
            frame.to_parquet(place / "tables" / f"{name}.draws.parquet", index=False)
        result.write_html(place / "report.html")
        old = self.target.with_name(f"{self.target.name}.{secrets.token_hex(4)}.old")
        if self.target.exists():
            os.rename(self.target, old)
        os.rename(place, self.target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(self.partial, ignore_errors=True)

    @classmethod
    def begun_at(cls, place: str | os.PathLike[str]) -> tuple[Checkpoint, dict[str, Any]]:
        """An unfinished study and its job, by its target or its partial folder.

        Raises
        ------
        SpecError
            If there is none.
        """
        made = cls(os.path.abspath(os.fspath(place)).removesuffix(PARTIAL))
        try:
            job = made._study()["job"]
            # Where it lies now: it may have been moved.
            return made, {**job, "output": {**job["output"], "path": str(made.target)}}
        except (FileNotFoundError, NotADirectoryError):
            finished = (made.target / RESULTS).is_file()
            raise SpecError(
                f"there is nothing to resume at {os.fspath(place)!r}"
                + (": its results are complete" if finished else ""),
                need="the output.path of a job that was interrupted",
                fix=None if finished else "run the job",
            ) from None
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            raise SpecError(f"the job in {str(made.partial)!r} cannot be read", fix="run the job again") from None

    @property
    def digest(self) -> str | None:
        """Of the study that was begun; None if there is none."""
        try:
            return str(self._study()["digest"])
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            return None

    def _study(self) -> Any:
        return yaml.safe_load((self.partial / STUDY).read_text(encoding="utf-8"))

    def _empty(self) -> None:
        for entry in self.partial.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()

    def _write(self, name: str, data: bytes) -> None:
        aside = self.partial / f".{name}.{secrets.token_hex(4)}"
        try:
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.partial / name)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise RunError(f"{name!r} cannot be written ({error.strerror}).", fix="make room, then resume") from None


def _name(block: int) -> str:
    return f"block-{block:06}.npz"


def _dump(place: Path, document: Mapping[str, Any]) -> None:
    place.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_results(folder: str | os.PathLike[str]) -> StudyResult:
    """The results of a finished study.

    Raises
    ------
    SpecError
        If there are none.
    """
    place = Path(os.fspath(folder))
    try:
        document = json.loads((place / RESULTS).read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise SpecError(f"{str(place)!r} was written by another version", fix="run the study again")
        said = place / "run.json"
        return StudyResult(document, json.loads(said.read_text(encoding="utf-8")) if said.is_file() else {})
    except (OSError, ValueError, KeyError, TypeError):
        unfinished = partial_of(place).is_dir()
        raise SpecError(
            f"{str(place)!r} holds no results of a study",
            need="a folder that a study wrote",
            fix=f"complete it: replicant resume {place}" if unfinished else None,
        ) from None
