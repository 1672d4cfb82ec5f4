"""The folder at a path or URL."""

from __future__ import annotations

import os

from replicant.errors import ReleaseError, SpecError
from replicant.storage.filesystem import has_key, is_url
from replicant.storage.folder import Folder
from replicant.storage.local import LocalFolder
from replicant.storage.location import LOCAL
from replicant.storage.remote import RemoteFolder

__all__ = ["open_folder", "path_text"]


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """The folder at a path or URL; it need not exist.

    Raises
    ------
    ReleaseError
        If it names none.
    SpecError
        If the URL carries credentials, its protocol is unknown, or its driver is not installed.
    """
    text = path_text(path)
    return RemoteFolder(text) if is_url(text) else LocalFolder(text)


def path_text(path: str | os.PathLike[str]) -> str:
    """A path or URL as text, without a closing slash.

    Raises
    ------
    ReleaseError, SpecError
        If it is empty, a root, or a bucket: a release needs a name.
    """
    text = os.fspath(path)
    for scheme in LOCAL:
        text = text.removeprefix(scheme)
    if not is_url(text):
        text = os.path.abspath(os.path.expanduser(text)) if text else text
    text = text.rstrip("/")
    if not text or text.endswith(":"):
        raise ReleaseError("The path of a release is empty or a root.", need="a folder with a name")
    if not has_key(text):
        raise SpecError(f"{text} is a bucket", need="a folder in it for a release", fix=f"such as {text}/release")
    return text
