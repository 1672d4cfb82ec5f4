"""How far the cells of a workbook's sheets reach: calamine holds all from the first to the last, also the empty ones.

One stray cell in the last corner of a sheet makes a table of seventeen billion cells of a file of five kilobytes.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

from replicant.errors import DataError
from replicant.storage.location import Location

__all__ = ["MOST_CELLS", "check_span"]

MOST_CELLS = 1 << 28
"""Of a sheet: eight gigabytes of memory."""

_CHUNK = 1 << 20
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')
_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')


def check_span(location: Location, path: Path) -> None:
    """Refuse a workbook of which a sheet reaches too far.

    Raises
    ------
    DataError
        One does.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            for name in filter(_SHEET.fullmatch, packed.namelist()):
                with packed.open(name) as stream:
                    rows, columns = _span(stream)
                if rows * columns > MOST_CELLS:
                    raise DataError(
                        f"a sheet of {location} reaches to line {rows:,} and column {columns:,}: with empty ones these "
                        f"are {rows * columns:,} cells",
                        need=f"at most {MOST_CELLS:,} cells from the first to the last",
                        fix="delete stray cells far from the table, or export it as CSV",
                    )
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError):
        return  # what is damaged, calamine says


def _span(stream: IO[bytes]) -> tuple[int, int]:
    """The last line and the last column, as the sheet says; where it says nothing or too much, as its cells are."""
    head = stream.read(_CHUNK)
    said = _DIMENSION.search(head)
    if said is not None and int(said[2]) * _number(said[1]) <= MOST_CELLS:
        return int(said[2]), _number(said[1])
    rows = columns = 0
    rest = b""
    while head:
        for found in _CELL.finditer(rest + head):
            rows, columns = max(rows, int(found[2])), max(columns, _number(found[1]))
        rest = head[-32:]
        head = stream.read(_CHUNK)
    return rows, columns


def _number(letters: bytes) -> int:
    total = 0
    for letter in letters:
        total = total * 26 + letter - 64
    return total
