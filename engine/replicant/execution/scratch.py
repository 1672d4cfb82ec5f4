"""A private folder for what workers put on disk, gone however a run ends.

Workers spill cells. The folder is the user's alone (0700) and is removed at the end of the run, after an error, Ctrl-C
or SIGTERM. A process that is killed outright cannot tidy up; what it leaves is removed by the next run on the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["private_folder", "sweep"]

_PREFIX = "replicant-"
_LOCK = ".in-use"


@contextmanager
def private_folder() -> Iterator[str]:
    """A new folder that only this user may enter, among the machine's temporary files (`TMPDIR`)."""
    sweep()
    folder = tempfile.mkdtemp(prefix=_PREFIX)  # mode 0700
    try:
        with _locked(Path(folder)):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A lock in the folder: this process's, and gone with it however it ends."""
    made = folder / f"{_LOCK}.new"
    with made.open("w") as lock:
        with suppress(OSError):  # a disk without locks: then nothing there is ever swept
            fcntl.flock(lock, fcntl.LOCK_EX)
            made.rename(folder / _LOCK)  # held from the moment it can be seen
        yield


def sweep() -> None:
    """Remove what killed runs of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            info = folder.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
