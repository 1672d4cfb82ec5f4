"""Opens a workbook, chooses the sheet, and separates its header from its rows."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicant.errors import DataError, SpecError, nearest
from replicant.events import Event
from replicant.storage.location import Location
from replicant.table.checks import check_line_of_names
from replicant.table.limits import check_bytes
from replicant.table.local import local_file, needs
from replicant.table.workbook.span import check_span

__all__ = ["CODEBOOK", "Sheet", "open_workbook", "sheet_of"]

CODEBOOK = "codebook"
"""The sheet in which our own workbooks say what their columns are."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How old workbooks begin, and new ones behind a password."""

_SHOWN = 5


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet.

    Attributes
    ----------
    name
        Its name.
    names
        Of the columns.
    rows
        Lists of cells below the header, `""` where one is empty; rows that are empty as a whole are left out.
    line
        The line of the first row in the workbook, from 1.
    left_out
        Empty rows between others.
    """

    name: str
    names: tuple[str, ...]
    rows: list[list[Any]]
    line: int
    left_out: int


@contextmanager
def open_workbook(location: Location) -> Iterator[Any]:
    """A workbook as calamine opens it.

    Raises
    ------
    DataError
        It is empty, damaged, behind a password, or something else.
    SpecError
        python-calamine is not installed.
    """
    calamine = needs("python_calamine", "excel", "reading workbooks")
    with local_file(location) as path:
        _check_size(location, path)
        try:
            book = calamine.CalamineWorkbook.from_path(str(path))
        except calamine.PasswordError:
            raise _locked(location) from None
        except (calamine.CalamineError, OSError, ValueError):
            with path.open("rb") as stream:
                ole = stream.read(len(_OLE)) == _OLE
            raise (
                _locked(location) if ole and not location.name.lower().endswith(".xls") else _damaged(location)
            ) from None
        try:
            yield book
        finally:
            book.close()


def _check_size(location: Location, path: Path) -> None:
    if not path.stat().st_size:
        raise DataError(
            f"{location} is empty", need="a workbook with a table in it", fix="save it again, or fetch it again"
        )
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            check_bytes(location.shown, sum(part.file_size for part in packed.infolist()))
        check_span(location, path)


def _locked(location: Location) -> DataError:
    return DataError(
        f"{location} is protected by a password",
        need="a workbook that can be opened without one",
        fix="open it, and save a copy without a password (File, Info, Protect Workbook)",
    )


def _damaged(location: Location) -> DataError:
    return DataError(
        f"{location} is not a whole workbook: it is damaged, cut short, or something else",
        need="a workbook as Excel or LibreOffice saves it",
        fix="save it again, or fetch it again",
    )


def sheet_of(location: Location, book: Any, wanted: str | int | None, header: int | None, events: list[Event]) -> Sheet:
    """A sheet of a workbook.

    Parameters
    ----------
    location, book
        The workbook.
    wanted
        Name of the sheet, or its number from 1; None for the first with a table that is not hidden.
    header
        The line with the names of the columns, from 1; 0 for none; None for the first line that is not empty.
    events
        What should be known is added.

    Raises
    ------
    DataError
        The sheet is empty, has no row below its header, or columns without a name or with the same.
    SpecError
        There is no such sheet.
    """
    name = _chosen(location, book, wanted, events)
    sheet = _sheet(location, book, name)
    if sheet.start is None:
        raise DataError(f"sheet {name!r} of {location} is empty", need="a line with names and a row for each record")
    top, left = sheet.start
    rows = sheet.to_python()
    if header == 0:
        rows, _ = _without_blank(rows, 0)
        names = [f"c{number}" for number in range(1, len(rows[0]) + 1)]
        first = 0
    else:
        at = 0 if header is None else header - 1 - top
        if not 0 <= at < len(rows):
            raise DataError(
                f"sheet {name!r} of {location} has nothing in line {header}",
                need=f"the line with the names of the columns, {top + 1} to {top + len(rows)}",
                fix="correct input.header",
            )
        rows, kept = _without_blank(rows, at)
        names = [str(cell) for cell in _plain(rows[at])]
        if header is None:
            check_line_of_names(f"sheet {name!r} of {location}", names, top + 1)
        _check_names(location, name, names, [left + j for j in kept], top + at + 1, sheet.merged_cell_ranges or [])
        first = at + 1
    body = rows[first:]
    filled = [row for row in body if any(cell != "" for cell in row)]
    if not filled:
        raise DataError(f"sheet {name!r} of {location} has no rows below its header", need="a row for each record")
    while body and all(cell == "" for cell in body[-1]):
        body.pop()
    return Sheet(name, tuple(names), filled, top + first + 1, len(body) - len(filled))


def _plain(cells: list[Any]) -> list[Any]:
    return [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in cells]


def _without_blank(rows: list[list[Any]], at: int) -> tuple[list[list[Any]], list[int]]:
    """The rows without columns that have neither a name nor a cell, and which columns are kept."""
    kept = [j for j in range(len(rows[at])) if any(row[j] != "" for row in rows[at:])]
    return (rows if len(kept) == len(rows[at]) else [[row[j] for j in kept] for row in rows]), kept


def _chosen(location: Location, book: Any, wanted: str | int | None, events: list[Event]) -> str:
    names: list[str] = book.sheet_names
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if not 1 <= wanted <= len(names):
            raise SpecError(
                f"input.sheet is {wanted}, but {location} has {len(names)} sheets",
                need=f"a number from 1 to {len(names)}, or a name: {_few(names)}",
                fix="correct it",
            )
        return names[wanted - 1]
    if wanted is not None:
        if wanted not in names:
            raise SpecError(
                f"{location} has no sheet {wanted!r}{nearest(str(wanted), names)}",
                need=f"one of {_few(names)}",
                fix="correct input.sheet",
            )
        return str(wanted)
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables_only = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    shown = [one.name for one in tables_only if one.visible == SheetVisibleEnum.Visible]
    tables = [name for name in shown or names if name != CODEBOOK]
    if not tables:
        raise DataError(f"{location} has no sheet with a table", need="a sheet with a line of names and rows below it")
    if len(tables) > 1:
        events.append(
            Event(
                "first_sheet",
                "",
                f"the first of {len(tables)} sheets is read, {tables[0]!r}; input.sheet names another",
            )
        )
    return tables[0]


def _sheet(location: Location, book: Any, name: str) -> Any:
    import python_calamine

    try:
        return book.get_sheet_by_name(name)
    except (python_calamine.CalamineError, OSError, ValueError):
        raise _damaged(location) from None


def _check_names(
    location: Location,
    sheet: str,
    names: list[str],
    positions: list[int],
    line: int,
    merged: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    blank = [_letter(positions[j]) for j, name in enumerate(names) if not name.strip()]
    if blank:
        joined = any(start[0] <= line - 1 <= end[0] and start != end for start, end in merged)
        raise DataError(
            f"{len(blank)} of {len(names)} columns of sheet {sheet!r} of {location} have no name in line {line}: "
            f"{_few(blank)}" + (" (cells of that line are merged)" if joined else ""),
            need="one line with a name for every column",
            fix="say in which line the names are, for example `header: 2` under `input`, or fill them in",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{len(twice)} names of columns come twice in line {line} of sheet {sheet!r} of {location}: {_few(twice)}",
            need="a name of its own for every column",
            fix="rename them, or say in which other line the names are (`header` under `input`)",
        )


def _letter(number: int) -> str:
    """What spreadsheets call a column."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def _few(texts: list[str]) -> str:
    return ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")
