"""The folder at a path or URL."""

from __future__ import annotations

import os

from replicant.storage.filesystem import is_url
from replicant.storage.folder import Folder, path_text
from replicant.storage.local import LocalFolder
from replicant.storage.remote import RemoteFolder

__all__ = ["open_folder"]


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
