"""Data as partitions: what an estimator maps over and combines. One frame in memory is one partition.

A partition is a frame, or a function that loads one: then no more than one of them is held at a time. Whatever has the
same `reduce` may stand in, so that a cluster can map where the partitions are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.table.arrays import Floats

__all__ = ["WEIGHT_KINDS", "Partitions", "Source", "is_survey", "partitioned"]

S = TypeVar("S")
Weights = str | Sequence[Any] | Floats | pd.Series | None
WEIGHT_KINDS = ("frequency", "survey")


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

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        """Map a function of (frame, weights) over the partitions and combine what it gives, in any grouping."""
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
        frames: Sequence[pd.DataFrame | Callable[[], pd.DataFrame]],
        weights: str | Sequence[Floats] | None = None,
    ) -> None:
        if not frames:
            raise DataError("no partition", need="at least one frame")
        if weights is not None and not isinstance(weights, str) and len(weights) != len(frames):
            raise SpecError(
                f"{len(weights)} arrays of weights for {len(frames)} partitions", need="one array for each partition"
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
            if self.weights not in frame.columns:
                raise SpecError(f"weights name {self.weights!r}, no column of the table", need="a column of the table")
            given = frame[self.weights].to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            given = np.asarray(self.weights[i], dtype=np.float64)
        if given.shape != (len(frame),):
            raise SpecError(f"{given.size} weights for {len(frame)} rows", need="one weight for each row")
        if not (np.isfinite(given) & (given >= 0)).all():
            bad = int(np.count_nonzero(~(np.isfinite(given) & (given >= 0))))
            raise DataError(f"{bad} weights are negative, missing or infinite", need="weights of 0 or more")
        return given


def partitioned(data: Any, weights: Any = None) -> Source:
    """The partitions of a frame, of a sequence of frames or of functions that load them; a `Source` stays as it is."""
    if isinstance(data, pd.DataFrame):
        if weights is None or isinstance(weights, str):
            return Partitions([data], weights)
        return Partitions([data], [np.asarray(weights, dtype=np.float64)])
    if isinstance(data, Source):
        if weights is not None:
            raise SpecError("weights beside partitions that have their own", need="weights where partitions are made")
        return data
    if callable(data):
        return partitioned([data], weights)
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
        raise DataError(f"data of type {type(data).__name__}", need="a frame, or partitions of one")
    frames = list(data)
    for item in frames:
        if not isinstance(item, pd.DataFrame) and not callable(item):
            raise DataError(f"a partition of type {type(item).__name__}", need="frames, or functions that load them")
    if weights is not None and not isinstance(weights, str):
        weights = [np.asarray(w, dtype=np.float64) for w in weights]
    return Partitions(frames, weights)


def is_survey(weight_kind: str) -> bool:
    """Whether weights of this kind stand for rows of a population, not for equal rows that were seen.

    Raises
    ------
    SpecError
        If the kind is unknown.
    """
    if weight_kind not in WEIGHT_KINDS:
        raise SpecError("an unknown kind of weights", need="one of " + ", ".join(WEIGHT_KINDS))
    return weight_kind == "survey"
