"""A private folder for what workers put on disk, gone however a run ends.

Workers spill cells. The folder is the user's alone (0700) and is removed at the end of the run, after an error, Ctrl-C
or SIGTERM. A process that is killed outright cannot tidy up; what it leaves is removed by the next run on the machine.
The lock that says whether a folder is in use lies beside it, and is there first.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from replicant.storage.lock import hold

__all__ = ["private_folder", "sweep"]

_PREFIX = "replicant-"
_LOCK = ".lock"


@contextmanager
def private_folder() -> Iterator[str]:
    """A new folder that only this user may enter, among the machine's temporary files (`TMPDIR`)."""
    sweep()
    folder = Path(tempfile.gettempdir(), f"{_PREFIX}{secrets.token_hex(8)}")
    lock = folder.with_name(f".{folder.name}{_LOCK}")
    try:
        with hold(lock) or nullcontext():  # a disk without locks: then nothing there is ever swept
            folder.mkdir(mode=0o700)
            yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)


def sweep() -> None:
    """Remove what killed runs of this user left behind."""
    for lock in Path(tempfile.gettempdir()).glob(f".{_PREFIX}*{_LOCK}"):
        with suppress(OSError):
            about = lock.lstat()
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid() or (file := hold(lock)) is None:
                continue
            with file:
                shutil.rmtree(lock.with_name(lock.name.removeprefix(".").removesuffix(_LOCK)), ignore_errors=True)
                lock.unlink()
