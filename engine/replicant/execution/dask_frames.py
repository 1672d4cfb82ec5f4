"""Dask DataFrames: partitions that are given, sets as lazy frames, and Dask's own shuffle.

Importing this module imports `dask.dataframe`, so it is imported only where there is such a frame.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
from dask.delayed import delayed

from replicant.plan.names import SET_COLUMN

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["computed", "exchanged", "frame_of", "partitions_of"]

Load = Callable[[], pd.DataFrame]


def frame_of(loads: Sequence[tuple[int, Any]], meta: pd.DataFrame, *, numbered: bool) -> Any:
    """A lazy frame of partitions.

    Parameters
    ----------
    loads
        The number of an imputation, from 1, and a function that any worker can call for some of its rows, or the future
        of one.
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
    parts = [_task(_load, load, number if numbered else None, key=f"synthetic-{number}") for number, load in loads]
    # Dask would make its own kind of strings of ours.
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(parts, meta=meta, prefix="synthetic", verify_meta=False)


def _load(load: Load, imputation: int | None) -> pd.DataFrame:
    frame = load()
    if imputation is not None:
        frame = frame.copy(deep=False)
        frame.insert(0, SET_COLUMN, imputation)
    return frame


def partitions_of(frame: Any) -> list[Any]:
    """The partitions of a lazy frame, to be computed to frames as pandas itself would have them."""
    return [_task(_plain, part, key=f"partition-{at}") for at, part in enumerate(frame.to_delayed())]


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    # Dask stores strings in a way of its own, whatever their type was in the file.
    texts = [name for name, dtype in frame.dtypes.items() if dtype == "string[pyarrow]"]
    return frame.astype(dict.fromkeys(texts, "str")).reset_index(drop=True)


def computed(frame: Any, threads: int) -> list[pd.DataFrame]:
    """The partitions of a frame, computed in this process."""
    run: Callable[..., Any] = dask.compute  # type: ignore[attr-defined]
    return list(run(*partitions_of(frame), scheduler="threads", num_workers=threads))


def exchanged(client: Client, held: Sequence[Future[Any]], count: int) -> list[Future[Any]]:
    """Things that workers hold for others, with those for whom they are: through Dask's shuffle between workers.

    Parameters
    ----------
    client
        A synchronous client.
    held
        Futures of lists of (target, bytes).
    count
        How many targets there are.

    Returns
    -------
    list of Future
        For each target a list of bytes, in the order of `held`.
    """
    parts = [_task(_addressed, things, origin, key=f"addressed-{origin}") for origin, things in enumerate(held)]
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_delayed(parts, meta=_addressed([], 0), prefix="addressed", verify_meta=False)
        # Not by "p2p": at the level DEBUG workers log the messages of that, rows and all.
        moved = frame.set_index("target", divisions=list(range(count + 1)), shuffle_method="tasks")
    received = [_task(_received, part, key=f"received-{i}") for i, part in enumerate(moved.to_delayed())]
    futures: list[Future[Any]] = client.compute(received)  # type: ignore[no-untyped-call]
    return futures


def _addressed(things: Sequence[tuple[int, bytes]], origin: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": np.array([target for target, _ in things], dtype=np.int64),
            "origin": np.full(len(things), origin, dtype=np.int64),
            "thing": pd.arrays.ArrowExtensionArray(pa.array([thing for _, thing in things], pa.large_binary())),
        }
    )


def _received(frame: pd.DataFrame) -> list[bytes]:
    return list(frame["thing"].iloc[np.argsort(frame["origin"].to_numpy(), kind="stable")])


def _task(call: Callable[..., Any], first: Any, *rest: Any, key: str) -> Any:
    """A task of a graph, with a key of words and numbers; `first` may be a future, or a task."""
    return delayed(call, pure=False)(first, *rest, dask_key_name=f"{key}-{secrets.token_hex(6)}")
