"""What a step does, as plain functions: they run in a loop, in a thread or on a worker of a cluster, and know of none.

Nothing here depends on order or place: random streams are addresses, so the same step gives the same bytes anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from replicant import fcs
from replicant.errors import DataError
from replicant.plan.model import Plan, Task
from replicant.spec.models import JobSpec
from replicant.table import ColumnSpec, Dataset, Loaded, Reading, Table, encode_table, read_dataset, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Drawn", "Fitted", "Room", "Sink", "Source", "dataset_of", "draw", "fit", "prepare"]


@dataclass(frozen=True, repr=False)
class Source:
    """Where a table comes from, so that any process can load it again.

    Attributes
    ----------
    path, dataset
        A path or URL, or the name of a built-in data set; exactly one is given.
    select
        Columns to read, in the order wanted; None for all.
    columns
        What the user said of columns.
    drop
        Columns to leave out.
    digest
        Of the table that is expected; None if any will do.
    reading
        How the file is written, where that was said.
    """

    path: str | None = None
    dataset: str | None = None
    select: tuple[str, ...] | None = None
    columns: Mapping[str, ColumnSpec | dict[str, Any]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    digest: str | None = None
    reading: Reading = field(default_factory=Reading)

    @classmethod
    def at(
        cls,
        path: str | PathLike[str],
        columns: Mapping[str, Any] | None = None,
        reading: Reading | None = None,
        drop: Sequence[str] = (),
    ) -> Source:
        """A file, folder or URL, as seen from any working directory."""
        given, reading = dict(columns or {}), reading or Reading()
        return cls(path=_absolute(os.fspath(path)), columns=given, drop=tuple(drop), reading=reading)

    @classmethod
    def of_job(cls, job: JobSpec) -> Source:
        """A job's input."""
        path = None if job.input.path is None else _absolute(job.input.path)
        select = None if job.input.columns is None else tuple(job.input.columns)
        drop = tuple(job.synthesis.drop)
        return cls(path, job.input.dataset, select, dict(job.columns), drop, reading=job.input.reading)

    def load(self) -> Table:
        """Read and encode.

        Raises
        ------
        DataError, SpecError
            If it cannot be read, cannot be synthesized as it is, or is not the table expected.
        """
        loaded = self._read()
        table = encode_table(
            loaded.frame,
            loaded.declared(self.columns),
            events=loaded.events,
            drop=self.drop,
            by_file=loaded.by_file(self.columns),
        )
        if self.digest is not None and table.digest() != self.digest:
            raise DataError(
                "A worker read another table than the one the plan was made for.",
                need="the same data at the same path on every machine, unchanged while the job runs",
                fix="check what the workers see there, or give the table as a frame",
            )
        return table

    def describe(self) -> dict[str, Any]:
        """For the internal manifest."""
        given = {"path": self.path, "dataset": self.dataset, "columns": self.select and list(self.select)}
        return {key: value for key, value in given.items() if value is not None}

    def _read(self) -> Loaded:
        data = self.path if self.dataset is None else read_dataset(self.dataset)
        return read_table(data, columns=self.select, reading=self.reading, codebook=self.columns)


@dataclass(frozen=True, eq=False, repr=False)
class Room:
    """One partition, ready for its tasks: its rows as a table, and the encoding all its fits share."""

    table: Table
    prepared: Any


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """What a fit task made: models by imputation, or once for all of them.

    Attributes
    ----------
    models
        Imputation (0-based) to column to model. The one key None stands for every imputation.
    """

    models: dict[int | None, dict[str, Any]]

    def serving(self, imputation: int) -> dict[str, Any]:
        """The models for one imputation."""
        return self.models.get(None) or self.models.get(imputation, {})


@dataclass(frozen=True, eq=False, repr=False)
class Drawn:
    """One synthetic partition in codes.

    Attributes
    ----------
    imputation, partition
        0-based.
    codes
        (p, k) int32, codes of the partition's columns.
    exact
        Computed columns: (k,) float64 each.
    """

    imputation: int
    partition: int
    codes: NDArray[np.int32]
    exact: dict[str, NDArray[np.float64]]


class Sink(Protocol):
    """Takes a finished partition and returns what is kept of it, such as the record of a file."""

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int) -> Any: ...


def dataset_of(job: JobSpec) -> Dataset:
    """A job's input, of which only the metadata is read.

    Raises
    ------
    SpecError, DataError
        If it is no Parquet, cannot be read, or is not what was said.
    """
    chosen = None if job.input.columns is None else tuple(job.input.columns)
    return Dataset.open(str(job.input.path), chosen, reading=job.input.reading, codebook=job.columns)


def prepare(table: Table, plan: Plan, partition: int) -> Room:
    """Cut a partition out of the table and encode what its fits share."""
    rows = plan.partitions[partition].rows
    part = table if rows is None else table.take(rows)
    return Room(part, fcs.prepare(part, plan, partition))


def fit(room: Room, plan: Plan, task: Task) -> Fitted:
    """Fit a task's columns, for each of its imputations or once for all."""
    if not task.imputations:
        return Fitted({None: fcs.fit_columns(room.prepared, plan, task.columns, 0)})
    return Fitted({i: fcs.fit_columns(room.prepared, plan, task.columns, i) for i in task.imputations})


def draw(room: Room, plan: Plan, task: Task, fitted: Sequence[Fitted], sink: Sink | None = None) -> list[Any]:
    """Draw a task's imputations, fitting first what none of `fitted` holds.

    Returns
    -------
    list
        One `Drawn` per imputation, or what the sink returned for each.
    """
    made: list[Any] = []
    shared: dict[str, Any] = {}
    for imputation in task.imputations:
        models = dict(shared)
        for part in fitted:
            models.update(part.serving(imputation))
        left = tuple(name for name in plan.fitted if name not in models)
        if left:
            fresh = fcs.fit_columns(room.prepared, plan, left, 0 if plan.shares_fits else imputation)
            models.update(fresh)
            if plan.shares_fits:
                shared = fresh
        drawn = fcs.draw_imputation(room.prepared, plan, models, imputation)
        if sink is None:
            made.append(Drawn(imputation, task.partition, drawn.codes, dict(drawn.exact)))
        else:
            made.append(sink(room.table.to_frame(drawn.codes, drawn.exact, plan.outputs), imputation, task.partition))
    return made


def _absolute(path: str) -> str:
    """A local path as every process sees it, wherever it works; a URL as it is."""
    return path if "://" in path else os.path.abspath(path)
