"""A file of confidential facts, for its owner only: never in a release."""

from __future__ import annotations

import os
from pathlib import Path

from replicant.errors import ReleaseError, SpecError
from replicant.storage.folder import SUCCESS
from replicant.storage.local import LocalFolder

__all__ = ["write_private"]


def write_private(path: str | os.PathLike[str], name: str, text: str) -> None:
    """Write a file that its owner alone can read (mode 0600).

    Parameters
    ----------
    path
        The file, or a folder for it.
    name
        Of the file in that folder.
    text
        Its content.

    Raises
    ------
    SpecError
        It would be part of a release, or it cannot be written.
    """
    file = Path(path) / name if Path(path).is_dir() else Path(path)
    for folder in file.resolve().parents:
        if (folder / SUCCESS).exists():
            raise SpecError(
                f"{file} would be part of the release in {folder}",
                need="a folder that is not released",
                fix=f"write it to {folder}-internal",
            )
    try:
        if not file.parent.is_dir():
            raise FileNotFoundError(2, "its folder does not exist")
        LocalFolder(str(file.parent)).write(file.name, text.encode(), private=True)
    except (OSError, ReleaseError) as error:
        said = error.strerror if isinstance(error, OSError) else error.found
        fix = "create its folder first, or choose another"
        raise SpecError(f"{file} cannot be written ({said})", fix=fix) from None
