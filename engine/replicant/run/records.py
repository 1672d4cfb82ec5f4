"""What a run keeps of its finished pieces, so that it can be taken up again.

Beside the files of a release in the making lies a folder `.work`. Whoever finishes a piece writes a small record there,
with the piece's hash; whoever is to make a piece looks for its record first, and checks the hash. So a run is resumed
by running it: what is there and whole is not made again, by whichever process it was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.errors import ReleaseError
from replicant.release.store import Folder, digest_of, open_folder

__all__ = ["FOLDER", "Records"]

FOLDER = ".work"


@dataclass(frozen=True, slots=True)
class Records:
    """The folder `.work` of a staging folder; it pickles.

    Attributes
    ----------
    staging
        Path or URL of the staging folder.
    """

    staging: str

    @property
    def folder(self) -> Folder:
        """Where records and intermediate pieces lie."""
        return open_folder(f"{self.staging}/{FOLDER}")

    def begin(self) -> None:
        """Make the folder, readable by its owner only."""
        self.folder.make(private=True)

    def end(self) -> None:
        """Remove the folder and all in it."""
        self.folder.remove()

    def keep(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Record a finished piece.

        Parameters
        ----------
        name
            Of the piece.
        said
            JSON-able: what is to be known of it.
        files
            Its files, relative to the staging folder, with their sha256.
        """
        document = json.dumps({"said": dict(said), "files": dict(files)}, sort_keys=True)
        self.folder.write(f"{name}.json", document.encode(), private=True)

    def find(self, name: str) -> dict[str, Any] | None:
        """What was recorded of a piece, if it was finished and its files are whole; else None."""
        folder, staging = self.folder, open_folder(self.staging)
        try:
            document = json.loads(folder.read(f"{name}.json"))
            if all(digest_of(staging, file) == sha256 for file, sha256 in document["files"].items()):
                return dict(document["said"])
        except (ReleaseError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def write(self, name: str, content: Any) -> tuple[str, str]:
        """Write an intermediate file; its name relative to the staging folder, and its sha256."""
        self.folder.write(name, content, private=True)
        return f"{FOLDER}/{name}", hashlib.sha256(content).hexdigest()

    def any(self) -> bool:
        """Whether anything was finished."""
        return any(name.endswith(".json") for name in self.folder.files())
