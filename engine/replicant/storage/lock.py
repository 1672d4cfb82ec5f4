"""One run at a time in a folder: the system's lock on a disk, a lease in an object store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from replicant.errors import ReleaseError
from replicant.storage.filesystem import is_url
from replicant.storage.lease import leased

__all__ = ["check_free", "locked"]


@contextmanager
def locked(folder: str | os.PathLike[str], make: Callable[[], object]) -> Iterator[None]:
    """Make a folder and hold it for this run.

    Parameters
    ----------
    folder
        A path or URL.
    make
        Makes the folder if it is not there.

    Raises
    ------
    ReleaseError
        If another run holds it.
    """
    place = os.fspath(folder)
    if is_url(place):
        make()
        with leased(place):
            yield
        return
    with _hold(place, make):
        yield


def _hold(place: str, make: Callable[[], object]) -> IO[str]:
    """The lock of a folder, held by the process: gone with it however it ends."""
    import fcntl

    lock = os.path.join(place, "lock")
    for _ in range(100):
        make()
        # The run that held the folder may be done at any time, and remove it.
        with suppress(FileNotFoundError), ExitStack() as stack:
            file = stack.enter_context(open(lock, "w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                break
            if os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                stack.pop_all()
                return file
    raise _running(place)


def check_free(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that another run holds, touching nothing.

    Raises
    ------
    ReleaseError
        If it is held.
    """
    import fcntl

    place = os.fspath(folder)
    with suppress(FileNotFoundError, NotADirectoryError), open(os.path.join(place, "lock")) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise _running(place) from None


def _running(place: str) -> ReleaseError:
    return ReleaseError(
        f"The same job is running: it holds {place!r}.", fix="wait for it, or choose another output.path"
    )
