"""The command line on a disk that is slow, and full when it is told to be. Workers of a cluster load this file too.

As a script it is `replicant`, with tables read in smaller chunks; worker processes that it starts import it, those that
`dask worker` starts get it by `--preload`. A file `full` in the folder that `REPLICANT_CHAOS` names fills the disk; a
file `hungry` makes one worker take more memory than it may have.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress

FLAGS = os.environ["REPLICANT_CHAOS"]
PACE = 0.01
"""Seconds that a flush takes, so that a fault finds a small job at work."""

TOO_MUCH = 1 << 30
CHUNK_ROWS = 400

_flush = getattr(os.fsync, "undisturbed", os.fsync)  # Dask loads a file twice


def flush(number: int) -> None:
    """As `os.fsync`, on a poor disk."""
    time.sleep(PACE)
    if os.path.exists(os.path.join(FLAGS, "full")):
        raise OSError(errno.ENOSPC, "No space left on device")
    if __name__ != "__main__":
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(FLAGS, "hungry"))
            held = b"x" * TOO_MUCH
            time.sleep(30)
            del held
    _flush(number)


flush.undisturbed = _flush  # type: ignore[attr-defined]
os.fsync = flush

if __name__ == "__main__":
    from replicant.cli.main import main
    from replicant.run import chunks

    chunks.CHUNK_ROWS = CHUNK_ROWS
    main()
