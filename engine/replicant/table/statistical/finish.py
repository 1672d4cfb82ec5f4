"""A column's cells in their type, and its entry in the codebook, from what a file holds and says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.events import Event
from replicant.table.arrays import Floats, Typed
from replicant.table.codebook import Code, ColumnSpec
from replicant.table.statistical.cells import Numbers, Texts
from replicant.table.statistical.described import Described, Value
from replicant.table.statistical.moments import Measure, Unit, decimals_of_format, moments, unit_of
from replicant.table.statistical.settle import missing_values, plain, settle
from replicant.table.statistical.special import LETTERS, date_codes, number_codes, spoken

__all__ = ["finish_numbers", "finish_texts"]

_EXACT = 2**53
"""Integers up to this size are exact in float64."""


def finish_texts(
    column: Described, cells: Texts, said: ColumnSpec, events: list[Event]
) -> tuple[pd.Series[Any], dict[str, Any]]:
    """A column of texts.

    Parameters
    ----------
    column
        What the file says of it.
    cells
        Its cells.
    said
        What the user declares of it.
    events
        What should be known is added.

    Returns
    -------
    series, spec
        And what the file says, as keys of a `ColumnSpec`.
    """
    # An empty text is how these files have a missing one, unless it is a value with a meaning.
    series = cells.whole(empty="" in column.labels or any("" in each for each in column.missing))
    spec: dict[str, Any] = {} if column.label is None else {"label": column.label}
    if column.labels or column.missing:
        values = series.dropna().unique().tolist()
        codes, _ = missing_values(column, values, said, events)
        spec |= settle(column, values, codes, said, events) | _as_codes(codes)
    return series, spec


def finish_numbers(
    column: Described, cells: Numbers, said: ColumnSpec, events: list[Event]
) -> tuple[Typed, dict[str, Any]]:
    """A column of numbers, or of dates or times that are stored as numbers; as `finish_texts`."""
    numbers, letters = cells.whole()
    if letters is None and column.letters:
        letters = np.zeros(len(numbers), dtype=np.int8)  # they have labels, though no cell holds one
    spec: dict[str, Any] = {} if column.label is None else {"label": column.label}
    unit = unit_of(column.package, column.form)
    if unit is not None:
        moment = _moments(column, numbers, letters, unit, said, events)
        if moment is not None:
            return moment[0], spec | moment[1]
    values: list[float] = []
    if column.labels or column.missing or letters is not None or column.measure == "ordinal":
        found = pd.unique(numbers)
        values = found[~np.isnan(found)].tolist()
    codes, emptied = missing_values(column, values, said, events)
    for low, high in emptied:
        numbers[_inside(numbers, low, high) & ~np.isin(numbers, [*codes])] = np.nan
        values = [value for value in values if not float(low) <= value <= float(high)]
    codes |= _special(column, numbers, letters, values, said, events)
    made = settle(column, values, codes, said, events)
    typed = _typed(column, numbers)
    spec |= made | _as_codes(codes)
    if not made and typed.dtype.kind == "f":
        digits = decimals_of_format(column.package, column.form)
        if digits and _has_digits(numbers, digits, typed.dtype):
            spec["decimals"] = digits
    return typed, spec


def _inside(numbers: Floats, low: Value, high: Value) -> npt.NDArray[np.bool_]:
    return (numbers >= float(low)) & (numbers <= float(high))


def _as_codes(codes: dict[Code, str]) -> dict[str, Any]:
    if not codes:
        return {}
    return {"missing_codes": codes if any(codes.values()) else list(codes)}


def _letters(letters: npt.NDArray[np.int8], said: dict[str, str]) -> list[str]:
    """The special missing values that occur or have a label."""
    occurs = [LETTERS[position - 1] for position in np.unique(letters[letters > 0])]
    return sorted({*occurs, *said}, key=LETTERS.index)


def _special(
    column: Described,
    numbers: Floats,
    letters: npt.NDArray[np.int8] | None,
    values: list[float],
    said: ColumnSpec,
    events: list[Event],
) -> dict[Code, str]:
    """Codes of special missing values, put in their cells; those left out by the user's own codes are only missing."""
    if letters is None:
        return {}
    labels = {letter.lower(): text.strip() for letter, text in column.letters.items()}
    taken = {plain(value) for value in (*values, *column.labels)}
    codes = number_codes(_letters(letters, labels), labels, taken)
    if said.missing_codes:
        codes = {letter: code for letter, code in codes.items() if code in said.missing_codes}
    shown = []
    for letter, code in codes.items():
        numbers[letters == LETTERS.index(letter) + 1] = code
        shown.append(f".{letter} as {code}")
    if shown:
        events.append(Event("special_missing", column.name, f"special missing values are read as codes: {_few(shown)}"))
    return {code: spoken(letter, code, labels.get(letter)) for letter, code in codes.items()}


def _moments(
    column: Described,
    numbers: Floats,
    letters: npt.NDArray[np.int8] | None,
    unit: Unit,
    said: ColumnSpec,
    events: list[Event],
) -> tuple[Typed, dict[str, Any]] | None:
    """Dates, dates with times, or durations; None if the numbers are none of these."""
    cells = moments(numbers, unit)
    if cells is None:
        events.append(
            Event("not_a_date", column.name, f"its format is {column.form}, but not all of its numbers are dates")
        )
        return None
    if unit.leap:
        events.append(Event("leap_seconds", column.name, "its format %tC counts leap seconds; they are not taken out"))
    if unit.months or unit.weeks:
        events.append(
            Event(
                "first_day", column.name, f"its format {column.form} counts periods; they are read as their first days"
            )
        )
    codes: dict[Code, str] = {}
    dates = unit.measure is Measure.MOMENT
    if column.missing and dates and not said.missing_codes:
        known, _ = missing_values(column, np.unique(numbers[~np.isnan(numbers)]).tolist(), said, events)
        codes = {_iso(code, unit): text for code, text in known.items()}
    elif column.missing and not dates:
        for low, high in column.missing:
            cells[_inside(numbers, low, high)] = np.timedelta64("NaT")
    if letters is not None and dates and not said.missing_codes:
        labels = {letter.lower(): text.strip() for letter, text in column.letters.items()}
        taken = {str(day) for day in np.unique(cells.astype("M8[D]"))}
        days = date_codes(_letters(letters, labels), labels, taken)
        for letter, day in days.items():
            cells[letters == LETTERS.index(letter) + 1] = np.datetime64(str(day))
        shown = [f".{letter} as {day}" for letter, day in days.items()]
        events.append(Event("special_missing", column.name, f"special missing values are read as codes: {_few(shown)}"))
        codes |= {day: spoken(letter, day, labels.get(letter)) for letter, day in days.items()}
    elif not dates and (letters is not None or column.missing):
        events.append(
            Event(
                "kinds_of_missing",
                column.name,
                "durations keep one kind of missing value only",
            )
        )
    return cells, _as_codes(codes)


def _iso(code: Code, unit: Unit) -> str:
    """A date that means a kind of missing, as text."""
    found = moments(np.array([code], dtype=np.float64), unit)
    assert found is not None
    text = str(found[0])
    return text.removesuffix("T00:00:00")


def _typed(column: Described, numbers: Floats) -> npt.NDArray[Any]:
    """Whole numbers as integers, where none is missing; others in the width of the file."""
    if len(numbers) and not np.isnan(numbers).any():
        with np.errstate(invalid="ignore"):
            whole = np.rint(numbers) == numbers
        if whole.all() and np.abs(numbers).max() <= _EXACT:
            return numbers.astype(np.int64)
    return numbers.astype(np.float32) if column.narrow else numbers


def _has_digits(numbers: Floats, digits: int, stored: np.dtype[Any]) -> bool:
    """Whether every number is written exactly with so many digits after the point, and some with less than none."""
    known = numbers[~np.isnan(numbers)]
    if not len(known) or digits > 10:
        return False
    scale = 10.0**digits
    with np.errstate(over="ignore"):
        near = np.rint(known * scale) / scale
    fits = near == known if stored.itemsize == known.dtype.itemsize else near.astype(stored) == known.astype(stored)
    return bool(fits.all()) and bool((np.rint(known) != known).any())


def _few(texts: list[str]) -> str:
    most = 6
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
