"""How many cells hold each value of a column: counted in some of its rows, and added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["code_counts", "distinct_values", "level_counts", "summed"]


def distinct_values(cells: pd.Series[Any]) -> tuple[list[Any], npt.NDArray[np.intp]]:
    """Distinct values (categories, unused ones too), and the position of each cell's; -1, the last, where missing."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return cells.dtype.categories.tolist(), np.asarray(cells.cat.codes, dtype=np.intp)
    codes, values = pd.factorize(cells)
    return values.tolist(), np.asarray(codes, dtype=np.intp)


def code_counts(codes: npt.NDArray[Any], size: int = 0) -> npt.NDArray[np.intp]:
    """(size,) or more: how many cells have each code. What is missing, with a negative code, does not count."""
    return np.bincount(codes[codes >= 0], minlength=size)


def level_counts(cells: pd.Series[Any]) -> dict[Any, int]:
    """How many cells hold each level: in the order of categories, unused ones too, else as they first occur."""
    levels, codes = distinct_values(cells)
    return dict(zip(levels, code_counts(codes, len(levels)).tolist(), strict=True))


def summed(*counts: Mapping[Any, int]) -> dict[Any, int]:
    """Counts of several parts added up, in the order in which their keys first occur."""
    out: dict[Any, int] = {}
    for part in counts:
        for key, count in part.items():
            out[key] = out.get(key, 0) + count
    return out
