"""What a library writes to a path, in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["file_bytes"]


def file_bytes(write: Callable[[str, str], None], suffix: str) -> bytearray:
    """The bytes of a file that a library writes; it is private, and removed.

    Parameters
    ----------
    write
        Takes a path, and a folder for what else the library keeps meanwhile.
    suffix
        Of the path.
    """
    with tempfile.TemporaryDirectory(prefix="replicant-") as folder:
        path = Path(folder) / f"copy.{suffix}"
        write(str(path), folder)
        return bytearray(path.read_bytes())
