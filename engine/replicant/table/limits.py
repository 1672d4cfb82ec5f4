"""How much a table may be: what is beyond is refused with a word, not met as an exhausted machine.

The bounds are of the engine, not of a machine: most machines run out of memory before, and `replicant plan` says what a
job will need. A file that is small can still be a table that is large, so what is counted is what it unpacks to.
"""

from __future__ import annotations

from typing import IO

from replicant.errors import DataError

__all__ = [
    "MOST_BYTES",
    "MOST_COLUMNS",
    "MOST_LEVELS",
    "MOST_ROWS",
    "Metered",
    "check_bytes",
    "check_columns",
    "check_rows",
    "too_many_levels",
]

MOST_BYTES = 64 * 2**30
"""Of a file or folder that is read as a whole, unpacked."""

MOST_ROWS = 2**31 - 1
"""Of a table that is held as a whole: cells are addressed by 32 bits."""

MOST_COLUMNS = 5000
"""Of any table. By default each column may predict each other, so the work grows with their square."""

MOST_LEVELS = 100_000
"""Of a categorical column: every worker holds them all, and so does the manifest."""


def check_bytes(shown: str, size: int) -> None:
    """Refuse what unpacks to more than may be read as a whole.

    Raises
    ------
    DataError
        It does.
    """
    if size > MOST_BYTES:
        raise DataError(
            f"{shown} holds more than {MOST_BYTES / 2**30:,g} GiB",
            need=f"at most {MOST_BYTES / 2**30:,g} GiB in a table that is read as a whole",
            fix="write it as Parquet and set synthesis.partition_rows, or select fewer columns",
        )


def check_rows(rows: int) -> None:
    """Refuse a table of too many rows to be held as a whole.

    Raises
    ------
    DataError
        It is one.
    """
    if rows > MOST_ROWS:
        raise DataError(
            f"the table has {rows:,} rows",
            need=f"at most {MOST_ROWS:,} in a table that is held as a whole",
            fix="write it as Parquet and set synthesis.partition_rows",
        )


def check_columns(columns: int) -> None:
    """Refuse a table of too many columns.

    Raises
    ------
    DataError
        It is one.
    """
    if columns > MOST_COLUMNS:
        raise DataError(
            f"the table has {columns:,} columns",
            need=f"at most {MOST_COLUMNS:,}",
            fix="select those that are needed (input.columns)",
        )


def too_many_levels(name: str, most: int) -> DataError:
    """The error of a categorical column of more levels than `most`."""
    return DataError(
        f"column {name!r} has more than {most:,} levels",
        need=f"at most {most:,} levels",
        fix=f"drop {name!r} if it is an identifier, group its levels, or declare its kind if they are numbers",
    )


class Metered:
    """A stream that is unpacked while it is read, and stops where there is too much of it.

    Parameters
    ----------
    stream
        What to read from.
    shown
        What messages call it.
    """

    def __init__(self, stream: IO[bytes], shown: str) -> None:
        self._stream = stream
        self._shown = shown
        self._count = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises
        ------
        DataError
            If more came than may.
        """
        content = self._stream.read(size)
        self._count += len(content)
        check_bytes(self._shown, self._count)
        return content

    def close(self) -> None:
        """End reading; the stream is closed by its opener."""
        self.closed = True
