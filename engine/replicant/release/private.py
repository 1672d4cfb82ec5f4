"""What a library writes to a path, in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from replicant.errors import DataError

__all__ = ["file_bytes"]


def file_bytes(write: Callable[[str, str], None], suffix: str, refused: type[Exception] | tuple[()] = ()) -> bytearray:
    """The bytes of a file that a library writes; it is private, and removed.

    Parameters
    ----------
    write
        Takes a path, and a folder for what else the library keeps meanwhile.
    suffix
        Of the path.
    refused
        The library's own error for what the format cannot hold.

    Raises
    ------
    DataError
        The library finds something that the format cannot hold.
    """
    with tempfile.TemporaryDirectory(prefix="replicant-") as folder:
        path = Path(folder) / f"copy.{suffix}"
        try:
            write(str(path), folder)
        except refused:
            # Its text is not repeated: it may name a level.
            raise DataError(
                f"a set cannot be written as .{suffix}: a name, label or text of it is more than the format holds",
                need="names, labels and texts within the limits of the format",
                fix=f"shorten the longest ones, or leave {suffix} out of output.copies",
            ) from None
        return bytearray(path.read_bytes())
