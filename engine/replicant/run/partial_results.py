"""What is finished of a job, so that it can be taken up again: one store for releases, in memory or not, and studies.

Beside what is to be written lies another folder. It holds the job as a document; and whoever finishes a task writes a
small record there, with the hashes of its files. Whoever is to do a task looks for its record first, and checks them.
So a run is resumed by running it: what is there and whole is not made again, by whichever process it was made. The
folder stays until the result is in its place, so a run that cannot take its last step can be taken up too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import yaml

from replicant.errors import ReleaseError
from replicant.run.resumable import as_yaml
from replicant.storage.folder import Folder, digest_of
from replicant.storage.lock import locked
from replicant.storage.open import open_folder

__all__ = ["JOB", "SUFFIX", "Records"]

SUFFIX = ".work"
JOB = "job.yaml"
_RECORD = ".json"
_MARK = b"# sha256: "
_WORK = "work/"
"""Before the names of intermediate files, to tell them from files of the result."""


@dataclass(frozen=True, slots=True)
class Records:
    """The folder of records beside a result in the making; it pickles.

    Attributes
    ----------
    result
        Path or URL of the folder whose files records vouch for: a release's staging folder, a study's results.
    suffix
        What is added to it for the folder of records.
    """

    result: str
    suffix: str = SUFFIX

    @property
    def folder(self) -> Folder:
        """Where records and intermediate files lie."""
        return open_folder(f"{self.result}{self.suffix}")

    def held(self) -> AbstractContextManager[None]:
        """Make the folder, readable by its owner only, and hold it for this run.

        Raises
        ------
        ReleaseError
            If it cannot be made, or another run holds it.
        """
        return locked(self.folder)

    def begin(self, document: Mapping[str, Any]) -> None:
        """Keep a document: the job, and its digest."""
        content = as_yaml(document)
        # Its hash is on the last line: half a document may be one too, of another job.
        content += _MARK + hashlib.sha256(content).hexdigest().encode()
        self.folder.write(JOB, content, private=True)

    def document(self) -> dict[str, Any] | None:
        """What was begun; None if nothing was, or its document is not whole.

        Raises
        ------
        ReleaseError
            If the folder cannot be looked at.
        """
        folder = self.folder
        if JOB not in folder.files():
            return None
        content, _, sha256 = folder.read(JOB).rpartition(_MARK)
        if hashlib.sha256(content).hexdigest().encode() != sha256:
            return None
        document: dict[str, Any] = yaml.safe_load(content)
        return document

    def end(self) -> None:
        """Remove the folder and all in it."""
        self.folder.remove()

    def clear(self) -> None:
        """Remove what was finished, and its job."""
        folder = self.folder
        for name in folder.files():
            if not name.startswith("lock"):
                folder.discard(name)

    def keep(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Record a finished task.

        Parameters
        ----------
        name
            Of the task.
        said
            JSON-able: what is to be known of it.
        files
            Its files with their sha256: those of the result by their names in it, intermediate ones as `write` gave
            them.
        """
        document = json.dumps({"said": dict(said), "files": dict(files)}, sort_keys=True)
        self.folder.write(f"{name}{_RECORD}", document.encode(), private=True)

    def find(self, name: str) -> dict[str, Any] | None:
        """What was recorded of a task, if it was finished and its files are whole; else None."""
        try:
            document = json.loads(self.folder.read(f"{name}{_RECORD}"))
            if all(self._digest(file) == sha256 for file, sha256 in document["files"].items()):
                return dict(document["said"])
        except (ReleaseError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def write(self, name: str, content: Any) -> tuple[str, str]:
        """Write an intermediate file; its name for `keep`, and its sha256."""
        self.folder.write(name, content, private=True)
        return f"{_WORK}{name}", hashlib.sha256(content).hexdigest()

    def names(self) -> list[str]:
        """Tasks that were recorded, whether their files are whole or not."""
        return [name.removesuffix(_RECORD) for name in self.folder.files() if name.endswith(_RECORD)]

    def any(self) -> bool:
        """Whether anything was finished."""
        return bool(self.names())

    def _digest(self, file: str) -> str:
        if file.startswith(_WORK):
            return digest_of(self.folder, file.removeprefix(_WORK))
        return digest_of(open_folder(self.result), file)
