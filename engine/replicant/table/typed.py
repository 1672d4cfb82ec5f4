"""Columns as analyses see them: what the codebook says, whatever form the cells of a frame have.

A frame may come from a synthesis, a file of a release, a CSV, or a user's own work: levels as categoricals, texts or
numbers, raw values instead of labels, coded missing values among numbers, dates as text. `typed` gives each column the
one form that every estimator relies on: levels as a categorical in the codebook's order, numbers as numbers, dates as
dates, and every kind of missing as a missing cell. A column that is so already is left as it is.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError
from replicant.table.codebook import ColumnSpec
from replicant.table.counts import code_counts, distinct_values
from replicant.table.durations import are_durations, elapsed
from replicant.table.infer import numbers_in_text
from replicant.table.kinds import Kind
from replicant.table.recode import recoding
from replicant.table.times import hours_in, hours_of, is_time

__all__ = ["analysed_dtype", "is_indicator", "typed"]

_INDICATOR = ([0, 1], [1], [0])
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def typed(frame: pd.DataFrame, codebook: Mapping[str, ColumnSpec], used: Collection[str] | None = None) -> pd.DataFrame:
    """A frame with the columns that analyses see.

    Parameters
    ----------
    frame
        The rows: raw, labelled, or typed already.
    codebook
        What the columns are. Columns of the frame that it does not name stay as they are; a column with a `source` is
        made from that one.
    used
        Columns that matter; None: all.

    Returns
    -------
    DataFrame
        The same rows. A column of levels is a categorical in the order of the codebook, without coded missing values;
        one of 0 and 1 stays a number (it is its own indicator). A column of numbers is numeric, a date a datetime.

    Raises
    ------
    DataError
        A column holds what its codebook does not allow.
    """
    changed: dict[str, Any] = {}
    sources: set[str] = set()
    types = dict(zip(frame.columns, frame.dtypes, strict=True))  # quicker than a column at a time
    for name, spec in codebook.items():
        if used is not None and name not in used:
            continue
        raw = name if name in types else spec.source
        if raw is None or raw not in types or (raw == name and _is_typed(types[name], spec)):
            continue
        given = frame[raw]
        cells = _column(name, given, spec)
        if raw != name:
            sources.add(raw)
        if cells is not given or raw != name:
            changed[name] = cells
    if not changed:
        return frame
    return frame.drop(columns=[name for name in sources if name not in codebook]).assign(**changed)


def is_indicator(kind: Kind | None, levels: Sequence[Any] | None) -> bool:
    """Whether a column of levels is 0 and 1, which models take as a number."""
    plain = [level for level in levels or () if not isinstance(level, (str, bool, np.bool_))]
    return kind is Kind.BINARY and len(plain) == len(levels or ()) and plain in _INDICATOR


def analysed_dtype(levels: Sequence[Any], *, ordered: bool) -> pd.CategoricalDtype:
    """The dtype of a column of levels: false and true are there both, whether or not they occur."""
    if levels and all(isinstance(level, (bool, np.bool_)) for level in levels):
        levels = [False, True]
    return pd.CategoricalDtype(list(levels), ordered=ordered)


def _is_typed(dtype: Any, spec: ColumnSpec) -> bool:
    """Whether the type alone says that a column has its form already, which most columns of a synthesis have."""
    kind = spec.kind
    if kind is None or kind is Kind.IDENTIFIER:
        return True
    if spec.labels or spec.missing_codes:
        return False
    if kind.is_categorical and not is_indicator(kind, spec.levels):
        categories = isinstance(dtype, pd.CategoricalDtype) and dtype.ordered == (kind is Kind.ORDERED)
        return categories and dtype.categories.tolist() == spec.levels
    if kind is Kind.DATE:
        return isinstance(dtype, np.dtype) and dtype.kind == "M"
    return isinstance(dtype, np.dtype) and dtype.kind in "iuf"


def _column(name: str, cells: pd.Series[Any], spec: ColumnSpec) -> pd.Series[Any]:
    kind = spec.kind
    if kind is None or kind is Kind.IDENTIFIER:
        return cells
    found = recoding(spec)
    levels = spec.levels
    codes: Collection[Any] = spec.missing_codes
    if found is not None:
        cells = _labelled(name, cells, found.labels, {*found.levels, *found.missing.values()})
        codes, levels = [*found.missing.values()], found.levels if kind.is_categorical else None
    if kind.is_categorical and not is_indicator(kind, levels):
        return _categorical(name, cells, kind, levels, codes)
    return _dates(name, cells, codes) if kind is Kind.DATE else _numbers(name, cells, kind, codes)


# --- labels ----------------------------------------------------------------------------------------------------------


def _labelled(name: str, cells: pd.Series[Any], labels: Mapping[Any, Any], known: Collection[Any]) -> pd.Series[Any]:
    """Raw values by their labels; a column that holds labels already stays as it is."""
    values, codes = distinct_values(cells)
    here = [value for value, count in zip(values, code_counts(codes, len(values)), strict=True) if count]
    if all(value in known for value in here):
        return cells
    position = _finder(list(labels))
    to = list(labels.values())
    at = [position(value) for value in values]
    wrong = [i for i, one in enumerate(at) if one < 0]
    _refuse(name, codes, wrong, "have no label", "a label for every raw value", f"add them under columns.{name}.labels")
    new = np.empty(len(values) + 1, dtype=object)
    new[:-1] = [to[one] if one >= 0 else None for one in at]
    new[-1] = None
    return pd.Series(new[codes], index=cells.index, name=cells.name, dtype=object)


# --- kinds -----------------------------------------------------------------------------------------------------------


def _categorical(
    name: str, cells: pd.Series[Any], kind: Kind, levels: Sequence[Any] | None, codes: Collection[Any]
) -> pd.Series[Any]:
    ordered = kind is Kind.ORDERED
    dtype = cells.dtype
    if levels is None:
        values, _ = distinct_values(cells)
        levels = values if isinstance(dtype, pd.CategoricalDtype) else _sorted(values)
    is_missing = _finder(list(codes))
    wanted = analysed_dtype([level for level in levels if is_missing(level) < 0], ordered=ordered)
    if (
        isinstance(dtype, pd.CategoricalDtype)
        and dtype.ordered == ordered
        and dtype.categories.equals(wanted.categories)
    ):
        return cells
    values, at = distinct_values(cells)
    position = _finder(list(wanted.categories))
    to = [position(value) for value in values]
    wrong = [i for i, one in enumerate(to) if one < 0 and is_missing(values[i]) < 0]
    _refuse(name, at, wrong, "are none of its levels", "values that are levels of the codebook, or its missing codes")
    new = np.array([*to, -1], dtype=np.int32)[at]
    return pd.Series(pd.Categorical.from_codes(new, dtype=wanted), index=cells.index, name=cells.name)


def _numbers(name: str, cells: pd.Series[Any], kind: Kind, codes: Collection[Any]) -> pd.Series[Any]:
    dtype = cells.dtype
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        numbers = [float(code) for code in codes if _spells_number(code)]
        if not numbers:
            return cells
        here = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        coded = np.isin(here, numbers)
        return _as(cells, np.where(coded, np.nan, here)) if coded.any() else cells
    if is_time(dtype):
        return _as(cells, _without(hours_of(cells), codes))
    if are_durations(cells):
        return _as(cells, elapsed(cells) / 86_400)
    values, at = distinct_values(cells)
    hours = hours_in(values)
    if hours is not None:
        return _as(cells, np.append(_without(hours, codes), np.nan)[at])
    is_missing = _finder(list(codes))
    found = np.fromiter(map(_number, values), dtype=np.float64, count=len(values))
    wrong = [i for i, value in enumerate(values) if not np.isfinite(found[i]) and is_missing(value) < 0]
    _refuse(name, at, wrong, f"are no numbers, and the column is {kind}", "numbers, or missing codes of the codebook")
    for i, value in enumerate(values):
        if is_missing(value) >= 0:
            found[i] = np.nan
    return _as(cells, np.append(found, np.nan)[at])


def _without(hours: npt.NDArray[np.float64], codes: Collection[Any]) -> npt.NDArray[np.float64]:
    """Hours since midnight, NaN where they are those of a coded missing value."""
    coded = hours_in(list(codes))
    return hours if coded is None else np.where(np.isin(hours, coded), np.nan, hours)


def _dates(name: str, cells: pd.Series[Any], codes: Collection[Any]) -> pd.Series[Any]:
    dtype = cells.dtype
    moments = pd.api.types.is_datetime64_any_dtype(dtype) and not isinstance(dtype, pd.ArrowDtype)
    if moments and not codes:
        return cells
    if pd.api.types.is_numeric_dtype(dtype):
        return cells
    values, at = distinct_values(cells)
    is_missing = _finder([str(code) for code in codes])
    coded = [is_missing(str(value)) >= 0 or is_missing(str(value).partition(" ")[0]) >= 0 for value in values]
    if moments and not any(coded):
        return cells
    texts = [None if is_coded else str(value) for value, is_coded in zip(values, coded, strict=True)]
    found = pd.to_datetime(pd.Series([*texts, None], dtype=object), format="ISO8601", errors="coerce", utc=True)
    wrong = [i for i, text in enumerate(texts) if text is not None and pd.isna(found.iloc[i])]
    _refuse(name, at, wrong, "are no dates", "ISO dates (2021-11-16, a time may follow), or missing codes")
    days = found.dt.tz_localize(None).dt.as_unit("us")
    return pd.Series(days.array[at], index=cells.index, name=cells.name)


# --- distinct values -------------------------------------------------------------------------------------------------


def _finder(known: Sequence[Any]) -> Callable[[Any], int]:
    """Position of a value among known ones, -1 if it is none. 1, 1.0 and "1" are one: files differ in that.

    So are decimals with more or fewer zeros at their end; a manifest has them as texts.
    """
    exact: dict[Hashable, int] = {}
    spelt: dict[str, int] = {}
    scaled: dict[decimal.Decimal, int] = {}
    for at, value in enumerate(known):
        if not isinstance(value, bool):
            exact.setdefault(value, at)
        spelt.setdefault(_text(value), at)
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            scaled.setdefault(decimal.Decimal(value), at)

    def find(value: Any) -> int:
        if not isinstance(value, bool):
            at = exact.get(value)
            if at is not None:
                return at
        at = spelt.get(_text(value), -1)
        return scaled.get(value, at) if isinstance(value, decimal.Decimal) else at

    return find


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating, decimal.Decimal)) and value == value // 1:
        return str(int(value))
    return str(value) if str(value) not in ("True", "TRUE", "False", "FALSE") else str(value).lower()


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(numbers_in_text([value])[0])
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _spells_number(code: Any) -> bool:
    return bool(np.isfinite(_number(code)))


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def _as(cells: pd.Series[Any], values: npt.NDArray[np.float64]) -> pd.Series[Any]:
    return pd.Series(values, index=cells.index, name=cells.name)


def _refuse(
    name: str, codes: npt.NDArray[np.intp], wrong: list[int], what: str, need: str, fix: str | None = None
) -> None:
    if not wrong:
        return
    counts = code_counts(codes, max(wrong) + 1)
    cells, distinct = int(counts[wrong].sum()), int(np.count_nonzero(counts[wrong]))
    if cells:
        raise DataError(
            f"column {name!r}: {distinct} distinct values, in {cells} cells, {what}",
            need=need,
            fix=fix or f"correct the data, or say what these values are in the codebook of {name!r}",
        )
