"""What the tasks of a plan do, as plain functions: they run in a loop, in a thread or on a worker, and know of none.

Nothing here depends on order or worker: random streams are addresses, so the same task gives the same bytes anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from replicant import fcs
from replicant.plan.model import Plan
from replicant.plan.task import Task
from replicant.run.source import Source
from replicant.table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CALLS", "DrawnSet", "Shared", "Sink", "Stratum", "draw", "fit", "load", "prepare"]


@dataclass(frozen=True, eq=False, repr=False)
class Stratum:
    """One partition, ready for its tasks: its rows as a table, the encoding that all its fits share, and canaries."""

    table: Table
    prepared: fcs.Prepared
    planted: fcs.Planted | None = None


@dataclass(frozen=True, eq=False, repr=False)
class DrawnSet:
    """One synthetic partition in codes.

    Attributes
    ----------
    imputation, partition
        0-based.
    codes
        (p, k) int32, codes of the partition's columns.
    exact
        Computed columns: (k,) float64 each.
    completed
        Where the chain ended that filled the missing cells; None if they were kept.
    account
        What is known of it beside the rows.
    """

    imputation: int
    partition: int
    codes: NDArray[np.int32]
    exact: dict[str, NDArray[np.float64]]
    completed: fcs.Completed | None = None
    account: fcs.Account = fcs.NOTHING


class Sink(Protocol):
    """Takes a finished partition and returns what is kept of it, such as the record of a file."""

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int, account: fcs.Account) -> Any: ...


class Shared(NamedTuple):
    """What all tasks of a plan get.

    Attributes
    ----------
    plan
        What to do.
    source
        Where any process reads the table; None: it is given.
    sink
        Takes each finished partition as a frame, where it was drawn; None: codes are given back.
    starts
        Where earlier chains ended, by imputation and partition; None: they start anew.
    """

    plan: Plan
    source: Source | None
    sink: Sink | None
    starts: Mapping[tuple[int, int], fcs.Completed] | None = None


def load(shared: Shared, task: Task) -> Table:
    """Read the table."""
    if shared.source is None:
        raise TypeError("a table that is given is not read")
    return shared.source.load()


def prepare(shared: Shared, task: Task, table: Table) -> Stratum:
    """Cut a partition out of the table and encode what its fits share."""
    rows = shared.plan.partitions[task.index].rows
    own = table if rows is None else table.take(rows)
    planted = fcs.plant(own, shared.plan, task.index)
    if planted is None:
        return Stratum(own, fcs.prepare(own, shared.plan, task.index))
    return Stratum(own, fcs.prepare(planted.table, shared.plan, task.index, len(planted.canaries)), planted)


def fit(shared: Shared, task: Task, stratum: Stratum) -> fcs.Models:
    """Fit a task's columns, for each of its imputations or once for all."""
    of: tuple[int | None, ...] = task.imputations or (None,)
    return {i: fcs.fit_columns(stratum.prepared, shared.plan, task.columns, i or 0) for i in of}


def draw(shared: Shared, task: Task, stratum: Stratum, *fitted: fcs.Models) -> list[Any]:
    """Draw a task's imputations, fitting at the visit what none of `fitted` holds.

    Returns
    -------
    list
        One `DrawnSet` per imputation, or what the sink returned for each.
    """
    plan, _, sink, starts = shared
    results: list[Any] = []
    drawn = fcs.impute(stratum.prepared, plan, task.imputations, models=_merged(fitted), starts=starts)
    for imputation, one in zip(task.imputations, drawn, strict=True):
        account = fcs.account_of(one, imputation, plan)
        if stratum.planted is not None:
            one, counts = fcs.take_out(one, stratum.planted, plan, task.index, imputation)  # noqa: PLW2901
            account = replace(account, canaries=counts)
        if sink is None:
            results.append(DrawnSet(imputation, task.index, one.codes, dict(one.exact), one.completed, account))
        else:
            frame = stratum.table.to_frame(one.codes, one.exact, plan.outputs)
            results.append(sink(frame, imputation, task.index, account))
    return results


CALLS: Mapping[str, Callable[..., Any]] = {"load": load, "prepare": prepare, "fit": fit, "draw": draw}


def _merged(fitted: Sequence[fcs.Models]) -> fcs.Models:
    models: dict[int | None, dict[str, fcs.ColumnModel]] = {}
    for part in fitted:
        for imputation, columns in part.items():
            models.setdefault(imputation, {}).update(columns)
    return models
