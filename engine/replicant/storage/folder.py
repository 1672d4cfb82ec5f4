"""What a folder is that a release lives in: the same few verbs on a disk and behind a URL, and errors in words.

What carries `_SUCCESS` is whole: it is the last to appear and the first to go.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from replicant.errors import ReleaseError, ReplicantError, SpecError
from replicant.storage.filesystem import CREDENTIALS, Fault, fault_of, has_key, is_url, word_for

__all__ = ["COPIES", "HELPERS", "MANIFEST", "SUCCESS", "Folder", "digest_of", "explain", "is_ours", "path_text"]

# What is not Parquet begins with `_`: readers of Parquet folders pass it over.
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
COPIES = "_copies"
HELPERS = {"r": "_scripts/analyse.R", "stata": "_scripts/analyse.do"}
_DATA = re.compile(rf"({COPIES}/[^/]+/)?imputation=")
CHUNK = 1 << 23

_LOCAL = ("file://", "local://")


def path_text(path: str | os.PathLike[str]) -> str:
    """A path or URL as text, without a closing slash.

    Raises
    ------
    ReleaseError, SpecError
        If it is empty, a root, or a bucket: a release needs a name.
    """
    text = os.fspath(path)
    for scheme in _LOCAL:
        text = text.removeprefix(scheme)
    if not is_url(text):
        text = os.path.abspath(os.path.expanduser(text)) if text else text
    text = text.rstrip("/")
    if not text or text.endswith(":"):
        raise ReleaseError("The path of a release is empty or a root.", need="a folder with a name")
    if not has_key(text):
        raise SpecError(f"{text} is a bucket", need="a folder in it for a release", fix=f"such as {text}/release")
    return text


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
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def sibling(self, name: str) -> str:
        """The URL of an entry beside this folder."""
        return f"{self.url.rpartition('/')[0]}/{name}"

    @property
    def name(self) -> str:
        """Its own name."""
        return self.url.rpartition("/")[2]

    @contextlib.contextmanager
    def guard(self, action: str) -> Iterator[None]:
        """Turn whatever the storage raises into a `ReleaseError` that says what to do."""
        try:
            yield
        except ReplicantError:
            raise
        except Exception as error:
            raise explain(error, action, self.url) from error

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        with self.guard("read"), self.open(name) as stream:
            content: bytes = stream.read()
            return content

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a folder with anything in it (locally: a folder, even empty)."""

    @abstractmethod
    def is_file(self) -> bool:
        """Whether a file is in its place."""

    @abstractmethod
    def beside(self) -> list[str]:
        """Names of what lies beside this folder, hidden ones and its own among them."""

    @abstractmethod
    def files(self) -> dict[str, int]:
        """Every file below it, hidden ones too, with its size."""

    @abstractmethod
    def open(self, name: str) -> Any:
        """A binary stream to read a file from."""

    @abstractmethod
    def make(self, *, private: bool = False) -> bool:
        """Make the folder, and those above it; whether it was made now."""

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
    def replace(self, target: str, *, overwrite: bool) -> None:
        """Move this folder to `target`; with `overwrite`, into the place of what stays whole there until then.

        In one step on a disk. Elsewhere what is there loses its `_SUCCESS` first. If the move then fails, the target
        is unfinished, this folder is still whole, and moving it once more completes the target.
        """


def explain(error: Exception, action: str, url: str) -> ReleaseError:
    """A `ReleaseError` for what a storage raised.

    Parameters
    ----------
    error
        What was caught. Only the operating system's words for it, or a store's code, are repeated.
    action
        What was tried: `read`, `write`, `list`.
    url
        Of which folder.
    """
    number = error.errno if isinstance(error, OSError) else None
    fault = fault_of(error)
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return ReleaseError(
            f"The disk is full: cannot {action} {url}.",
            fix="free space there, or choose another output path; nothing of the unfinished release is visible",
        )
    if fault is Fault.NO_CREDENTIALS:
        return ReleaseError(f"No credentials, or none that hold: cannot {action} {url}.", fix=CREDENTIALS)
    if fault is Fault.NO_BUCKET:
        return ReleaseError(
            f"There is no bucket {url.split('/')[2]!r}: cannot {action} {url}.",
            fix="correct the URL, or have the bucket made",
        )
    if number in {errno.EROFS, errno.EACCES, errno.EPERM} or fault is Fault.DENIED:
        return ReleaseError(
            f"No permission to {action} {url}.",
            need=f"a location where you may {action}",
            fix="choose another path, or change its permissions",
        )
    if number in {errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}:
        return ReleaseError(
            f"Something else is in the way at {url}, or above it.", fix="choose another path, or move it away"
        )
    if fault is Fault.MISSING:
        return ReleaseError(f"A file or folder is missing: cannot {action} {url}.", fix="check the path")
    if fault is Fault.BROKEN and is_url(url):
        return ReleaseError(
            f"Cannot {action} {url}, also when tried again ({word_for(error)}).",
            fix="check the network and the address of the store",
        )
    words = os.strerror(number) if number else word_for(error)
    return ReleaseError(f"Cannot {action} {url}: {words}.", fix="check the path, the connection and the credentials")
