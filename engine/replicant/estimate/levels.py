"""Levels of columns: which columns have them, the same for all partitions, and the codes of cells among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.estimate.columns import check_comparisons, check_level, column, compared_with_values, label_of
from replicant.estimate.partitions import Source
from replicant.estimate.variable import Variable
from replicant.table.arrays import Floats
from replicant.table.times import is_times

__all__ = [
    "Factor",
    "Survey",
    "check_computed",
    "codes_of",
    "factor_of",
    "factors_of",
    "merge_surveys",
    "referring",
    "same_levels",
    "survey",
]


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """Levels of a categorical column."""

    values: pd.Index
    labels: tuple[str, ...]
    ordered: bool
    typed: bool = True  # the column has levels by its type; else they are values that were found


def codes_of(frame: pd.DataFrame, name: str, factor: Factor) -> np.ndarray[Any, Any]:
    """(n,) codes of the levels in a column, -1 missing."""
    cells = column(frame, name)
    array = cells.array
    if isinstance(array, pd.Categorical):
        codes = array.codes
        if array.categories is factor.values or array.categories.equals(factor.values):
            return np.asarray(codes)
        recode = np.append(factor.values.get_indexer(array.categories), -1)
        out, missing = recode[codes], codes < 0
    else:
        out, missing = factor.values.get_indexer(_index(cells)), cells.isna().to_numpy()
    unknown = int(np.count_nonzero((out < 0) & ~missing))
    if unknown:
        raise DataError(f"{name!r} has levels in {unknown} rows that are none of its levels", need="the same levels")
    return np.asarray(out)


@dataclass(frozen=True, eq=False, slots=True)
class _Levels:
    values: pd.Index
    ordered: bool
    typed: bool  # its type says that it has levels; else they were asked for


Survey: TypeAlias = "dict[str, _Levels | None]"


def survey(source: Source, names: Sequence[str], wanted: Sequence[str] = ()) -> Survey:
    """Levels of columns: of those whose type has them, and of those where they are wanted; None for numbers."""
    return source.reduce(partial(_survey, names=tuple(names), wanted=tuple(wanted)), merge_surveys)


def same_levels(a: Survey, b: Survey) -> bool:
    """Whether two surveys found the same."""
    return a.keys() == b.keys() and all(_same(one, b[name]) for name, one in a.items())


def _same(a: _Levels | None, b: _Levels | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.ordered == b.ordered and a.typed == b.typed and (a.values is b.values or a.values.equals(b.values))


def _survey(frame: pd.DataFrame, weights: Floats | None, names: tuple[str, ...], wanted: tuple[str, ...]) -> Survey:
    out: Survey = {}
    types = dict(zip(frame.columns, frame.dtypes, strict=True))  # quicker than a column at a time
    for name in names:
        dtype = types[name] if name in types else column(frame, name).dtype
        if isinstance(dtype, pd.CategoricalDtype):
            out[name] = _Levels(dtype.categories, bool(dtype.ordered), True)
        elif pd.api.types.is_bool_dtype(dtype):
            out[name] = _Levels(pd.Index([False, True]), False, True)
        elif _is_measured(dtype) or is_times(column(frame, name)):
            unique = _index(column(frame, name).dropna()).unique().sort_values() if name in wanted else None
            out[name] = None if unique is None else _Levels(unique, False, False)
        else:
            unique = pd.Index(column(frame, name).dropna().unique())
            if not all(isinstance(value, str) for value in unique):
                raise DataError(f"{name!r} is of type {dtype} with mixed values", need="numbers, texts or levels")
            out[name] = _Levels(unique.sort_values(), False, True)
    return out


def _index(cells: pd.Series[Any]) -> pd.Index[Any]:
    """Cells as pandas indexes them: it has no index of half precision, whose numbers a wider type holds as they are."""
    return pd.Index(cells.astype(np.float32) if cells.dtype == np.float16 else cells)


def _is_measured(dtype: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype))


def merge_surveys(a: Survey, b: Survey) -> Survey:
    """The union of the levels of two partitions."""
    out: Survey = {}
    for name, one in a.items():
        other = b[name]
        if one is None or other is None or one.values.equals(other.values):
            out[name] = one if one is not None else other
        elif one.ordered or other.ordered:
            raise DataError(
                f"the levels of {name!r} differ between partitions", need="the same levels in the same order"
            )
        else:
            out[name] = _Levels(one.values.union(other.values), False, one.typed or other.typed)
    return out


def factor_of(values: pd.Index, ordered: bool, typed: bool = True) -> Factor:
    """Levels with their labels."""
    return Factor(values, tuple(label_of(value) for value in values.tolist()), ordered, typed)


def referring(factor: Factor, variable: Variable) -> Factor:
    """A factor with the level first that the others are compared with."""
    if variable.reference is None:
        return factor
    at = check_level(variable.names[0], variable.reference, factor.values, public=factor.typed)
    order = [at, *(i for i in range(len(factor.labels)) if i != at)]
    return Factor(factor.values.take(order), tuple(factor.labels[i] for i in order), factor.ordered, factor.typed)


def check_computed(
    variable: Variable, found: Survey, levels: Mapping[str, Sequence[Any]] | None, source: Source
) -> None:
    """Refuse arithmetic with columns of levels, and comparisons with what is none of them."""
    known: dict[str, pd.Index | None] = {}
    kinds: dict[str, str] = {}
    for name in variable.names:
        one = found[name]
        known[name] = None if one is None or not one.typed else one.values
        kinds[name] = "number"
        if one is not None and one.typed:
            kinds[name] = "boolean" if one.values.dtype == bool else "ordered" if one.ordered else "nominal"
        if levels is not None and name in levels:
            known[name] = pd.Index(list(levels[name]))
    maybe_dates = tuple(name for name in compared_with_values(variable.node) if kinds[name] == "number")
    if maybe_dates:
        dates: set[str] = source.reduce(partial(_dates, names=maybe_dates), set.intersection)
        kinds |= dict.fromkeys(dates, "date")
    check_comparisons(variable.label, variable.node, known, kinds)


def _dates(frame: pd.DataFrame, weights: Floats | None, names: tuple[str, ...]) -> set[str]:
    return {name for name in names if pd.api.types.is_datetime64_any_dtype(column(frame, name).dtype)}


def factors_of(source: Source, names: Sequence[str]) -> dict[str, Factor]:
    """Levels of those of the columns that have them."""
    found = survey(source, names)
    return {name: factor_of(one.values, one.ordered) for name, one in found.items() if one is not None}
