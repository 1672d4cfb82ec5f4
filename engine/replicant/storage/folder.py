"""What a folder is that a release lives in: the same few verbs on a disk and behind a URL.

What carries `_SUCCESS` is whole: it is the last to appear and the first to go.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from replicant.errors import ReleaseError
from replicant.storage.location import Location

__all__ = ["COPIES", "HELPERS", "MANIFEST", "SUCCESS", "Folder", "digest_of", "is_ours"]

# What is not Parquet begins with `_`: readers of Parquet folders pass it over.
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
COPIES = "_copies"
HELPERS = {"r": "_scripts/analyse.R", "stata": "_scripts/analyse.do"}
_DATA = re.compile(rf"({COPIES}/[^/]+/)?imputation=")
CHUNK = 1 << 23


def is_ours(name: str) -> bool:
    """Whether a file may belong to a release: its manifest, `_SUCCESS`, a script, data, a copy of them."""
    return name in {MANIFEST, SUCCESS, *HELPERS.values()} or _DATA.match(name) is not None


def digest_of(folder: Folder, name: str) -> str:
    """The sha256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with folder.guard("read"), folder.open(name) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Folder(ABC):
    """A folder somewhere. File names are relative to it, with forward slashes.

    Attributes
    ----------
    url
        Where it is.
    location
        The same, with what is asked there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.location = Location.of(url, ReleaseError)

    def sibling(self, name: str) -> str:
        """The URL of an entry beside this folder."""
        return f"{self.url.rpartition('/')[0]}/{name}"

    @property
    def name(self) -> str:
        """Its own name."""
        return self.url.rpartition("/")[2]

    def guard(self, action: str) -> AbstractContextManager[None]:
        """Turn whatever the storage raises into a `ReleaseError` that says what to do."""
        return self.location.guard(action)

    def exists(self) -> bool:
        """Whether there is a folder with anything in it (locally: a folder, even empty)."""
        return self.location.is_folder

    def is_file(self) -> bool:
        """Whether a file is in its place."""
        return self.location.is_file

    def files(self) -> dict[str, int]:
        """Every file below it, hidden ones too, with its size."""
        return self.location.files()

    def beside(self) -> list[str]:
        """Names of what lies beside this folder, hidden ones and its own among them."""
        return self.location.beside()

    def open(self, name: str) -> Any:
        """A binary stream to read a file from."""
        return self.location.file(self.path_of(name))

    def path_of(self, name: str) -> str:
        """Where a file is within the file system."""
        return f"{self.location.path.rstrip('/')}/{name}"

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        with self.guard("read"), self.open(name) as stream:
            content: bytes = stream.read()
            return content

    @abstractmethod
    def make(self, *, private: bool = False) -> bool:
        """Make the folder, and those above it; whether it was made now."""

    @abstractmethod
    def check_writable(self) -> None:
        """Find out by doing it whether something could be made here: it is made beside the folder, and removed at once.

        Raises
        ------
        ReleaseError
            If it cannot be written, or what was written not removed.
        """

    @abstractmethod
    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        """Write a file so that it appears whole or not at all; the folder itself must be there."""

    @abstractmethod
    def rename(self, old: str, new: str) -> None:
        """Rename a file within the folder, replacing what is there."""

    @abstractmethod
    def discard(self, name: str) -> None:
        """Remove a file if it is there; never fails."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the folder and everything in it, as far as that is possible; never fails."""

    @abstractmethod
    def seal(self) -> Folder:
        """The folder under another name, where who still writes to it by the old one does not find it."""

    @abstractmethod
    def unseal(self) -> None:
        """Take a sealed folder back to its name, if it was sealed and its name is free; remove it if it is not."""

    @abstractmethod
    def moves_to(self, target: Folder) -> bool:
        """Whether what lies at a target is of a move of this folder that was begun and not completed."""

    @abstractmethod
    def can_move_to(self, target: Folder) -> bool:
        """Whether this folder could be moved there; else it would have to be copied."""

    @abstractmethod
    def replace(self, target: str, *, overwrite: bool, private: bool = False) -> None:
        """Move this folder to `target`; with `overwrite`, it replaces what is there, which stays whole until then.

        On a disk, with `private`, its owner alone can read it there.

        In one step on a disk. Elsewhere what is there loses its `_SUCCESS` first. If the move then fails, the target
        is unfinished, this folder is still whole, and moving it once more completes the target.
        """
