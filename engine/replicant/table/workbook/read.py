"""Workbooks: a sheet with a line of names and a row for each record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.errors import DataError
from replicant.events import Event
from replicant.storage.location import Location
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_selection
from replicant.table.codebook import ColumnSpec, declared
from replicant.table.dates import check_form_is_used
from replicant.table.limits import check_columns
from replicant.table.loaded import Loaded
from replicant.table.reading import Reading
from replicant.table.workbook.cells import MISSING, column_of
from replicant.table.workbook.codebook import codebook_of
from replicant.table.workbook.sheet import Sheet, open_workbook, sheet_of

__all__ = ["read"]


def read(
    location: Location, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    """The table in a sheet of a workbook; a sheet `codebook`, as we write it, is read for what it is.

    Parameters
    ----------
    location
        The file.
    reading
        `sheet`, `header`, and what texts among the cells mean.
    codebook
        What the user declares.
    columns
        Columns to keep, in this order; None keeps all.

    Raises
    ------
    DataError
        It is damaged, empty, behind a password, or the sheet is no table.
    SpecError
        python-calamine is not installed, or a sheet or column is not there.
    """
    import pyarrow as pa

    events: list[Event] = []
    with open_workbook(location) as book:
        sheet = sheet_of(location, book, reading.sheet, reading.header, events)
        said = codebook_of(book)
    check_columns(len(sheet.names))
    if columns is not None:
        check_selection(columns, list(sheet.names))
    chosen = list(sheet.names) if columns is None else list(columns)
    if reading.header is None:
        _check_header(location, sheet)
    if sheet.left_out:
        events.append(Event("empty_rows", "", f"{sheet.left_out} empty rows of sheet {sheet.name!r} are left out"))
    specs = {name: spec for name, spec in said.items() if name in chosen}
    arrays = []
    for name in chosen:
        at = sheet.names.index(name)
        spec = declared(name, codebook)
        known = specs.get(name, ColumnSpec())
        spec = known.model_copy(update={key: getattr(spec, key) for key in spec.model_fields_set})
        arrays.append(column_of(name, [row[at] for row in sheet.rows], reading, spec, events))
    if isinstance(reading.date_format, str) and columns is None and "no_dates" not in {event.code for event in events}:
        check_form_is_used(
            str(location), {name: pa.chunked_array([one]) for name, one in zip(chosen, arrays, strict=True)}
        )
    return Loaded(frame_of(pa.Table.from_arrays(arrays, names=chosen)), specs, tuple(events))


def _check_header(location: Location, sheet: Sheet) -> None:
    """Refuse a line of names that is none, and a second one below it."""
    first, rest = sheet.rows[0], sheet.rows[1:]
    filled = [j for j, cell in enumerate(first) if cell != ""]
    below = {j: {type(row[j]) for row in rest if row[j] != ""} for j in filled}
    apart = [j for j in filled if below[j] and str not in below[j]]
    if apart and all(isinstance(first[j], str) for j in filled) and not _are_missing([first[j] for j in apart]):
        raise DataError(
            f"line {sheet.line} of sheet {sheet.name!r} of {location} holds text alone, also in {len(apart)} columns "
            "that hold none below it: a second line of names, or of units",
            need="one line with a name for every column",
            fix=f"say in which line the names are: `header: {sheet.line}` under `input`; or, if this line is a record, "
            f"`header: {sheet.line - 1}`",
        )


def _are_missing(cells: list[Any]) -> bool:
    """Whether texts denote missing numbers."""
    return all(str(cell).strip() in MISSING for cell in cells)
