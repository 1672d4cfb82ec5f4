"""One run at a time in a folder: the system's lock of a file on a disk, a lease in an object store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from replicant.errors import ReleaseError
from replicant.storage.folder import Folder
from replicant.storage.lease import leased
from replicant.storage.local import LocalFolder

__all__ = ["check_free", "hold", "locked"]

_LOCK = "lock"


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Make a folder, readable by its owner only, and hold it for this run.

    Raises
    ------
    ReleaseError
        If it cannot be made, or another run holds it.
    """
    if not isinstance(folder, LocalFolder):
        folder.make(private=True)
        with leased(folder.url):
            yield
        return
    for _ in range(100):
        folder.make(private=True)
        # The run that held the folder may be done at any time, and remove it.
        with suppress(FileNotFoundError):
            lock = hold(folder.path_of(_LOCK))
            break
    else:
        lock = None
    if lock is None:
        raise _running(folder)
    with lock:
        yield


def hold(path: str | os.PathLike[str]) -> IO[bytes] | None:
    """Make a file and lock it until it is closed or the process is gone, however it ends; None if it is locked.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    while True:
        with ExitStack() as stack:
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            file = stack.enter_context(open(number, "r+b"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return None
            # Who held it before may have removed it: then the file that is there now is to be locked.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(number), os.stat(path)):
                    stack.pop_all()
                    return file


def check_free(folder: Folder) -> None:
    """Refuse a folder on a disk that another run holds, touching nothing.

    Raises
    ------
    ReleaseError
        If it is held.
    """
    if not isinstance(folder, LocalFolder):
        return
    with suppress(FileNotFoundError, NotADirectoryError), open(folder.path_of(_LOCK), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise _running(folder) from None


def _running(folder: Folder) -> ReleaseError:
    return ReleaseError(
        f"The same job is running: it holds {folder.url!r}.", fix="wait for it, or choose another output.path"
    )
