"""The folder at a path or URL."""

from __future__ import annotations

import os

from replicant.release.folder import Folder, path_text
from replicant.release.local_folder import LocalFolder
from replicant.release.remote_folder import RemoteFolder
from replicant.remote import is_url

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
