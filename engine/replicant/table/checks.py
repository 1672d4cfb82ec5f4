"""What a frame must be, and what is unusual but valid about a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.events import Event
from replicant.table.column import Column
from replicant.table.kinds import Kind
from replicant.table.limits import check_columns, check_rows

__all__ = [
    "check_frame",
    "check_header",
    "check_selection",
    "check_size",
    "equal_columns",
    "oddities",
]

MANY_LEVELS = 1000
_NARROW = 2


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
            f"found a {type(frame).__name__}", need="a pandas DataFrame", fix="read it with read_data first"
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


def check_header(names: Sequence[Any]) -> None:
    """Refuse column names that are not distinct, non-empty text.

    Raises
    ------
    DataError
        Some are not.
    """
    p = len(names)
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise DataError(
            f"{len(odd)} of {p} column names are not text but {type(odd[0]).__name__}",
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
            f"{halves} of {p} column names hold half a character (a surrogate), which is no text",
            need="names that UTF-8 can write",
            fix="rename them; such names come of bytes that were read in the wrong encoding",
        )
    if not all(name.strip() for name in names):
        others = ", ".join(name for name in names if name.strip())
        select = f", or leave it out (--set 'input.columns=[{others}]')" if len(others) < 300 else ", or name it"
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


def oddities(frame: pd.DataFrame, columns: Sequence[Column]) -> list[Event]:
    """Events for what is unusual but valid, and what was done about it."""
    events: list[Event] = []
    index = frame.index
    if not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        name = "" if isinstance(index, pd.MultiIndex) or index.name is None else f" {index.name!r}"
        events.append(
            Event("index_dropped", "", f"the frame's index{name} is not kept; make it a column if it is a variable")
        )
    if len(columns) < _NARROW:
        events.append(
            Event("narrow_table", "", "the table has one column: with no other to predict it, it is resampled")
        )
    for column in columns:
        events.extend(_of_column(column))
    for later, earlier in equal_columns(columns).items():
        events.append(Event("equal_columns", later, f"equal to column {earlier!r} in every cell; kept equal to it"))
    return events


def _of_column(column: Column) -> Iterator[Event]:
    codes, name = column.codes, column.name
    first = codes[0]
    if (column.size < _NARROW or column.is_categorical) and not (codes != first).any():
        if first == -1:
            yield Event("all_missing", name, "every cell is missing; it stays so")
        else:
            yield Event("constant_column", name, "every cell holds the same value; it stays so and predicts nothing")
    if not column.is_categorical:
        return
    counts = np.bincount(codes[codes >= 0], minlength=column.size)
    unused = int(np.count_nonzero(counts == 0))
    if unused:
        yield Event("unused_level", name, f"{unused} of {column.size} levels do not occur; kept as levels, never drawn")
    rare = int(np.count_nonzero(counts == 1))
    if rare:
        verb = "level occurs" if rare == 1 else "levels occur"
        yield Event("rare_level", name, f"{rare} {verb} once: a synthetic cell that holds it points at one record")
    if column.size > MANY_LEVELS:
        yield Event(
            "many_levels", name, f"{column.size} levels: they are grouped as the trees see fit, which is slower"
        )


def equal_columns(columns: Sequence[Column]) -> dict[str, str]:
    """Columns that equal an earlier one in every cell, with the first such column.

    Equal means the same codes and the same values behind them, so either's codes can be decoded as the other's.
    Constant and empty columns, and identifiers, are left out.
    """
    seen: dict[tuple[int, ...], list[Column]] = {}
    out: dict[str, str] = {}
    for column in columns:
        if column.size < _NARROW or column.kind is Kind.IDENTIFIER:
            continue
        codes = column.codes
        # Cheap to make, and enough to tell nearly all unequal columns apart.
        key = (column.size, column.is_numeric, int(codes[0]), int(codes[-1]), int(codes[len(codes) // 2]))
        earlier = next((other for other in seen.get(key, ()) if _equal(other, column)), None)
        if earlier is not None:
            out[column.name] = earlier.name
        else:
            seen.setdefault(key, []).append(column)
    return out


def _equal(one: Column, other: Column) -> bool:
    return (
        np.array_equal(one.codes, other.codes)
        and one.missing_codes == other.missing_codes
        and np.array_equal(one.values, other.values)
        and (one.is_numeric or one.levels() == other.levels())
    )
