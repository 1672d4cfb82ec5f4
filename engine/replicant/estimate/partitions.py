"""Data as partitions: what an estimator maps over and combines. One frame in memory is one partition.

A partition is a frame, or a function that loads one: then no more than one of them is held at a time. Whatever has the
same `reduce` may stand in, so that a cluster can map where the partitions are; `DeferredPartitions` are such
partitions before their column of weights is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.table.arrays import Floats

__all__ = [
    "DeferredPartitions",
    "Load",
    "Partitions",
    "Source",
    "column_weights",
    "columns_of",
    "partitioned",
]

S = TypeVar("S")
Load = Callable[[], pd.DataFrame]
"""Loads a partition, in this process or in another."""


@runtime_checkable
class Source(Protocol):
    """Partitions, wherever they are."""

    @property
    def n_partitions(self) -> int:
        """How many."""
        ...

    @property
    def cached(self) -> bool:
        """Whether the frames are in memory anyhow, so that what is computed of them may stay there too."""
        ...

    @property
    def remote(self) -> bool:
        """Whether rows are in other processes and stay there: no state that holds them may be asked for."""
        ...

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        """Map a function of (frame, weights) over the partitions and combine what it gives, in any grouping."""
        ...


@runtime_checkable
class DeferredPartitions(Protocol):
    """Partitions that are loaded where they are computed with."""

    def mapped(self, change: Callable[[pd.DataFrame], pd.DataFrame], /) -> DeferredPartitions:
        """The same, each changed when it is loaded."""
        ...

    def source(self, weights: str | None, /) -> Source:
        """What an estimator takes, with the rows weighted by a column."""
        ...


class Partitions:
    """Partitions on this machine, one after the other.

    Parameters
    ----------
    frames
        Frames, or functions of nothing that load them.
    weights
        Name of a column, or one array per frame, or None.
    """

    CACHED_ROWS = 250_000

    def __init__(
        self,
        frames: Sequence[pd.DataFrame | Load],
        weights: str | Sequence[Floats] | None = None,
    ) -> None:
        if not frames:
            raise DataError("there is no partition", need="at least one frame")
        if weights is not None and not isinstance(weights, str) and len(weights) != len(frames):
            raise SpecError(
                f"there are {len(weights)} arrays of weights for {len(frames)} partitions",
                need="one array for each partition",
            )
        self.frames = list(frames)
        self.weights = weights

    @property
    def n_partitions(self) -> int:
        return len(self.frames)

    @property
    def cached(self) -> bool:
        return sum(len(f) if isinstance(f, pd.DataFrame) else self.CACHED_ROWS + 1 for f in self.frames) <= (
            self.CACHED_ROWS
        )

    @property
    def remote(self) -> bool:
        return False

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        state: S | None = None
        for i, item in enumerate(self.frames):
            frame = item if isinstance(item, pd.DataFrame) else item()
            one = function(frame, self._weights(frame, i))
            del frame  # before the next one is loaded
            state = one if state is None else combine(state, one)
        assert state is not None
        return state

    def _weights(self, frame: pd.DataFrame, i: int) -> Floats | None:
        if self.weights is None:
            return None
        if isinstance(self.weights, str):
            return column_weights(frame, self.weights)
        return _checked(np.asarray(self.weights[i], dtype=np.float64), len(frame))


def column_weights(frame: pd.DataFrame, name: str) -> Floats:
    """(n,) weights that stand in a column.

    Raises
    ------
    SpecError, DataError
        If there is no such column, or it holds anything but weights.
    """
    if name not in frame.columns:
        known = [str(column) for column in frame.columns]
        raise SpecError(
            f"weights name {name!r}, which is not a column of the table",
            need=f"a column of the table{nearest(name, known)}",
        )
    cells = frame[name]
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        raise SpecError(
            f"the weights {name!r} are not a column of numbers",
            need="numbers of 0 or more",
            fix=f"name the column that holds the weights, or declare {name!r} as continuous",
        )
    return _checked(cells.to_numpy(dtype=np.float64, na_value=np.nan), len(frame))


def _checked(given: Floats, rows: int) -> Floats:
    if given.shape != (rows,):
        raise SpecError(f"there are {given.size} weights for {rows} rows", need="one weight for each row")
    if not (np.isfinite(given) & (given >= 0)).all():
        bad = int(np.count_nonzero(~(np.isfinite(given) & (given >= 0))))
        raise DataError(
            f"{bad} weights are negative, missing or infinite",
            need="weights of 0 or more",
            fix="leave these rows out, or give them the weight 0",
        )
    return given


def partitioned(data: Any, weights: Any = None) -> Source:
    """The partitions of a frame, of a sequence of frames or of functions that load them; a `Source` stays as it is."""
    if isinstance(data, pd.DataFrame):
        if weights is None or isinstance(weights, str):
            return Partitions([data], weights)
        return Partitions([data], [np.asarray(weights, dtype=np.float64)])
    if isinstance(data, Source):
        if weights is not None:
            raise SpecError(
                "weights are given, and the partitions have their own", need="weights where partitions are made"
            )
        return data
    if isinstance(data, DeferredPartitions):
        if weights is not None and not isinstance(weights, str):
            raise SpecError(
                "weights are given as an array, and the partitions lie elsewhere",
                need="the name of a column of weights",
            )
        return data.source(weights)
    if callable(data):
        return partitioned([data], weights)
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
        raise DataError(f"the data are of type {type(data).__name__}", need="a frame, or partitions of one")
    frames = list(data)
    for item in frames:
        if not isinstance(item, pd.DataFrame) and not callable(item):
            raise DataError(f"a partition is of type {type(item).__name__}", need="frames, or functions that load them")
    if weights is not None and not isinstance(weights, str):
        weights = [np.asarray(w, dtype=np.float64) for w in weights]
    return Partitions(frames, weights)


def columns_of(source: Source) -> tuple[str, ...]:
    """Names of the columns."""
    return source.reduce(_names, _first)


def _names(frame: pd.DataFrame, weights: Floats | None) -> tuple[str, ...]:
    return tuple(str(name) for name in frame.columns)


def _first(a: S, b: S) -> S:
    return a
