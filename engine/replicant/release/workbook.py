"""Copies as workbooks, for small tables: a sheet with the rows, and one with the codebook.

The rows are written one after another, so memory does not grow with them. A workbook says nothing of when it was made:
the same rows give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.events import Event
from replicant.release.csv import instants, iso_texts, level_text
from replicant.release.forms import Form, form_of
from replicant.release.private import file_bytes
from replicant.release.statistical.facts import check_dates, few
from replicant.table.arrays import as_python
from replicant.table.durations import elapsed
from replicant.table.local import needs
from replicant.table.times import hours_of
from replicant.table.workbook.codebook import HEADER
from replicant.table.workbook.sheet import CODEBOOK

if TYPE_CHECKING:
    from replicant.table import Column, Table

__all__ = ["MOST_CELLS", "Book", "prepare_xlsx", "xlsx_bytes"]

MOST_CELLS = 2_000_000
"""Of one workbook: beyond, a spreadsheet program is no longer of use."""

_MOST_ROWS = 1_048_575
_MOST_COLUMNS = 16_384
_MOST_SIGNS = 32_767
_DIGITS = 10**15
"""Spreadsheets count in fifteen digits."""

_FIRST = -25_508
"""1 March 1900 in days since 1970: before it the days of Excel are those of no calendar."""

_YEAR_1 = -719_162
"""In days since 1970."""

_LAST_MILLISECOND = 86_399_999
"""Of a day."""

_MIDNIGHT = " 00:00:00.000000"
_NO_XML = frozenset("\0\ufffe\uffff")
_DATA = "data"
_CREATED = dt.datetime(1980, 1, 1)
_FORMATS = {Form.DATE: "yyyy-mm-dd", Form.DATETIME: "yyyy-mm-dd hh:mm:ss", Form.TIME: "hh:mm:ss"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One column of the sheet.

    Attributes
    ----------
    name
        As in the table.
    form
        What its cells are written as.
    decimals
        Digits after the point that are shown.
    as_text
        Whether its cells are texts though they are none: levels that are not all numbers, or all true/false; dates that
        Excel does not have.
    """

    name: str
    form: Form
    decimals: int | None = None
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """What every workbook is written by; it travels to workers.

    Attributes
    ----------
    columns
        In the table's order.
    codebook
        Rows of the second sheet.
    events
        What a workbook holds otherwise than the table does.
    """

    columns: tuple[Sheet, ...]
    codebook: tuple[tuple[Any, ...], ...]
    events: tuple[Event, ...] = ()


def prepare_xlsx(table: Table, rows: int) -> Book:
    """What the workbooks of a table say.

    Parameters
    ----------
    table
        The encoded table, with its cells or without.
    rows
        The most rows of one file.

    Raises
    ------
    DataError
        The table is too large for a workbook, or a column cannot be held.
    SpecError
        XlsxWriter is not installed.
    """
    needs("xlsxwriter", "excel", "writing workbooks")
    columns = len(table.columns)
    if rows > _MOST_ROWS or columns > _MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise DataError(
            f"a workbook would have {rows:,} rows and {columns:,} columns",
            need=f"at most {_MOST_ROWS:,} rows, {_MOST_COLUMNS:,} columns and {MOST_CELLS:,} cells",
            fix="leave xlsx out of output.copies",
        )
    events: list[Event] = []
    sheets = tuple(_sheet(column, events) for column in table.columns)
    days = [sheet.name for sheet in sheets if sheet.form is Form.DAYS]
    if days:
        events.append(Event("xlsx_days", "", f"durations are numbers of days in .xlsx: {few(days)}"))
    return Book(sheets, tuple(_codebook(table)), tuple(events))


def _sheet(column: Column, events: list[Event]) -> Sheet:
    name, form, extent = column.name, form_of(column), column.extent
    for value in (name, *column.levels(), *column.missing_codes):
        _checked(level_text(value), name)
    if form in {Form.DATE, Form.DATETIME}:
        check_dates(column, _YEAR_1, "xlsx")
        if isinstance(column.dtype.dtype, pd.DatetimeTZDtype):
            events.append(Event("xlsx_zone", name, "moments are written to .xlsx in UTC"))
        if extent.low is not None and extent.low < _FIRST:
            events.append(Event("xlsx_dates", name, "dates before March 1900 are no dates of Excel: all are ISO texts"))
            return Sheet(name, form, as_text=True)
        if extent.digits > 3:
            events.append(Event("xlsx_moments", name, "moments are kept to milliseconds in .xlsx"))
    elif form is Form.TIME:
        if extent.digits > 3:
            events.append(Event("xlsx_moments", name, "times of day are kept to milliseconds in .xlsx"))
    elif column.is_numeric and extent.low is not None and (column.decimals is None or _is_narrow(column)):
        events.append(Event("xlsx_digits", name, "numbers are kept to 16 digits in .xlsx"))
    return Sheet(name, form, column.decimals if column.is_numeric else None, _are_texts(column))


def _checked(text: str, column: str) -> str:
    """A text, if a cell can hold it.

    Raises
    ------
    DataError
        It cannot.
    """
    if not text or len(text) > _MOST_SIGNS or not _NO_XML.isdisjoint(text):
        raise DataError(
            f"column {column!r} has a name, level or code that is empty, or longer than a cell of a workbook, or holds "
            "a character that no workbook has",
            need=f"texts of 1 to {_MOST_SIGNS:,} characters",
            fix="give it a label, or leave xlsx out of output.copies",
        )
    return text


def _codebook(table: Table) -> list[tuple[Any, ...]]:
    """Rows of the second sheet, in the order of `HEADER`."""
    rows: list[tuple[Any, ...]] = []
    for column in table.columns:
        spec = table.specs.get(column.name)
        label = (spec.label if spec is not None else None) or ""
        decimals = "" if column.is_categorical or column.decimals is None else column.decimals
        rows.append((column.name, str(column.kind), label, decimals, "", "", ""))
        rows += [(column.name, "", "", "", _plain(level, column), "", "") for level in column.levels()]
        raw = [*spec.missing_codes] if spec is not None else []
        meanings = spec.missing_labels if spec is not None else {}
        for position, code in enumerate(column.missing_codes):
            meaning = meanings.get(raw[position], "") if len(raw) == len(column.missing_codes) else ""
            rows.append((column.name, "", "", "", _plain(code, column), "" if meaning == code else meaning, "yes"))
    return rows


def _is_narrow(column: Column) -> bool:
    """Whether numbers are stored in less than 64 bits, and so are others in a double than they look."""
    stored = column.dtype.number
    return stored is not None and stored.kind == "f" and stored.itemsize < np.dtype(np.float64).itemsize


def _are_texts(column: Column) -> bool:
    """Whether the levels and codes of a column are neither all numbers that a cell holds nor all true/false."""
    values = [*column.levels(), *column.missing_codes]
    truths = all(isinstance(value, bool) for value in values)
    return column.is_categorical and not truths and not all(_is_kept(value) for value in values)


def _is_kept(value: Any) -> bool:
    """Whether a level is a number that a cell gives back as it was."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= _DIGITS if isinstance(value, int) else float(f"{value:.16G}") == value


def _plain(value: Any, column: Column) -> Any:
    """A level or a code as a cell: text, number or true/false."""
    return value if isinstance(value, (bool, int, float)) and not _are_texts(column) else level_text(value)


def xlsx_bytes(frame: pd.DataFrame, book: Book) -> bytearray:
    """A workbook in memory. The same frame gives the same bytes.

    Raises
    ------
    DataError
        A cell cannot be held exactly.
    """
    xlsxwriter = needs("xlsxwriter", "excel", "writing workbooks")
    columns = [_cells(frame[sheet.name], sheet) for sheet in book.columns]

    def write(path: str, folder: str) -> None:
        with xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": folder}) as whole:
            whole.set_properties({"created": _CREATED})
            head = whole.add_format({"bold": True})
            formats = [_shown(whole, sheet) for sheet in book.columns]
            data = whole.add_worksheet(_DATA)
            data.freeze_panes(1, 0)
            _row(data, 0, [sheet.name for sheet in book.columns], [head] * len(columns))
            for at, row in enumerate(zip(*columns, strict=True), start=1):
                _row(data, at, row, formats)
            said = whole.add_worksheet(CODEBOOK)
            said.freeze_panes(1, 0)
            _row(said, 0, HEADER, [head] * len(HEADER))
            for at, row in enumerate(book.codebook, start=1):
                _row(said, at, row, [None] * len(row))

    return file_bytes(write, "xlsx")


def _row(sheet: Any, at: int, cells: Any, formats: list[Any]) -> None:
    """One row, each cell by its type: what looks like a formula or a link is text all the same."""
    for j, (cell, form) in enumerate(zip(cells, formats, strict=True)):
        if cell is None or cell == "":
            continue
        if isinstance(cell, str):
            sheet.write_string(at, j, cell, form if at == 0 else None)
        elif isinstance(cell, bool):
            sheet.write_boolean(at, j, cell)
        else:
            sheet.write_number(at, j, cell, form)


def _shown(whole: Any, sheet: Sheet) -> Any:
    form = _FORMATS.get(sheet.form)
    if form is None and sheet.form is Form.NUMBER and sheet.decimals:
        form = f"0.{'0' * sheet.decimals}"
    return None if form is None else whole.add_format({"num_format": form})


def _cells(series: pd.Series[Any], sheet: Sheet) -> list[Any]:
    """The cells of a column: texts, numbers, true/false, and None for missing ones."""
    if sheet.form in {Form.DATE, Form.DATETIME}:
        return _days_in_text(series, sheet.form) if sheet.as_text else _serials(series)
    if sheet.form is Form.TIME:
        # Readers keep milliseconds, and would take the next day's midnight for this day's.
        milliseconds = np.minimum(np.rint(hours_of(series) * 3_600_000), _LAST_MILLISECOND)
        return _without_nan((milliseconds / 86_400_000).tolist())
    if sheet.form is Form.DAYS:
        return _without_nan((elapsed(series) / 86_400).tolist())
    codes, values = pd.factorize(series)
    cells = [_cell(value, sheet) for value in as_python(values)]
    cells.append(None)
    return [cells[code] for code in codes]


def _cell(value: Any, sheet: Sheet) -> Any:
    if sheet.as_text or sheet.form is Form.TEXT:
        return _checked(level_text(value), sheet.name)
    if isinstance(value, (bool, str)):
        return value
    number = float(value)
    if isinstance(value, (int, np.integer)) and abs(number) > _DIGITS:
        raise DataError(
            f"column {sheet.name!r} holds integers of more than 15 digits, which a spreadsheet does not keep",
            fix="declare it nominal or an identifier, or leave xlsx out of output.copies",
        )
    return number


def _days_in_text(series: pd.Series[Any], form: Form) -> list[Any]:
    """ISO dates, with their time of day where one is not midnight."""
    texts = iso_texts(series, form).to_pylist()
    return [None if text is None else text.removesuffix(_MIDNIGHT) for text in texts]


def _serials(series: pd.Series[Any]) -> list[Any]:
    """Days since 30 December 1899, as Excel counts them."""
    import pyarrow as pa

    micro = instants(series).cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    days = np.asarray(micro.fill_null(0).to_numpy(zero_copy_only=False)) / 86_400_000_000 + 25_569
    holes = np.asarray(micro.is_null())
    return [None if hole else day for day, hole in zip(days.tolist(), holes.tolist(), strict=True)]


def _without_nan(cells: list[float]) -> list[Any]:
    return [None if math.isnan(cell) else cell for cell in cells]
