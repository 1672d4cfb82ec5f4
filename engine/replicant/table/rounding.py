"""Digits after the point as declared: what has more of them is rounded, before anything is drawn from it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.table.arrays import Floats
from replicant.table.codebook import ColumnSpec
from replicant.table.factor import Factor, Nature, factorize

__all__ = ["revalued", "round_numbers", "to_decimals"]

_CONTEXT = Context(prec=100)


def round_numbers(numbers: Floats, decimals: int) -> Floats:
    """Numbers to so many digits after the point: those that parsing the decimal texts gives; NaN stays."""
    if decimals == 0:
        return np.rint(numbers)
    scale = 10.0**decimals
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.rint(numbers * scale) / scale
    return np.where(np.isfinite(near), near, numbers)


def to_decimals(name: str, factor: Factor, spec: ColumnSpec) -> tuple[Factor, int]:
    """A column with no more digits after the point than are declared.

    Returns
    -------
    Factor and int
        The column, and how many of its cells were rounded.

    Raises
    ------
    SpecError
        It holds texts that spell numbers with more digits, or rounding would make a coded missing value of a number.
    """
    numeric = spec.kind is None or spec.kind.is_numeric
    if spec.decimals is None or not numeric or factor.nature in (Nature.TRUTH, Nature.DATE, Nature.TIME):
        return factor, 0
    if factor.nature in (Nature.TEXT, Nature.CATEGORY):
        return _check_texts(name, factor, spec)
    stored = factor.uniques.dtype
    before = pd.Series(factor.uniques, dtype=stored)
    after = pd.Series(_rounded(factor, spec.decimals), dtype=stored)
    coded = before.isin(spec.missing_codes).to_numpy(dtype=np.bool_)
    changed = (before != after).to_numpy(dtype=np.bool_) & ~coded
    if not changed.any():
        return factor, 0
    if after[changed].isin(spec.missing_codes).any():
        raise SpecError(
            f"columns.{name}.decimals is {spec.decimals}: rounded so, a number is one of the coded missing values",
            fix=f"declare more decimals, or leave columns.{name}.decimals out",
        )
    return revalued(name, factor, after.where(changed, before).astype(before.dtype)), int(factor.counts[changed].sum())


def revalued(name: str, factor: Factor, values: pd.Series[Any]) -> Factor:
    """A column with other values in place of its distinct ones."""
    again = factorize(name, values)
    codes = np.append(again.codes, np.int32(-1)).take(factor.codes)
    return Factor(codes, again.uniques, factor.nature, replace(again.type, missing=factor.type.missing))


def _check_texts(name: str, factor: Factor, spec: ColumnSpec) -> tuple[Factor, int]:
    """Texts are drawn as they stand: they cannot be rounded."""
    if spec.kind is None or spec.decimals is None:
        return factor, 0
    values = pd.Series(list(factor.uniques), dtype=object)
    numbers = np.asarray(pd.to_numeric(values[~values.isin(spec.missing_codes)], errors="coerce"), dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if (round_numbers(numbers, spec.decimals) != numbers).any():
        raise SpecError(
            f"columns.{name}.decimals is {spec.decimals}, but the column holds texts that spell numbers with more",
            need="numbers, which can be rounded",
            fix=f"convert {name!r} to numbers, or leave columns.{name}.decimals out",
        )
    return factor, 0


def _rounded(factor: Factor, decimals: int) -> Any:
    values = factor.uniques
    if factor.nature is Nature.DURATION:
        return factor.type.restore_numbers(round_numbers(factor.numbers(), decimals))
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "f":
            return round_numbers(values.astype(np.float64), decimals).astype(values.dtype)
        if values.dtype.kind != "O":
            return values
        out = np.empty(len(values), dtype=object)
        out[:] = [_object(value, decimals) for value in values]
        return out
    if values.dtype.kind in "iu":
        return values
    if isinstance(values.dtype, pd.ArrowDtype) and issubclass(values.dtype.type, Decimal):
        build: Any = pd.array
        return build([_object(value, decimals) for value in values], dtype=values.dtype)
    return pd.Series(values).map(lambda value: _object(float(value), decimals)).astype(values.dtype).array


def _object(value: Any, decimals: int) -> Any:
    if isinstance(value, Decimal):
        return _CONTEXT.quantize(value, Decimal(1).scaleb(-decimals)) if value.is_finite() else value
    return float(round_numbers(np.array([value]), decimals)[0]) if isinstance(value, float) else value
