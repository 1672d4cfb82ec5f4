"""Cells of a frame as a variable holds them: doubles, kinds of missing, texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError
from replicant.release.csv import instants, level_text
from replicant.release.forms import Form
from replicant.release.statistical.variables import Variable
from replicant.table.arrays import Floats, as_python
from replicant.table.durations import elapsed
from replicant.table.infer import dates_in_text
from replicant.table.times import hours_of

__all__ = ["coded", "seconds_of", "texts"]

_PER_HOUR = 3_600_000_000
"""Microseconds."""

_EXACT = 2**53
"""Integers up to this size are exact in doubles."""


def coded(series: pd.Series[Any], variable: Variable) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Cells as numbers, and which kind of missing each is.

    Parameters
    ----------
    series
        The cells.
    variable
        What they become, which is not text.

    Returns
    -------
    numbers, kinds
        (k,) NaN where a cell is missing in any way; dates and moments in seconds since 1970, durations and times of day
        in seconds. And the position of each cell in `variable.missing`, from 1; 0 for other cells.

    Raises
    ------
    DataError
        An integer is larger than a double holds, or a cell is none of the levels.
    """
    if variable.form in {Form.DATE, Form.DATETIME}:
        return _dates(series, variable)
    codes, values = _distinct(series)
    positions = {cell: position for position, cell in enumerate(variable.missing, start=1)}
    kinds = np.array([*(positions.get(value, 0) for value in values), 0], dtype=np.intp)[codes]
    if variable.is_coded:
        known: dict[Any, int] = dict(zip(variable.levels, variable.codes, strict=True))
        unknown = [at for at, value in enumerate(values) if value not in known and value not in positions]
        if unknown and np.isin(codes, unknown).any():
            raise DataError(f"column {variable.column!r} holds values outside its levels")
        return np.array([*(known.get(value, np.nan) for value in values), np.nan], dtype=np.float64)[codes], kinds
    cells = series.mask(kinds > 0) if kinds.any() else series
    if variable.form is Form.TIME:
        return np.rint(hours_of(cells) * _PER_HOUR) / 1e6, kinds
    if variable.form is Form.DAYS:
        return elapsed(cells), kinds
    return _numbers(cells, variable), kinds


def _dates(series: pd.Series[Any], variable: Variable) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Seconds since 1970, and the coded missing values among them, which are dates too."""
    numbers = _seconds(series)
    kinds = np.zeros(len(numbers), dtype=np.intp)
    for position, code in enumerate(variable.missing_codes, start=1):
        kinds[numbers == seconds_of(code)] = position
    numbers[kinds > 0] = np.nan
    return numbers, kinds


def seconds_of(code: str) -> float:
    """Seconds since 1970 of an ISO date, NaN of anything else."""
    days = dates_in_text([code])
    return float("nan") if days is None else float(days[0]) * 86_400


def texts(series: pd.Series[Any], variable: Variable) -> list[str]:
    """Cells as texts, empty where one is missing; a coded missing value by its text."""
    codes, values = _distinct(series)
    known = dict(zip(variable.missing, variable.missing_codes, strict=True))
    spelt = [*(known[value] if value in known else level_text(value) for value in values), ""]
    return [spelt[code] for code in codes]


def _distinct(series: pd.Series[Any]) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Each cell's position among the distinct values (-1: missing), and these as plain values."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy().astype(np.intp), series.cat.categories.tolist()
    codes, values = pd.factorize(series)
    return codes, as_python(values)


def _numbers(cells: pd.Series[Any], variable: Variable) -> Floats:
    if pd.api.types.is_integer_dtype(cells.dtype):
        largest = cells.abs().max()
        if len(cells) and not pd.isna(largest) and int(largest) > _EXACT:
            raise DataError(
                f"column {variable.column!r} holds integers beyond 2^53, which a double does not hold exactly",
                need="integers of at most 15 digits in .sav, .dta and .xlsx",
                fix="declare it nominal or an identifier, or leave this format out of output.copies",
            )
    if cells.dtype == object or isinstance(cells.dtype, pd.StringDtype):
        numbers = np.array(pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))
        wrong = int((np.isnan(numbers) & ~cells.isna().to_numpy()).sum())
        if wrong:
            raise DataError(
                f"column {variable.column!r} holds {wrong} cells that are not numbers",
                fix="convert it, or leave this format out of output.copies",
            )
        return numbers
    return np.array(cells.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _seconds(cells: pd.Series[Any]) -> Floats:
    """Seconds since 1970, in UTC where there is a zone."""
    import pyarrow as pa

    micro = instants(cells).cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    holes = np.asarray(micro.is_null())
    whole = micro.fill_null(0).to_numpy(zero_copy_only=False)
    seconds = np.floor_divide(whole, 1_000_000)
    return np.where(holes, np.nan, seconds + (whole - seconds * 1_000_000) / 1e6)
