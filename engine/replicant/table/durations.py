"""Durations, whatever holds them: NumPy's types, Arrow's, or objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from replicant.table.arrays import Floats

__all__ = ["are_durations", "elapsed"]


def are_durations(cells: pd.Series[Any]) -> bool:
    """Whether cells are durations."""
    if cells.dtype == object:
        return pd.api.types.infer_dtype(cells, skipna=True).startswith("timedelta")
    return cells.dtype.kind == "m"


def elapsed(cells: pd.Series[Any]) -> Floats:
    """Seconds of durations, NaN where one is missing."""
    durations = pd.to_timedelta(cells) if cells.dtype == object else cells
    return np.array(durations.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan))
