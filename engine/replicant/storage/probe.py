"""Could a release be written there? Found out by doing it: an empty folder is made and removed at once."""

from __future__ import annotations

import os
import secrets

from replicant.errors import ReleaseError
from replicant.storage.local import LocalFolder
from replicant.storage.open import open_folder

__all__ = ["probe"]


def probe(place: str | os.PathLike[str]) -> None:
    """Make something beside a place, and remove it.

    On a disk that is an empty folder in the nearest folder above that exists; behind a URL it is an empty file, so that
    connection, credentials and permissions are tried too.

    Parameters
    ----------
    place
        A path or an fsspec URL of a file or a folder; it need not exist.

    Raises
    ------
    ReleaseError
        If it cannot be written to, or what was written not removed.
    """
    folder = open_folder(place)
    name = f".replicant-{secrets.token_hex(4)}.probe"
    if not isinstance(folder, LocalFolder):
        beside = open_folder(folder.sibling(name))
        beside.write("probe", b"")
        beside.remove()
        if beside.files():
            raise ReleaseError(
                f"Files can be written but not removed beside {folder.url}.",
                need="a location where you may do both: what is between is removed at the end of a run",
                fix="change the permissions, or choose another path",
            )
        return
    above = os.path.dirname(folder.url)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    made = os.path.join(above, name)
    with LocalFolder(above).guard("write"):
        os.mkdir(made, 0o700)
        os.rmdir(made)
