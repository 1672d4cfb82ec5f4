"""What a column's cells were made of, and how to make such cells again from codes.

Decoding is one `take` per column: the distinct values of a column stand in a *lookup* whose tail is laid out for
negative positions, `[values..., coded missing values in reverse, missing]`, so that code -1 finds the missing cell and
code -(2 + i) the i-th coded missing value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from replicant.table.arrays import Codes, Floats, Typed
from replicant.table.computed import days_as_moments, decimals_as_text, numbers_as_objects
from replicant.table.times import is_time, times_as_arrow

__all__ = ["ColumnType"]

_CONTEXT = Context(prec=100)
_MEASURED = frozenset({"integer", "floating", "mixed-integer-float", "decimal", "date", "datetime", "datetime64"})
_MEASURED |= {"timedelta", "timedelta64", "time"}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The original type of a column's cells.

    Attributes
    ----------
    dtype
        The NumPy or pandas dtype, categories, time zone and unit included.
    python
        For dtype object, what the objects are (`date`, `string`, `decimal` ...); otherwise empty.
    missing
        For dtype object, the object that stood in missing cells (None, NaN, NaT ...).
    digits
        For decimals that are objects, the most digits before and after the point that any cell needs.
    whole_days
        For dates, whether all of them are whole days.
    """

    dtype: np.dtype[Any] | ExtensionDtype
    python: str = ""
    missing: Any = None
    digits: tuple[int, int] | None = None
    whole_days: bool = False

    def __str__(self) -> str:
        return f"object[{self.python}]" if self.python else str(self.dtype)

    @property
    def is_time(self) -> bool:
        """Whether cells are times of day."""
        return self.python == "time" or is_time(self.dtype)

    @property
    def is_duration(self) -> bool:
        """Whether cells are durations."""
        return self.dtype.kind == "m" or self.python.startswith("timedelta")

    @property
    def number(self) -> np.dtype[Any] | None:
        """The NumPy dtype in which numbers are stored, None if the cells are not plain numbers."""
        if isinstance(self.dtype, np.dtype):
            return self.dtype if self.dtype.kind in "iuf" else None
        if getattr(self.dtype, "kind", "") in ("i", "u", "f"):
            inner = getattr(self.dtype, "numpy_dtype", None)
            return np.dtype(inner) if inner is not None else None
        return None

    @property
    def reach(self) -> tuple[float, float] | None:
        """The least and the largest float64 that a type of plain numbers holds, as it is or rounded; None of others."""
        number = self.number
        if number is None:
            return None
        if number.kind == "f":
            most = float(np.finfo(number).max)
            return -most, most
        limits = np.iinfo(number)
        # The largest integers of 64 bits are no float64, and what is next to them would not fit.
        most = float(limits.max)
        return float(limits.min), most if int(most) == limits.max else float(np.nextafter(most, 0.0))

    def cells(self, values: Typed) -> Typed:
        """New whole numbers or texts as cells of the type."""
        if isinstance(self.dtype, pd.CategoricalDtype):
            return pd.Index(values)
        return values.astype(self.dtype) if isinstance(self.dtype, np.dtype) else pd.array(values, dtype=self.dtype)

    @property
    def scale(self) -> int | None:
        """Digits after the point of decimals, None for other types."""
        if self.digits is not None:
            return self.digits[1]
        scale: int | None = None
        if isinstance(self.dtype, pd.ArrowDtype) and issubclass(self.dtype.type, Decimal):
            scale = self.dtype.pyarrow_dtype.scale
        return scale

    def lookup(self, originals: Typed, missing_codes: Sequence[Any]) -> Typed:
        """Distinct values, then the values of negative codes (see the module's docstring)."""
        dtype = self.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            positions = [*dtype.categories.get_indexer(pd.Index(originals)), *_positions(dtype, missing_codes), -1]
            return np.array(positions, dtype=_smallest(len(dtype.categories)))
        tail = [*reversed(missing_codes)]
        if isinstance(dtype, np.dtype):
            if dtype.kind == "O":
                out = np.empty(len(originals) + len(tail) + 1, dtype=object)
                out[: len(originals)] = [self.scaled(value) for value in originals]
                out[len(originals) : -1] = [self.scaled(value) for value in tail]
                out[-1] = self.missing
                return out
            ends = [_cast(value, dtype) for value in tail]
            return np.concatenate([originals, np.array([*ends, _hole(dtype)], dtype=dtype)])
        ends = [_end(value, dtype) for value in (*tail, pd.NA)]
        return pd.concat([pd.Series(each) for each in (originals, *ends)], ignore_index=True).array

    def restore(self, lookup: Typed, codes: Codes) -> Typed:
        """Cells of the original type for `codes`; where the type has no missing cell and one is needed, a wider type.

        Integers that must hold a missing value become float64 and booleans become objects, as pandas does it.
        """
        dtype = self.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return pd.Categorical.from_codes(lookup.take(codes), dtype=dtype, validate=False)
        if not isinstance(dtype, np.dtype):
            return lookup.take(codes)
        cells = lookup.take(codes)
        if dtype.kind in "iub":
            holes = codes == -1
            if holes.any():
                cells = cells.astype(np.float64 if dtype.kind != "b" else object)
                cells[holes] = np.nan
        elif dtype.kind == "O":
            # Left alone, pandas would guess a type for the objects.
            return pd.Series(cells, dtype=object, copy=False)
        return cells

    def scaled(self, value: Any) -> Any:
        """A decimal with as many digits after the point as the column has; anything else as it is."""
        if self.digits is None or isinstance(value, bool) or not isinstance(value, Decimal | int | float):
            return value
        try:
            return _CONTEXT.quantize(Decimal(str(value)), Decimal(1).scaleb(-self.digits[1]))
        except InvalidOperation:
            return value

    def restore_numbers(self, exact: Floats) -> Typed:
        """Computed numbers (NaN: missing; dates and durations: days, times of day: hours) in the original type.

        In float64 where it does not hold them all. Those of a type that has neither numbers nor dates are float64 in
        any case.
        """
        dtype = self.dtype
        number = self.number
        reach = self.reach
        if number is None or reach is None:
            return self._restore_measured(exact)
        if number.kind == "f":
            if not ((exact >= reach[0]) & (exact <= reach[1]) | np.isnan(exact)).all():
                return exact
            return exact.astype(number) if isinstance(dtype, np.dtype) else _extension(exact, dtype)
        holes = np.isnan(exact)
        if holes.any() and isinstance(dtype, np.dtype):
            return exact
        whole = np.where(holes, 0.0, exact)
        inside = (whole >= reach[0]) & (whole <= reach[1]) & (np.rint(whole) == whole)
        if not inside.all():
            return exact
        if isinstance(dtype, np.dtype):
            return whole.astype(number)
        cells = _extension(whole.astype(number), dtype)
        cells[holes] = pd.NA
        return cells

    def _restore_measured(self, exact: Floats) -> Typed:
        """Of types that are no plain numbers: decimals, dates, durations."""
        dtype = self.dtype
        if isinstance(dtype, np.dtype):
            if dtype.kind in "mM":
                return days_as_moments(exact, np.datetime_data(dtype)[0], dtype.kind)
            if not self.is_measured or (self.python == "integer" and (np.rint(exact) != exact)[~np.isnan(exact)].any()):
                return exact
            return numbers_as_objects(exact, self.python, self.missing, self.digits)
        if isinstance(dtype, pd.DatetimeTZDtype):
            moments = days_as_moments(exact, dtype.unit, "M")
            return pd.DatetimeIndex(moments, tz="UTC").tz_convert(dtype.tz).array
        if isinstance(dtype, pd.ArrowDtype) and self.is_measured:
            return _as_arrow(exact, dtype)
        return exact

    @property
    def is_measured(self) -> bool:
        """Whether cells are numbers, dates, durations or times, and computed ones can be of the type."""
        dtype = self.dtype
        if isinstance(dtype, np.dtype):
            return dtype.kind in "iufmM" or (dtype.kind == "O" and self.python in _MEASURED)
        if isinstance(dtype, pd.ArrowDtype):
            kinds = (float, int, np.number, Decimal, dt.date, dt.timedelta, dt.time)
            return issubclass(dtype.type, kinds) and dtype.kind != "b"
        return isinstance(dtype, pd.DatetimeTZDtype) or self.number is not None


def _as_arrow(exact: Floats, dtype: pd.ArrowDtype) -> Typed:
    """Days, or decimals, in one of Arrow's types."""
    import pyarrow as pa

    stored = dtype.pyarrow_dtype
    holes = np.isnan(exact)
    if pa.types.is_decimal(stored):
        array = pa.array(decimals_as_text(exact, stored.scale), pa.string()).cast(stored)
    elif pa.types.is_date(stored):
        days = np.where(holes, 0, np.rint(np.where(holes, 0, exact))).astype(np.int64)
        array = pa.array(days.astype("M8[D]"), mask=holes).cast(stored)
    elif is_time(dtype):
        array = times_as_arrow(exact, stored)
    else:
        kind = "m" if pa.types.is_duration(stored) else "M"
        array = pa.array(days_as_moments(exact, stored.unit, kind))
        if kind == "M" and stored.tz is not None:
            array = array.cast(pa.timestamp(stored.unit, "UTC"))
        array = array.cast(stored)
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([array]))


def _smallest(categories: int) -> type[np.signedinteger[Any]]:
    return np.int8 if categories < 128 else np.int16 if categories < 32768 else np.int32


def _positions(dtype: pd.CategoricalDtype, missing_codes: Sequence[Any]) -> list[int]:
    known = {value: position for position, value in enumerate(dtype.categories)}
    return [known.get(code, -1) for code in reversed(missing_codes)]


def _hole(dtype: np.dtype[Any]) -> Any:
    """The value that fills a missing cell in an array of this dtype (integers and booleans have none: zero)."""
    if dtype.kind in "Mm":
        return np.array("NaT", dtype=dtype)[()]
    return np.nan if dtype.kind == "f" else 0


def _cast(value: Any, dtype: np.dtype[Any]) -> Any:
    """A declared coded missing value in the dtype, or a hole when it cannot stand there (and so never occurs)."""
    try:
        cast = np.array([value]).astype(dtype)[0]
    except (TypeError, ValueError, OverflowError):
        return _hole(dtype)
    return cast


def _end(value: Any, dtype: ExtensionDtype) -> Any:
    """`_cast` for extension types, one cell of them: values that can be converted each may not be so together."""
    try:
        return _extension([value], dtype)
    except (TypeError, ValueError, OverflowError):
        return _extension([pd.NA], dtype)


def _extension(values: Any, dtype: ExtensionDtype) -> Any:
    build: Any = pd.array  # its overloads list dtypes one by one
    return build(values, dtype=dtype)
