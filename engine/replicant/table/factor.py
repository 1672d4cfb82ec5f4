"""Distinct values of a column, ascending, and each cell's position among them: in one scan of the cells.

Everything that comes after (kinds, levels, decimals, checks) looks at the distinct values only.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import infer_dtype

from replicant.errors import DataError
from replicant.table.arrays import Codes, Floats, Typed
from replicant.table.dtypes import ColumnType
from replicant.table.times import hours_of

__all__ = ["MEASURED", "Factor", "Nature", "digits_of", "factorize"]

_SORT_BELOW = 50_000
"""Rows up to which sorting beats hashing floats whatever their distinct values."""

_SAMPLE = 1024

_DAY = {"D": 1, "h": 24, "m": 1440, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_EPOCH = dt.date(1970, 1, 1)


class Nature(Enum):
    """What the cells physically are, before it is decided what they measure."""

    NUMBER = auto()
    TRUTH = auto()
    TEXT = auto()
    DATE = auto()
    DURATION = auto()
    TIME = auto()
    CATEGORY = auto()


MEASURED = (Nature.NUMBER, Nature.DATE, Nature.DURATION, Nature.TIME)
"""Cells that stand on a line, as numbers do."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Factor:
    """A column as positions in its distinct values.

    Attributes
    ----------
    codes
        (n,) position in `uniques`, -1 where the cell is missing.
    uniques
        (K,) distinct values, ascending and all observed; for a pandas categorical its categories in their order.
    nature
        What the cells physically are.
    type
        How cells are made again.
    """

    codes: Codes
    uniques: Typed
    nature: Nature
    type: ColumnType

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """(K,) how many cells hold each distinct value."""
        return np.bincount(self.codes + 1, minlength=len(self.uniques) + 1)[1:]

    def numbers(self) -> Floats:
        """(K,) the distinct values as float64: numbers as they are, dates as days since 1970, durations as days, times
        of day as hours since midnight.

        What is too large for float64 is infinite.
        """
        if self.nature in (Nature.DATE, Nature.DURATION):
            return _days(self.uniques)
        if self.nature is Nature.TIME:
            return hours_of(self.uniques)
        if isinstance(self.uniques, np.ndarray):
            try:
                return self.uniques.astype(np.float64)
            except OverflowError:  # a Python integer of more than 308 digits
                return np.array([_float(value) for value in self.uniques])
        return np.asarray(self.uniques.to_numpy(dtype=np.float64), dtype=np.float64)


_OBJECTS = {
    "integer": Nature.NUMBER,
    "floating": Nature.NUMBER,
    "mixed-integer-float": Nature.NUMBER,
    "decimal": Nature.NUMBER,
    "boolean": Nature.TRUTH,
    "string": Nature.TEXT,
    "empty": Nature.TEXT,
    "date": Nature.DATE,
    "datetime": Nature.DATE,
    "datetime64": Nature.DATE,
    "timedelta": Nature.DURATION,
    "timedelta64": Nature.DURATION,
    "time": Nature.TIME,
}

_KINDS = {
    "i": Nature.NUMBER,
    "u": Nature.NUMBER,
    "f": Nature.NUMBER,
    "b": Nature.TRUTH,
    "M": Nature.DATE,
    "m": Nature.DURATION,
}


def factorize(name: str, cells: pd.Series[Any]) -> Factor:
    """Distinct values and codes of a column.

    Parameters
    ----------
    name
        The column's name, for errors.
    cells
        The column.

    Raises
    ------
    DataError
        The cells are of a type that is no column of a survey (nested values, bytes, a mixture of types ...).
    """
    dtype = cells.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _objects(name, cells.to_numpy())
        return _plain(name, cells.to_numpy())
    array: Any = cells.array
    if isinstance(dtype, pd.CategoricalDtype):
        _check_texts(name, dtype.categories)
        return Factor(np.asarray(array.codes, dtype=np.int32), dtype.categories, Nature.CATEGORY, ColumnType(dtype))
    nature = _extension_nature(dtype)
    if nature is None:
        raise _unsupported(name, f"cells of type {dtype}")
    codes, uniques = array.factorize()
    if nature is Nature.TEXT:
        _check_texts(name, uniques)
    order = np.asarray(uniques.argsort())
    return Factor(_rank(codes, order), uniques.take(order), nature, ColumnType(dtype))


def _plain(name: str, cells: npt.NDArray[Any]) -> Factor:
    dtype = cells.dtype
    nature = _KINDS.get(dtype.kind)
    if nature is None:
        raise _unsupported(name, f"cells of type {dtype}")
    if dtype.kind == "f":
        codes, uniques = _floats(cells)
    elif dtype.kind == "b":
        codes, small = _integers(cells.view(np.uint8))
        uniques = small.view(np.bool_)
    elif dtype.kind in "Mm":
        codes, uniques = _hashed(cells)
    else:
        codes, uniques = _integers(cells)
    return Factor(codes, uniques, nature, ColumnType(dtype))


def _floats(cells: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    n = len(cells)
    if n > _SORT_BELOW:
        sample = cells[:: n // _SAMPLE]
        # Hashing wins when values repeat, and loses by half when nearly all differ.
        if len(np.unique(sample)) < 0.99 * len(sample):
            return _hashed(cells)
    return _sorted(cells)


def _sorted(cells: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    order = np.argsort(cells)
    ascending = cells[order]
    n = int(np.searchsorted(ascending, np.nan)) if len(cells) and np.isnan(ascending[-1]) else len(cells)
    codes = np.full(len(cells), -1, dtype=np.int32) if n < len(cells) else np.empty(n, dtype=np.int32)
    ascending = ascending[:n]
    first = np.empty(n, dtype=np.bool_)
    first[:1] = True
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    ranks = np.cumsum(first, dtype=np.int32)
    ranks -= 1
    codes[order[:n]] = ranks
    return codes, ascending[first]


def _hashed(cells: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    codes, found = pd.factorize(cells)
    uniques = np.asarray(found)
    order = np.argsort(uniques)
    return _rank(codes, order), uniques[order]


def _integers(cells: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    if not len(cells):
        return np.empty(0, dtype=np.int32), cells
    low, high = cells.min(), cells.max()
    span = int(high) - int(low)
    if span > max(4 * len(cells), 1 << 12):
        return _hashed(cells)
    # Counting: the span is small, so no value needs to be compared with another.
    positions = cells.astype(np.int64) - int(low) if cells.dtype.kind == "i" else (cells - low).astype(np.int64)
    present = np.zeros(span + 1, dtype=np.bool_)
    present[positions] = True
    ranks = np.cumsum(present, dtype=np.int32)
    ranks -= 1
    uniques = np.flatnonzero(present).astype(cells.dtype)
    uniques += low
    return ranks[positions], uniques


def _rank(codes: npt.NDArray[np.intp], order: npt.NDArray[np.intp]) -> Codes:
    """Codes in order of appearance (-1: missing) turned into codes in ascending order."""
    ranks = np.empty(len(order) + 1, dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    ranks[-1] = -1
    return ranks.take(codes)


def _objects(name: str, cells: npt.NDArray[Any]) -> Factor:
    found = infer_dtype(cells, skipna=True)
    nature = _OBJECTS.get(found)
    if nature is None:
        raise _bad_objects(name, cells, found)
    codes, uniques = pd.factorize(cells)
    uniques = np.asarray(uniques, dtype=object)
    if nature is Nature.TEXT:
        _check_texts(name, uniques)
    if nature is Nature.TIME and any(time.tzinfo is not None for time in uniques):
        raise _unsupported(name, "times of day with a time zone")
    try:
        order = np.array(sorted(range(len(uniques)), key=uniques.__getitem__), dtype=np.intp)
    except TypeError:
        raise _mixed(name, "objects that cannot be put in order") from None
    python = "" if found == "empty" else found
    missing = None if (holes := np.flatnonzero(codes < 0)).size == 0 else cells[holes[0]]
    if missing is not None and missing is not pd.NA and missing is not pd.NaT:
        missing = np.nan  # NaN of any type, such as decimal's, is one NaN
    ranked = np.empty(len(uniques), dtype=object)
    ranked[:] = [uniques[position] for position in order]
    digits = digits_of(ranked) if found == "decimal" else None
    return Factor(_rank(codes, order), ranked, nature, ColumnType(cells.dtype, python, missing, digits))


def digits_of(values: Iterable[decimal.Decimal]) -> tuple[int, int]:
    """The most digits before and after the point."""
    before = after = 0
    for value in values:
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int):  # else infinite, which is refused elsewhere
            before, after = max(before, value.adjusted() + 1), max(after, -exponent)
    return before, after


def _check_texts(name: str, values: Typed) -> None:
    """Refuse halves of characters (surrogates), of bytes read in the wrong encoding: no file can hold them."""
    dtype = values.dtype
    if dtype.kind != "O" or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"):
        return
    texts = [value for value in values.tolist() if isinstance(value, str)]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        wrong = sum(any("\ud800" <= sign <= "\udfff" for sign in text) for text in texts)
        raise DataError(
            f"column {name!r} holds halves of characters (surrogates) in {wrong} of its {len(values)} distinct values",
            need="text that UTF-8 can write",
            fix=f"read {name!r} again in the encoding it was written in, or leave it out",
        ) from None


def _extension_nature(dtype: Any) -> Nature | None:
    if isinstance(dtype, pd.StringDtype):
        return Nature.TEXT
    if isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)):
        return None
    scalar = dtype.type
    for types, nature in (
        ((bool, np.bool_), Nature.TRUTH),
        ((int, float, np.number, decimal.Decimal), Nature.NUMBER),
        ((str,), Nature.TEXT),
        ((dt.date,), Nature.DATE),
        ((dt.timedelta,), Nature.DURATION),
        ((dt.time,), Nature.TIME),
    ):
        if isinstance(scalar, type) and issubclass(scalar, types):
            return nature
    return None


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _days(uniques: Typed) -> Floats:
    if not len(uniques):
        return np.empty(0, dtype=np.float64)
    if isinstance(uniques, np.ndarray) and uniques.dtype.kind == "O":
        first = uniques[0]
        if isinstance(first, dt.date) and not isinstance(first, dt.datetime):
            return np.array([(day - _EPOCH).days for day in uniques], dtype=np.float64)
    elif isinstance(uniques, np.ndarray):
        unit, step = np.datetime_data(uniques.dtype)
        if unit in _DAY:
            return uniques.view(np.int64) * step / _DAY[unit]
    values = pd.Series(list(uniques) if isinstance(uniques.dtype, pd.ArrowDtype) else uniques)
    index: Any = pd.TimedeltaIndex(values) if isinstance(values.iloc[0], dt.timedelta) else pd.DatetimeIndex(values)
    return np.asarray(index.asi8 / _DAY[index.unit], dtype=np.float64)


def _unsupported(name: str, what: str) -> DataError:
    return DataError(
        f"column {name!r} holds {what}",
        need="numbers, text, true/false, categories, dates, durations or times of day",
        fix=f"convert {name!r} to one of these, or leave it out",
    )


def _mixed(name: str, what: str) -> DataError:
    return DataError(
        f"column {name!r} holds {what}",
        need="cells of one type in a column (missing cells apart)",
        fix=f"convert {name!r} to one type, for example with .astype(str), or split it into several columns",
    )


def _bad_objects(name: str, cells: npt.NDArray[Any], found: str) -> DataError:
    nested = sum(isinstance(cell, (list, dict, tuple, set, frozenset, np.ndarray, pd.Series)) for cell in cells)
    if nested:
        return DataError(
            f"column {name!r} holds nested values (lists, mappings or arrays) in {nested} of {len(cells)} cells",
            need="one value in a cell",
            fix=f"spread {name!r} over several columns, or leave it out",
        )
    if found not in ("mixed", "mixed-integer"):
        return _unsupported(name, f"objects of type {found}")
    types = sorted({type(cell).__name__ for cell in cells[~np.asarray(pd.isna(cells))]})
    return _mixed(name, f"objects of {len(types)} types ({', '.join(types[:5])}{' ...' if len(types) > 5 else ''})")
