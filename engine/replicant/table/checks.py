"""What a frame must be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.table.limits import check_columns, check_rows

__all__ = [
    "check_frame",
    "check_header",
    "check_line_of_names",
    "check_selection",
    "check_size",
]


def check_frame(frame: pd.DataFrame) -> None:
    """Refuse a frame that no table can be made of.

    Raises
    ------
    DataError
        Not a dataframe, no columns or too many, fewer than two rows or too many, or column names that are not distinct,
        non-empty text.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"the table is a {type(frame).__name__}", need="a pandas DataFrame", fix="read it with read_data first"
        )
    check_size(*frame.shape)
    check_rows(len(frame))
    check_header(list(frame.columns))


def check_size(rows: int, columns: int) -> None:
    """Refuse a table with no columns or too many, or with fewer than two rows.

    Raises
    ------
    DataError
        It is so small, or so wide.
    """
    check_columns(columns)
    if columns == 0 or rows == 0:
        raise DataError(
            f"the table is empty: {rows} rows, {columns} columns",
            need="at least two rows and one column",
            fix="check the path, the filter or the selection of columns it came from",
        )
    if rows == 1:
        raise DataError(
            "the table has one row", need="at least two rows, better hundreds", fix="check the filter it came from"
        )


def check_line_of_names(source: str, names: Sequence[str], line: int) -> None:
    """Refuse a first line that holds a record, as that of a file without names does: names are shown, records are not.

    Numbers with decimals and dates are taken for cells, whole numbers unless they ascend, as years and positions do.

    Parameters
    ----------
    source
        What was read, for the error.
    names
        The cells of the line.
    line
        Its number, from 1. Nobody said that it names the columns.

    Raises
    ------
    DataError
        The line looks like a record.
    """
    cells = [name.strip() for name in names]
    whole = [int(cell) for cell in cells if _WHOLE.fullmatch(cell)]
    ascending = all(one < other for one, other in pairwise(whole))
    if any(_CELL.fullmatch(cell) for cell in cells) or (len(whole) == len(cells) > 1 and not ascending):
        raise DataError(
            f"line {line} of {source} should name the columns, but has numbers or dates as a record has",
            need="a line with the names of the columns, or to know that there is none",
            fix=f"set input.header to 0 if no line names the columns, to {line} if this one does",
        )


_WHOLE = re.compile(r"[+-]?\d{1,18}")
_CELL = re.compile(
    r"[+-]?\d*[.,]\d+(?:[eE][+-]?\d+)?"
    r"|\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?"
    r"|\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})"
)
"""A number with decimals, or a date as it is written in most files."""


def check_header(names: Sequence[Any]) -> None:
    """Refuse column names that are not distinct, non-empty text.

    Raises
    ------
    DataError
        Some are not.
    """
    p = len(names)
    not_text = [name for name in names if not isinstance(name, str)]
    if not_text:
        raise DataError(
            f"{len(not_text)} of {p} column names are not text but {type(not_text[0]).__name__}",
            need="text as column names",
            fix="rename them, for example frame.columns = frame.columns.map(str)",
        )
    if len(set(names)) < p:
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f"{len(twice)} column names occur more than once: {', '.join(map(repr, twice[:5]))}",
            need="distinct column names",
            fix="rename or drop the duplicates",
        )
    halves = sum(not name.isascii() and any("\ud800" <= sign <= "\udfff" for sign in name) for name in names)
    if halves:
        raise DataError(
            f"{halves} of {p} column names hold half a character (a surrogate), which is not text",
            need="names that UTF-8 can write",
            fix="rename them; such names come of bytes that were read in the wrong encoding",
        )
    if not all(name.strip() for name in names):
        named = ", ".join(name for name in names if name.strip())
        select = f", or leave it out (--set 'input.columns=[{named}]')" if len(named) < 300 else ", or name it"
        raise DataError(
            "a column has no name",
            need="a name for every column",
            fix=f"such a column is often the row number: write the file without it (index=False, row.names=FALSE)"
            f"{select}",
        )


def check_selection(columns: Sequence[str], known: Sequence[Any]) -> None:
    """Refuse a selection that names an unknown column, or one twice.

    Raises
    ------
    SpecError
        It does.
    """
    texts = [name for name in known if isinstance(name, str)]
    for name in columns:
        if name not in texts:
            raise SpecError(
                f"the selection names a column {name!r} that the data do not have{nearest(str(name), texts)}",
                need=f"some of the {len(known)} columns of the data",
                fix="correct the name, or select all columns",
            )
    if len(set(columns)) < len(columns):
        raise SpecError("the selection names a column twice", fix="name each column once")
