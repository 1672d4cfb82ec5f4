"""The finished tasks of a run, kept so that it can be resumed.

Beside the folder of a release in the making lies another, `.work`. A finished task writes a small record
there, with the hashes of its files; before a task runs, its record is looked up and the hashes are checked. So a run is
resumed by running it: what is there and whole is not made again, by whichever process it was made. The folder stays
until the release is in its place, so a run that cannot take its last step can be taken up too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from replicant.errors import ReleaseError
from replicant.storage.folder import Folder, digest_of
from replicant.storage.lock import locked
from replicant.storage.open import open_folder

__all__ = ["SUFFIX", "Records"]

SUFFIX = ".work"
_WORK = "work/"
"""Before the names of intermediate files, to tell them from files of the release."""


@dataclass(frozen=True, slots=True)
class Records:
    """The folder of records beside a staging folder; it pickles.

    Attributes
    ----------
    staging
        Path or URL of the staging folder.
    """

    staging: str

    @property
    def folder(self) -> Folder:
        """The folder of records and intermediate files."""
        return open_folder(f"{self.staging}{SUFFIX}")

    def held(self) -> AbstractContextManager[None]:
        """Make the folder, readable by its owner only, and hold it for this run.

        Raises
        ------
        ReleaseError
            If it cannot be made, or another run holds it.
        """
        return locked(self.folder)

    def end(self) -> None:
        """Remove the folder and all in it."""
        self.folder.remove()

    def keep(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Record a finished task.

        Parameters
        ----------
        name
            The key of the task.
        said
            JSON-able: what is to be known of it.
        files
            Its files with their sha256: those of the release by their names in it, intermediate ones as `write` gave
            them.
        """
        document = json.dumps({"said": dict(said), "files": dict(files)}, sort_keys=True)
        self.folder.write(f"{name}.json", document.encode(), private=True)

    def find(self, name: str) -> dict[str, Any] | None:
        """The record of a task, if it is finished and its files are intact; otherwise None."""
        try:
            document = json.loads(self.folder.read(f"{name}.json"))
            if all(self._digest(file) == sha256 for file, sha256 in document["files"].items()):
                return dict(document["said"])
        except (ReleaseError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def write(self, name: str, content: Any) -> tuple[str, str]:
        """Write an intermediate file; its name for `keep`, and its sha256."""
        self.folder.write(name, content, private=True)
        return f"{_WORK}{name}", hashlib.sha256(content).hexdigest()

    def any(self) -> bool:
        """Whether anything was finished."""
        return any(name.endswith(".json") for name in self.folder.files())

    def _digest(self, file: str) -> str:
        if file.startswith(_WORK):
            return digest_of(self.folder, file.removeprefix(_WORK))
        return digest_of(open_folder(self.staging), file)
