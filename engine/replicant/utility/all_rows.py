"""Propensity scores of tables that are not in memory: a model of some rows begins the fit to all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from replicant.estimate.partitions import DeferredPartitions
from replicant.evaluation.rows import Coding, Rows
from replicant.table.arrays import Bools
from replicant.utility.lumping import Lumping
from replicant.utility.propensity import Propensity, propensity_frame, refined

__all__ = ["WholeTables"]

SLICE = 100_000
"""Rows of a frame whose terms are in memory at once."""


@dataclass(frozen=True, eq=False)
class WholeTables:
    """All rows of unweighted tables.

    Attributes
    ----------
    real, sets
        Each a frame, functions that load partitions, or partitions elsewhere.
    coding
        Of their columns.
    n, k
        Their rows.
    lumping
        What is done with long columns.
    """

    real: Any
    sets: Sequence[Any]
    coding: Coding
    n: int
    k: Sequence[int]
    lumping: Lumping | None = None

    def lumped(self, lumping: Lumping) -> WholeTables:
        """The same with the rarer levels of long columns as one."""
        return replace(self, lumping=lumping)

    def scores(self, real: Rows, sets: Sequence[Rows]) -> list[Propensity]:
        """Of each set, what the scores of all rows tell, given some rows of each table, lumped."""
        found = []
        for some, one, k in zip(sets, self.sets, self.k, strict=True):

            def framed(table: Any, lost: Bools) -> Any:
                return _changed(table, partial(_framed, coding=self.coding, lumping=self.lumping, lost=lost))

            found.append(refined(real, some, partial(framed, self.real), partial(framed, one), (self.n, k)))
        return found


def _changed(table: Any, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Any:
    """A table as partitions, each changed when it is loaded."""
    if isinstance(table, DeferredPartitions):
        return table.mapped(change)
    if isinstance(table, pd.DataFrame):
        table = [partial(_slice, table, start) for start in range(0, len(table), SLICE)]
    return [partial(_loaded, load, change) for load in table]


def _slice(frame: pd.DataFrame, start: int) -> pd.DataFrame:
    return frame.iloc[start : start + SLICE]


def _loaded(load: Any, change: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    return change(load if isinstance(load, pd.DataFrame) else load())


def _framed(frame: pd.DataFrame, *, coding: Coding, lumping: Lumping | None, lost: Bools) -> pd.DataFrame:
    rows = coding.rows(frame)
    return propensity_frame(rows if lumping is None else lumping(rows), lost)
