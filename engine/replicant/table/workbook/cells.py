"""Columns of cells as they stand in a workbook, in one type each.

A spreadsheet gives each cell a type of its own. A column of numbers, true/false, dates or durations is what its cells
are; texts that all spell numbers are numbers; anything mixed is text, as it would be in a CSV.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.errors import DataError
from replicant.events import Event
from replicant.table.codebook import ColumnSpec
from replicant.table.dates import dates_read, no_dates
from replicant.table.kinds import Kind
from replicant.table.reading import CellType, Reading
from replicant.table.times import FORM, time_in_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MISSING", "column_of"]

MISSING = frozenset({"NA", "N/A", "#N/A", "n/a", "NaN", "nan", "null", "NULL"})
"""Texts that mean a missing cell among numbers or dates; in a column of text, NA may be Namibia."""

_LEVELLED = frozenset({Kind.NOMINAL, Kind.ORDERED, Kind.BINARY, Kind.IDENTIFIER})
_NUMBERS = frozenset({int, float})
_DATES = frozenset({dt.date, dt.datetime})

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LEADING_ZERO = re.compile(r"[+-]?0\d")
_DIGITS = 15
"""Digits that are exact in a double."""

_EXACT = 2**53
_NO_DATE = object()
_TRUTH = {"true": True, "false": False, "1": True, "0": False}

_WORDS = {
    str: "text",
    int: "numbers",
    float: "numbers",
    bool: "true/false",
    dt.date: "dates",
    dt.datetime: "dates",
    dt.time: "times",
    dt.timedelta: "durations",
}


def column_of(name: str, cells: Sequence[Any], reading: Reading, said: ColumnSpec, events: list[Event]) -> pa.Array:
    """The cells of a column as an Arrow array; an empty cell and an error are missing.

    Parameters
    ----------
    name
        The column.
    cells
        As calamine gives them: numbers, texts, true/false, dates, times, durations; `""` where one is empty.
    reading
        What is said of texts among them: `decimal`, `thousands`, `na_values`, `date_format`; and `types`.
    said
        What is declared of the column: one of levels keeps codes as they are.
    events
        What should be known is added.

    Raises
    ------
    DataError
        Some cells are not of the type that was declared.
    """
    import pyarrow as pa

    wanted = reading.types.get(name)
    levelled = said.kind in _LEVELLED or any(isinstance(level, str) for level in said.levels or ())
    cells = _present(cells, reading, MISSING.difference(said.missing_codes), as_text=levelled or wanted == "text")
    kinds = _kinds(cells)
    form = _date_format(name, reading, said)
    if wanted is not None:
        return _as_type(name, cells, wanted, form, reading)
    if str in kinds and kinds <= _DATES | {str} and form is not None:
        return _moments(_each(name, cells, lambda cell: _moment(cell, form), f"dates written as {form}"))
    if str in kinds and not levelled and (spelt := _of_texts(name, cells, reading, said, events)) is not None:
        return spelt
    if not kinds and said.levels and not any(isinstance(level, str) for level in said.levels):
        return pa.nulls(len(cells), pa.array(said.levels).type)
    if kinds <= {str}:
        return pa.array(cells, pa.string())
    if kinds <= _NUMBERS:
        # Some of the levels may have digits after the point though those that occur have none.
        whole = all(float(level).is_integer() for level in said.levels or () if isinstance(level, (int, float)))
        return _numbers(cells) if whole else _numbers(cells).cast(pa.float64())
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds <= _DATES:
        return _moments(cells)
    if kinds == {dt.timedelta}:
        return pa.array(cells, pa.duration("us"))
    if kinds == {dt.time}:
        return _times(cells)
    if not levelled:
        _tell_mixed(name, cells, kinds, events)
    return _as_texts(cells)


def _of_texts(
    name: str, cells: Sequence[Any], reading: Reading, said: ColumnSpec, events: list[Event]
) -> pa.Array | None:
    """Texts that spell dates in the format given, or numbers; None where they do not."""
    kinds = _kinds(cells)
    form = reading.date_format
    if isinstance(form, str) and said.kind is None and kinds <= {str, dt.date}:
        dates = _spelt_dates(name, cells, form, events)
        if dates is not None:
            return dates
    # Where a kind of missing is a text, so are the numbers beside it: encoding the column separates them.
    if not kinds <= _NUMBERS | {str} or any(isinstance(code, str) for code in said.missing_codes):
        return None
    return _spelt_numbers(name, cells, reading, events)


def _spelt_dates(name: str, cells: Sequence[Any], form: str, events: list[Event]) -> pa.Array | None:
    """Dates of texts that all have one format, or None; an event if nearly all have."""

    def parsed(cell: Any) -> Any:
        try:
            return None if cell is None else _moment(cell, form)
        except ValueError:
            return _NO_DATE

    dates = [parsed(cell) for cell in cells]
    wrong = sum(date is _NO_DATE for date in dates)
    if not wrong:
        events.append(dates_read(name))
        return _moments(dates)
    if 2 * wrong <= sum(cell is not None for cell in cells):
        events.append(no_dates(name, wrong))
    return None


def _kinds(cells: Sequence[Any]) -> set[type]:
    return {type(cell) for cell in cells if cell is not None}


def _present(cells: Sequence[Any], reading: Reading, missing: Collection[str], *, as_text: bool) -> list[Any]:
    """The cells with None for empty ones, and for texts that mean a missing one among numbers or dates."""
    known = _without(cells, reading.na_values or ())
    if reading.na_values is not None or as_text:
        return known
    rest = _without(known, missing)
    texts = all(
        isinstance(cell, str) and not _NUMBER.fullmatch(_plain(cell, reading)) for cell in rest if cell is not None
    )
    return known if texts else rest


def _without(cells: Sequence[Any], missing: Collection[str]) -> list[Any]:
    return [
        None if cell is None or (isinstance(cell, str) and (not cell or cell.strip() in missing)) else cell
        for cell in cells
    ]


def _date_format(name: str, reading: Reading, said: ColumnSpec) -> str | None:
    """How the dates of a column are written, where that was declared."""
    form = reading.date_format
    if isinstance(form, str):
        return form if said.kind is Kind.DATE or reading.types.get(name) in {"date", "datetime"} else None
    return None if form is None else form.get(name)


def _plain(text: str, reading: Reading) -> str:
    """A number as Python spells it, if the text is one."""
    text = text.strip()
    if reading.thousands:
        text = text.replace(reading.thousands, "")
    return text.replace(reading.decimal, ".") if reading.decimal and reading.decimal != "." else text


def _spelt_numbers(name: str, cells: Sequence[Any], reading: Reading, events: list[Event]) -> pa.Array | None:
    """Numbers that texts spell, all of them; None where some do not, or are codes rather than numbers."""
    spelt = [_plain(cell, reading) for cell in cells if isinstance(cell, str)]
    if not all(_NUMBER.fullmatch(text) for text in spelt):
        return None
    if any(_LEADING_ZERO.match(text) or _digits(text) > _DIGITS for text in spelt):
        events.append(Event("codes_as_text", name, "digits with leading zeros, or more than 15, are kept as text"))
        return None
    count = (
        f"{len(spelt)} of its numbers are"
        if len(spelt) < sum(cell is not None for cell in cells)
        else "its numbers are"
    )
    events.append(Event("numbers_as_text", name, f"{count} stored as text; they are read as numbers"))
    return _numbers([float(_plain(cell, reading)) if isinstance(cell, str) else cell for cell in cells])


def _digits(text: str) -> int:
    return len(re.sub(r"[^0-9]", "", text.lower().partition("e")[0]))


def _tell_mixed(name: str, cells: Sequence[Any], kinds: set[type], events: list[Event]) -> None:
    words = " and ".join(sorted({_WORDS.get(kind, "values") for kind in kinds}))
    texts = sum(isinstance(cell, str) for cell in cells)
    events.append(
        Event(
            "mixed_cells",
            name,
            f"it holds {words} ({texts} cells of text), so all are read as text; if the texts mean kinds of missing, "
            "list them under missing_codes and declare its kind",
        )
    )


def _spelt(cell: Any) -> str:
    """A cell as text, as a CSV would have it."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    return str(cell).removesuffix(" 00:00:00") if isinstance(cell, dt.datetime) else str(cell)


def _as_texts(cells: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if cell is None else _spelt(cell) for cell in cells], pa.string())


def _numbers(cells: Sequence[float | None]) -> pa.Array:
    """Numbers: integers where all are whole."""
    import pyarrow as pa

    numbers = np.array(cells, dtype=np.float64)
    holes = np.isnan(numbers)
    known = numbers[~holes]
    if len(known) and (np.rint(known) == known).all() and np.abs(known).max() <= _EXACT:
        return pa.array(np.where(holes, 0, numbers).astype(np.int64), mask=holes)
    return pa.array(numbers, mask=holes)


def _moments(cells: Sequence[Any]) -> pa.Array:
    """Dates, in seconds where these are enough."""
    import pyarrow as pa

    days = [dt.datetime(cell.year, cell.month, cell.day) if type(cell) is dt.date else cell for cell in cells]
    fine = any(cell is not None and cell.microsecond for cell in days)
    return pa.array(days, pa.timestamp("us" if fine else "s"))


def _times(cells: Sequence[Any]) -> pa.Array:
    """Times of day, in seconds where these are enough."""
    import pyarrow as pa

    fine = any(cell is not None and cell.microsecond for cell in cells)
    return pa.array(cells, pa.time64("us") if fine else pa.time32("s"))


def _time(cell: Any) -> dt.time:
    found = time_in_text(cell.strip()) if isinstance(cell, str) else cell
    if not isinstance(found, dt.time):
        raise TypeError
    return found


def _moment(cell: Any, form: str | None) -> Any:
    if isinstance(cell, str):
        text = cell.strip()
        return dt.datetime.fromisoformat(text) if form is None else dt.datetime.strptime(text, form)
    if isinstance(cell, dt.date):
        return cell
    raise TypeError


def _each(name: str, cells: Sequence[Any], convert: Callable[[Any], Any], need: str) -> list[Any]:
    """Every cell converted.

    Raises
    ------
    DataError
        Some cannot be.
    """
    out: list[Any] = []
    wrong = 0
    for cell in cells:
        try:
            out.append(None if cell is None else convert(cell))
        except (ValueError, TypeError, OverflowError, KeyError):
            wrong += 1
    if wrong:
        raise DataError(
            f"column {name!r}: {wrong} of {len(cells)} cells are not {need}",
            need=need,
            fix=f"correct what is declared for {name!r}, or list what means a missing cell under input.na_values",
        )
    return out


def _as_type(name: str, cells: Sequence[Any], wanted: CellType, form: str | None, reading: Reading) -> pa.Array:
    """The cells as a declared type."""
    import pyarrow as pa

    def number(cell: Any) -> float:
        if isinstance(cell, (dt.date, dt.time, dt.timedelta)):
            raise TypeError
        return float(_plain(cell, reading) if isinstance(cell, str) else cell)

    if wanted == "text":
        return _as_texts(cells)
    if wanted in {"date", "datetime"}:
        return _moments(_each(name, cells, lambda cell: _moment(cell, form), "dates"))
    if wanted == "time":
        return _times(_each(name, cells, _time, f"times of day, {FORM}"))
    if wanted == "boolean":
        return pa.array(_each(name, cells, lambda cell: _TRUTH[_spelt(cell).lower()], "true or false"), pa.bool_())
    array = _numbers(_each(name, cells, number, "numbers"))
    if wanted == "number":
        return array.cast(pa.float64())
    if pa.types.is_floating(array.type) and array.null_count < len(array):
        raise DataError(
            f"column {name!r} holds decimals", need="integers", fix=f"say `{name}: number` under input.types instead"
        )
    return array
