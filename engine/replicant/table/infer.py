"""Which kind a column is, judged by its distinct values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.table.arrays import Floats, Typed
from replicant.table.factor import Factor, Nature
from replicant.table.kinds import Kind

__all__ = ["MOST_DECIMALS", "count_decimals", "dates_in_text", "infer_kind", "numbers_in_text", "spells_dates"]

MOST_DECIMALS = 10
_PROBE = 512
_TWO = 2
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?")


def infer_kind(factor: Factor, numbers: Floats | None, decimals: int | None, levels: int) -> tuple[Kind, str]:
    """Kind of a column of which nothing was declared, and why.

    Parameters
    ----------
    factor
        The column's distinct values.
    numbers
        They as numbers, coded missing values left out; None if they are not numbers.
    decimals
        Digits after the point of `numbers`, None if there are more than ten.
    levels
        How many distinct values there are, coded missing values left out.
    """
    nature = factor.nature
    if nature is Nature.TRUTH:
        return Kind.BINARY, "true/false"
    if nature is Nature.CATEGORY:
        if factor.uniques.size and factor.type.dtype.ordered:  # type: ignore[union-attr]
            return Kind.ORDERED, "ordered categories"
        return (Kind.BINARY, "two categories") if levels == _TWO else (Kind.NOMINAL, "categories")
    if nature is Nature.DATE:
        return Kind.DATE, "dates"
    if nature is Nature.DURATION:
        return Kind.CONTINUOUS, "durations, in days"
    if nature is Nature.TIME:
        return Kind.CONTINUOUS, "times of day, in hours"
    if nature is Nature.TEXT:
        if numbers is None:
            return (Kind.BINARY, "two levels of text") if levels == _TWO else (Kind.NOMINAL, "text")
        if spells_dates(factor):
            return Kind.DATE, "ISO dates written as text"
    assert numbers is not None
    return _number_kind(numbers, decimals)


def _number_kind(numbers: Floats, decimals: int | None) -> tuple[Kind, str]:
    if not len(numbers):
        return Kind.CONTINUOUS, "numbers, all missing"
    if len(numbers) == _TWO and numbers[0] == 0 and numbers[1] == 1:
        return Kind.BINARY, "only 0 and 1"
    if decimals != 0:
        return Kind.CONTINUOUS, "numbers with decimals"
    if numbers[0] < 0:
        return Kind.CONTINUOUS, "whole numbers, some negative"
    return Kind.COUNT, "whole numbers, none negative"


def count_decimals(numbers: Floats, stored: np.dtype[Any] | None = None) -> int | None:
    """Digits after the point that write every number exactly, None if more than ten are needed.

    Parameters
    ----------
    numbers
        Numbers without NaN.
    stored
        The narrower type they came from, if any: 0.1 in float32 has one digit there, and many as float64.
    """
    if not len(numbers):
        return None
    narrow = stored if stored is not None and stored.itemsize < numbers.dtype.itemsize else None
    least = 0
    # Most columns are settled by a probe, which saves ten scans of a column with many digits.
    for part in (numbers[:: len(numbers) // _PROBE], numbers) if len(numbers) > 2 * _PROBE else (numbers,):
        rest = part
        for digits in range(least, MOST_DECIMALS + 1):
            rest = rest[~_written_with(rest, digits, narrow)]
            if not len(rest):
                least = digits
                break
        else:
            return None
    return least


def _written_with(numbers: Floats, digits: int, narrow: np.dtype[Any] | None) -> npt.NDArray[np.bool_]:
    # Rounding to the nearest multiple, then one correctly rounded division: what parsing the decimal text gives.
    scale = 10.0**digits
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.rint(numbers * scale) / scale if digits else np.rint(numbers)
        same: npt.NDArray[np.bool_] = near == numbers if narrow is None else near.astype(narrow) == numbers
    return same


def numbers_in_text(texts: Typed) -> Floats:
    """Numbers that texts spell, NaN where a text is no number."""
    return np.asarray(pd.to_numeric(pd.Series(list(texts), dtype=object), errors="coerce"), dtype=np.float64)


def spells_dates(factor: Factor) -> bool:
    """Whether any distinct text is an ISO date: of a column of texts that spell numbers of one sort or the other."""
    return any(isinstance(text, str) and _ISO.fullmatch(text) is not None for text in factor.uniques)


def dates_in_text(texts: Typed) -> Floats | None:
    """Days since 1970-01-01 that texts spell as ISO dates (a time may follow), None if any of them does not."""
    values = list(texts)
    if not values or not all(isinstance(text, str) and _ISO.fullmatch(text) for text in values):
        return None
    try:
        moments = np.array([text.replace(" ", "T") for text in values], dtype="datetime64[us]")
    except ValueError:
        return None
    return moments.view(np.int64) / 86_400_000_000
