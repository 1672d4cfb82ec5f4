"""Sets as lazy Dask DataFrames: each partition is read by the task that needs it.

Importing this module imports `dask.dataframe`, so it is imported only where a lazy frame is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dask.config
import dask.dataframe as dd

from replicant.plan.names import SET_COLUMN

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_of"]


def frame_of(loads: Sequence[tuple[int, Callable[[], pd.DataFrame]]], meta: pd.DataFrame, *, numbered: bool) -> Any:
    """A lazy frame of partitions.

    Parameters
    ----------
    loads
        The number of an imputation, from 1, and a function that any worker can call for some of its rows.
    meta
        A frame without rows: columns and types.
    numbered
        Whether the first column, `imputation`, says the number.

    Returns
    -------
    dask.dataframe.DataFrame
        A partition for each of `loads`, in their order.
    """
    if numbered:
        meta = meta.copy()
        meta.insert(0, SET_COLUMN, 0)
    options: dict[str, Any] = {"numbered": numbered, "meta": meta, "label": "synthetic", "enforce_metadata": False}
    # Dask would make its own kind of strings of ours.
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_map(_load, list(loads), **options)  # type: ignore[no-untyped-call]


def _load(one: tuple[int, Callable[[], pd.DataFrame]], numbered: bool) -> pd.DataFrame:
    imputation, load = one
    frame = load()
    if numbered:
        frame = frame.copy(deep=False)
        frame.insert(0, SET_COLUMN, imputation)
    return frame
